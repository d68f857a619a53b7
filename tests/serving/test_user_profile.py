"""The figures of a user's profile, computed again from the raw tables."""

from dataclasses import replace

import pytest

from movierec.serving.lookups import Lookups, RequestError
from movierec.serving.user_profile import user_profile


def test_a_users_profile(lookups, made):
    profile = user_profile(lookups, 4)
    rated = made.ratings.query("user_id == 4").merge(made.movies, on="movie_id")
    liked, liked_by_all = (
        rows[rows["rating"] >= 4]
        for rows in (rated, made.ratings.merge(made.movies, on="movie_id"))
    )
    assert (profile.rated, profile.liked) == (len(rated), len(liked))
    assert profile.overall_share == pytest.approx(len(liked_by_all) / len(made.ratings))
    for column, rows in (("share", liked), ("overall", liked_by_all)):
        shares = profile.genres.set_index("name")[column]
        for genre in ("Comedy", "Drama", "War"):
            assert shares[genre] == pytest.approx(rows["genres"].str.contains(genre).mean())
    assert profile.favourites == ("Comedy",)
    assert profile.decades["share"].sum() == pytest.approx(1)
    assert profile.months["ratings"].sum() == len(rated)
    assert profile.first <= profile.last


def test_users_without_likes_or_ratings_and_an_unknown_user(made):
    own = made.ratings["user_id"] == 4
    ratings = made.ratings.assign(rating=made.ratings["rating"].mask(own, 1))
    profile = user_profile(Lookups(replace(made, ratings=ratings)), 4)
    assert profile.liked == 0
    assert profile.genres.empty
    assert profile.decades.empty
    assert profile.favourites == ()
    profile = user_profile(
        Lookups(replace(made, ratings=made.ratings[~own].reset_index(drop=True))), 4
    )
    assert (profile.rated, profile.liked) == (0, 0)
    assert profile.months.empty
    with pytest.raises(RequestError, match="there is no user 99"):
        user_profile(Lookups(made), 99)
