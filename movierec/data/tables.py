"""The tables of a MovieLens data set, indexed.

=========  ==================================================================================
users      user_id, gender (F/M), age (ML-1M's group), occupation (ML-1M's number), zipcode
movies     movie_id, title (with its year in brackets), genres (separated by ``|``)
ratings    user_id, movie_id, rating (1..5), timestamp (seconds since 1970, UTC)
=========  ==================================================================================

Rows keep the order of the raw files. Ids, ages, occupations and ratings are int32, timestamps
int64.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from movierec.data import features, schema
from movierec.data.schema import MOVIE, RATING, TIMESTAMP, USER
from movierec.files import digest


@dataclass(frozen=True)
class MovieLens:
    """One data set, read, checked and indexed.

    A user's or movie's *position* is its row in the users or movies table, from 0.

    Args:
        name: "ml-1m" or "ml-100k".
        users, movies, ratings: the tables described in this module's docstring.
        source: where the files came from, in words.
        files: SHA-256 of each raw file.
    """

    name: str
    users: pd.DataFrame
    movies: pd.DataFrame
    ratings: pd.DataFrame
    source: str
    files: dict[str, str]

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """SHA-256 of what a model learns from, independent of how the files are written.

        Two copies with the same fingerprint encode, split and train alike. Titles are left out
        (except their year), and timestamps have a hash of their own, because copies of MovieLens
        differ in these without any other difference.
        """
        year = self.movies["title"].str.extract(features.YEAR_PATTERN, expand=False).fillna("")
        movies = self.movies[[MOVIE, "genres"]].assign(year=year)
        ratings = self.ratings[[USER, MOVIE, RATING]]
        return {
            "users": digest(self.users.to_csv(index=False, lineterminator="\n").encode()),
            "movies": digest(movies.to_csv(index=False, lineterminator="\n").encode()),
            "ratings": digest(ratings.to_numpy(np.int32).tobytes()),
            "timestamps": digest(self.ratings[TIMESTAMP].to_numpy(np.int64).tobytes()),
        }

    @cached_property
    def movie_features(self) -> pd.DataFrame:
        """`features.movie_features` of the movies table."""
        return features.movie_features(self.movies)

    @cached_property
    def dated_ratings(self) -> pd.DataFrame:
        """The ratings table with the columns rating_year and rating_month (UTC)."""
        return self.ratings.join(features.time_features(self.ratings[TIMESTAMP]))

    @cached_property
    def labels(self) -> np.ndarray:
        """1 where the rating is `LIKED` or more, else 0; float32, shape (ratings,)."""
        return (self.ratings[RATING] >= schema.LIKED).to_numpy(np.float32)

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

    def features(self) -> pd.DataFrame:
        """The 13 features of every rating, in the order of `schema.FEATURES` and of `ratings`."""
        rated = self.dated_ratings.merge(self.users, "left", on=USER)
        return rated.merge(self.movie_features, "left", on=MOVIE)[list(schema.FEATURES)]
