"""The tables of a data set, and look-ups in them.

=========  ==================================================================================
users      user_id and one column per further feature; in ML-1M and ML-100K gender (F/M), age
           (ML-1M's group), occupation (ML-1M's number) and zipcode
movies     movie_id, title (with its year in brackets), genres (separated by ``|``), and one
           column per further feature
ratings    user_id, movie_id, rating, timestamp (seconds since 1970, UTC; 0 everywhere if the
           data set has no times)
=========  ==================================================================================

Rows keep the order of the raw files. Whole numbers are int32, timestamps int64, and ratings with
decimals float32 (a release's half stars) or float64 (own ratings).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from movierec.data import features
from movierec.data.schema import (
    FIVE_STARS,
    GENRE_FEATURES,
    MOVIE,
    RATING,
    RELEASE_FEATURES,
    TIME_FEATURES,
    TIMESTAMP,
    USER,
    Fields,
    Scale,
)
from movierec.files import digest


@dataclass(frozen=True)
class Dataset:
    """One data set, read, checked and indexed.

    A user's or movie's *position* is its row in the users or movies table, from 0.

    Args:
        name: the name of its folder in `data/`.
        users, movies, ratings: the tables described in this module's docstring.
        source: where the files came from, in words.
        files: SHA-256 of each raw file.
        scale: the ratings that can be given.
    """

    name: str
    users: pd.DataFrame
    movies: pd.DataFrame
    ratings: pd.DataFrame
    source: str
    files: dict[str, str]
    scale: Scale = FIVE_STARS

    @cached_property
    def fields(self) -> Fields:
        """The features that a model reads: those that the tables have."""
        movie = [MOVIE]
        if (self.movies["genres"] != "").any():
            movie += GENRE_FEATURES
        if self.movie_features["release_year"].notna().any():
            movie += RELEASE_FEATURES
        movie += [name for name in self.movies if name not in (MOVIE, "title", "genres")]
        time = TIME_FEATURES if self.ratings[TIMESTAMP].any() else ()
        return Fields(tuple(self.users), tuple(movie), time)

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """SHA-256 of what a model learns from, independent of how the files are written.

        Two copies with the same fingerprint encode, split and train alike. Titles are left out
        (except their year), and timestamps have a hash of their own, because copies of MovieLens
        differ in these without any other difference.
        """
        year = self.movies["title"].str.extract(features.YEAR_PATTERN, expand=False).fillna("")
        movies = self.movies.drop(columns="title").assign(year=year)
        numbers = self.scale.classes(self.ratings[RATING]) + 1
        ratings = np.column_stack([self.ratings[USER], self.ratings[MOVIE], numbers])
        return {
            "users": digest(self.users.to_csv(index=False, lineterminator="\n").encode()),
            "movies": digest(movies.to_csv(index=False, lineterminator="\n").encode()),
            "ratings": digest(ratings.astype(np.int32).tobytes()),
            "timestamps": digest(self.ratings[TIMESTAMP].to_numpy(np.int64).tobytes()),
        }

    @cached_property
    def movie_features(self) -> pd.DataFrame:
        """`features.movie_features` of the movies table."""
        return features.movie_features(self.movies)

    @cached_property
    def genre_table(self) -> pd.DataFrame:
        """Whether a movie (row) has a genre (column); bool."""
        table = self.movies["genres"].str.get_dummies("|").astype(bool)
        # the empty name comes from movies without a genre
        return table.drop(columns="", errors="ignore")

    @cached_property
    def dated_ratings(self) -> pd.DataFrame:
        """The ratings table with the columns rating_year and rating_month (UTC)."""
        return self.ratings.join(features.time_features(self.ratings[TIMESTAMP]))

    @cached_property
    def labels(self) -> np.ndarray:
        """1 where the rating is `scale.liked` or more, else 0; float32, shape (ratings,)."""
        return self.scale.labels(self.ratings[RATING])

    @cached_property
    def _user_index(self) -> pd.Index:
        return pd.Index(self.users[USER])

    @cached_property
    def _movie_index(self) -> pd.Index:
        return pd.Index(self.movies[MOVIE])

    def user_positions(self, user_ids) -> np.ndarray:
        """Positions of users; -1 for an id that the users table lacks."""
        return self._user_index.get_indexer(user_ids)

    def movie_positions(self, movie_ids) -> np.ndarray:
        """Positions of movies; -1 for an id that the movies table lacks."""
        return self._movie_index.get_indexer(movie_ids)

    @cached_property
    def rating_users(self) -> np.ndarray:
        """Position of every rating's user, shape (ratings,)."""
        return self.user_positions(self.ratings[USER])

    @cached_property
    def rating_movies(self) -> np.ndarray:
        """Position of every rating's movie, shape (ratings,)."""
        return self.movie_positions(self.ratings[MOVIE])

    def matrix(self, rows: np.ndarray, values: np.ndarray | None = None) -> sparse.csr_array:
        """Ratings as a sparse matrix, float32, shape (users, movies).

        Args:
            rows: row indices of the ratings.
            values: the entry for each of them; 1 by default.
        """
        values = np.ones(len(rows), np.float32) if values is None else values
        pairs = self.rating_users[rows], self.rating_movies[rows]
        shape = len(self.users), len(self.movies)
        return sparse.csr_array((values.astype(np.float32), pairs), shape)

    def features(self) -> pd.DataFrame:
        """The features of every rating, in the order of `fields` and of `ratings`."""
        rated = self.dated_ratings.merge(self.users, "left", on=USER)
        return rated.merge(self.movie_features, "left", on=MOVIE)[list(self.fields.all)]
