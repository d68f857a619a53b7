"""Look-ups, computed again from the raw tables."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from movierec.serving.lookups import Lookups, RequestError


def test_raters_and_mean_rating_of_every_movie(lookups, made):
    for position, movie_id in enumerate(made.movies["movie_id"]):
        ratings = made.ratings.loc[made.ratings["movie_id"] == movie_id, "rating"]
        assert lookups.raters[position] == len(ratings)
        assert lookups.means[position] == pytest.approx(ratings.mean(), nan_ok=True)


def test_likes_of_movies_users_and_genres(lookups, made):
    liked = made.ratings[made.ratings["rating"] >= 4]
    assert lookups.likes.sum() == lookups.likes_by_user.sum() == len(liked)
    comedies = set(made.movies.loc[made.movies["genres"] == "Comedy", "movie_id"])
    for position, user_id in enumerate(made.users["user_id"][:5]):
        movies = liked.loc[liked["user_id"] == user_id, "movie_id"]
        assert lookups.likes_by_user[position] == len(movies)
        assert lookups.genre_likes["Comedy"][position] == movies.isin(comedies).sum()


def test_names_genres_and_decades(lookups):
    assert list(lookups.data.genre_table) == ["Comedy", "Drama", "War"]
    assert lookups.name(3) == "Film 3 (1953)"
    assert lookups.decades == [1950, 1960, 1970, 1980, 1990]
    assert (lookups.decade_table.sum(axis=1) == 1).all()


def test_find_starts_with_the_most_rated(lookups):
    positions = lookups.find("film").positions
    assert len(positions) == 60
    assert (np.diff(lookups.raters[positions]) <= 0).all()


@pytest.mark.parametrize("text", ["", "   ", "<b>", ".*", "x" * 10_000, "\\", "영화"])
def test_find_returns_no_movies_for_a_text_that_is_in_no_title(lookups, text):
    assert not len(lookups.find(text).positions)


@pytest.mark.parametrize("text", [None, 5, b"x"])
def test_find_needs_a_text(lookups, text):
    with pytest.raises(RequestError, match="the title is .+, expected a text"):
        lookups.find(text)
    assert not len(lookups.find("\ud800").positions)


@pytest.mark.parametrize("movie_id", [61, True, "3", [1], None])
def test_movies_that_do_not_exist_have_no_name(lookups, movie_id):
    with pytest.raises(RequestError, match="there is no movie "):
        lookups.name(movie_id)


def test_years_in_which_a_rating_can_be_given(made):
    assert Lookups(made).rating_years == range(1995, 2101)
    early = made.ratings.assign(timestamp=np.arange(len(made.ratings)) - 10**9)
    assert Lookups(replace(made, ratings=early)).rating_years == range(1938, 2101)


def test_history_has_all_ratings_of_the_user_newest_first(lookups, made):
    history = lookups.history(7)
    raw = made.ratings.query("user_id == 7").set_index("movie_id")
    assert sorted(history["movie_id"]) == sorted(raw.index)
    assert (history["rating"].to_numpy() == raw["rating"].loc[history["movie_id"]]).all()
    assert history["timestamp"].is_monotonic_decreasing
    assert lookups.default_time(7) == tuple(history.iloc[0][["rating_year", "rating_month"]])
    oldest_first = raw.sort_values("timestamp", kind="stable").index
    assert np.array_equal(lookups.rated(7), made.movie_positions(oldest_first))


def test_the_default_time_without_ratings_is_the_newest_of_all(made):
    others = made.ratings.query("user_id != 4").reset_index(drop=True)
    newest = pd.to_datetime(others["timestamp"].max(), unit="s")
    lookups = Lookups(replace(made, ratings=others))
    assert lookups.default_time() == (newest.year, newest.month)
    assert lookups.history(4).empty
    assert lookups.default_time(4) == lookups.default_time()
    assert not lookups.rated(4).any()
