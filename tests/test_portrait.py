"""A portrait's figures, computed the slow way."""

from dataclasses import replace

import pytest

from movierec import portrait
from movierec.library import Library, RequestError


def test_a_portrait(made):
    library = Library(made)
    described = portrait.portrait(library, 4)
    mine = made.ratings.query("user_id == 4").merge(made.movies, on="movie_id")
    liked, everyones = (
        rows[rows["rating"] >= 4] for rows in (mine, made.ratings.merge(made.movies, on="movie_id"))
    )
    assert (described.rated, described.liked) == (len(mine), len(liked))
    assert described.everyone == pytest.approx(len(everyones) / len(made.ratings))
    for table, rows in (("share", liked), ("everyone", everyones)):
        shares = described.genres.set_index("name")[table]
        for genre in ("Comedy", "Drama", "War"):
            assert shares[genre] == pytest.approx(rows["genres"].str.contains(genre).mean())
    assert described.favourites == ("Comedy",)
    assert described.decades["share"].sum() == pytest.approx(1)
    assert described.months["ratings"].sum() == len(mine)
    assert described.first <= described.last


def test_somebody_who_likes_nothing(made):
    poor = made.ratings.assign(rating=made.ratings["rating"].where(made.ratings["user_id"] != 4, 1))
    described = portrait.portrait(Library(replace(made, ratings=poor)), 4)
    assert described.liked == 0
    assert described.genres.empty
    assert described.decades.empty
    assert described.favourites == ()


def test_somebody_who_rated_nothing(made):
    others = made.ratings.query("user_id != 4")
    described = portrait.portrait(Library(replace(made, ratings=others)), 4)
    assert (described.rated, described.liked) == (0, 0)
    assert described.months.empty


def test_nobody(made):
    with pytest.raises(RequestError, match="there is no user 99"):
        portrait.portrait(Library(made), 99)
