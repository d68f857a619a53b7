"""Look-ups, checked against the raw tables."""

import numpy as np
import pandas as pd
import pytest

from movierec.library import Library


@pytest.fixture(scope="module")
def library(made):
    return Library(made)


def test_what_everybody_thinks(library, made):
    rated = made.ratings.groupby("movie_id")["rating"]
    for row, movie_id in enumerate(made.movies["movie_id"]):
        assert library.raters[row] == (made.ratings["movie_id"] == movie_id).sum()
        if library.raters[row]:
            assert library.means[row] == pytest.approx(rated.get_group(movie_id).mean())
        else:
            assert np.isnan(library.means[row])


def test_likes(library, made):
    liked = made.ratings[made.ratings["rating"] >= 4]
    assert library.likes.sum() == library.likes_by_user.sum() == len(liked)
    comedies = set(made.movies.loc[made.movies["genres"] == "Comedy", "movie_id"])
    for row, user_id in enumerate(made.users["user_id"][:5]):
        mine = liked.loc[liked["user_id"] == user_id, "movie_id"]
        assert library.genre_likes["Comedy"][row] == mine.isin(comedies).sum()


def test_genres_and_decades(library):
    assert list(library.carries) == ["Comedy", "Drama", "War"]
    assert library.decades == [1950, 1960, 1970, 1980, 1990]
    assert (library.decade_table.sum(axis=1) == 1).all()


def test_find(library):
    assert "Film 12" in library.find("FILM 12")["title"].tolist()
    assert len(library.find("film", most=3)) == 3
    raters = library.raters[library.find("film", most=60).index]
    assert (np.diff(raters) <= 0).all()


@pytest.mark.parametrize("text", ["", "   ", "<b>", ".*", "x" * 10_000, "\\", "영화"])
def test_find_what_is_not_there(library, text):
    assert library.find(text).empty


def test_names(library):
    assert library.name(3) == "Film 3 (1953)"


def test_newest_time_of_all(library, made):
    newest = pd.to_datetime(made.ratings["timestamp"].max(), unit="s")
    assert library.default_time() == (newest.year, newest.month)
