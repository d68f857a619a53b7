"""Split and encoded views of a data set, shared by training, serving and evaluation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from movierec.data.encoder import FeatureEncoder
from movierec.data.raw_readers import DataError
from movierec.data.rows import UNKNOWN, Rows
from movierec.data.schema import (
    FEATURES,
    LIKED,
    MOVIE_COLUMNS,
    MOVIE_FEATURES,
    RATING,
    TIME_FEATURES,
    USER_FEATURES,
)
from movierec.data.splits import PROTOCOLS, Protocol, Split
from movierec.data.tables import MovieLens

UNRATED_PER_ROW = 99


@dataclass(frozen=True)
class EncodedDataset:
    """The features of a data set as the ids that a model reads.

    Args:
        data: the data set.
        encoder: fitted on training rows, or loaded with a model.
        hidden: features that are unknown in every rating.
    """

    data: MovieLens
    encoder: FeatureEncoder
    hidden: tuple[str, ...] = ()

    @cached_property
    def user_ids(self) -> np.ndarray:
        """Encoded features of every user, int32, shape (users, 5)."""
        return self.encoder.transform(self.data.users, USER_FEATURES)

    @cached_property
    def movie_ids(self) -> np.ndarray:
        """Encoded features of every movie, int32, shape (movies, 6)."""
        return self.encoder.transform(self.data.movie_features, MOVIE_FEATURES)

    @cached_property
    def ids(self) -> np.ndarray:
        """Encoded features of every rating, int32, shape (ratings, 13)."""
        users = self.user_ids[self.data.rating_users]
        movies = self.movie_ids[self.data.rating_movies]
        times = self.encoder.transform(self.data.dated_ratings, TIME_FEATURES)
        ids = np.hstack([users, movies, times])
        ids[:, [FEATURES.index(feature) for feature in self.hidden]] = UNKNOWN
        return ids

    def rows(self, rows: np.ndarray) -> Rows:
        """The encoded ratings of those row indices."""
        data = self.data
        columns = (self.ids, data.labels, data.ratings[RATING].to_numpy())
        return Rows(*(column[rows] for column in columns), self.movie_ids, MOVIE_COLUMNS)

    def with_movies(self, rows: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Encoded ratings in which the movie is replaced, int32, shape (rows, 13).

        Args:
            rows: row indices, shape (rows,).
            movies: positions of the other movies, shape (rows,).
        """
        ids = self.ids[rows]
        ids[:, MOVIE_COLUMNS] = self.movie_ids[movies]
        return ids

    def with_all_movies(self, user: np.ndarray, time: np.ndarray) -> np.ndarray:
        """One user at one time with every movie, int32, shape (movies, 13).

        Args:
            user: the user's encoded features, shape (5,).
            time: the encoded year and month, shape (2,).
        """
        ids = np.empty((len(self.movie_ids), len(FEATURES)), np.int32)
        ids[:, : MOVIE_COLUMNS.start] = user
        ids[:, MOVIE_COLUMNS] = self.movie_ids
        ids[:, MOVIE_COLUMNS.stop :] = time
        return ids


@dataclass(frozen=True)
class SplitDataset:
    """A data set split by a protocol.

    Args:
        data: the data set.
        protocol: how it is split and how rankers are compared.
        split: the training, validation and test rows.
    """

    data: MovieLens
    protocol: Protocol
    split: Split

    def fit_encoder(self, rows: np.ndarray) -> FeatureEncoder:
        """Fit an encoder on those rows; values that do not occur in them are unknown to it."""
        data = self.data
        users = data.users.iloc[np.unique(data.rating_users[rows])]
        movies = data.movie_features.iloc[np.unique(data.rating_movies[rows])]
        times = data.dated_ratings.iloc[rows]
        return FeatureEncoder.fit(
            {**users[[*USER_FEATURES]], **movies[[*MOVIE_FEATURES]], **times[[*TIME_FEATURES]]}
        )

    def encoded(self, encoder: FeatureEncoder) -> EncodedDataset:
        """The data set encoded by `encoder`; features that the protocol hides are unknown."""
        return EncodedDataset(self.data, encoder, self.protocol.hidden)

    def rated(self, rows: np.ndarray) -> sparse.csr_array:
        """Which movies each user rated in those rows: float32 ones, shape (users, movies)."""
        pairs = self.data.rating_users[rows], self.data.rating_movies[rows]
        shape = len(self.data.users), len(self.data.movies)
        return sparse.csr_array((np.ones(len(rows), np.float32), pairs), shape)

    def validation_rows(self, encoded: EncodedDataset) -> Rows:
        """The rows that early stopping is decided on.

        For full ranking every validation row is a liked one, so `UNRATED_PER_ROW` random movies
        with the label 0 are drawn for each; those that the user has rated are left out.
        """
        valid = self.split.valid
        if not self.protocol.full_ranking:
            return encoded.rows(valid)
        repeated = np.repeat(valid, UNRATED_PER_ROW)
        movies = np.random.default_rng(0).integers(0, len(encoded.movie_ids), len(repeated))
        rated = self.rated(self.split.known)[self.data.rating_users[repeated], movies] > 0
        repeated, movies = repeated[~rated], movies[~rated]
        ids = np.concatenate([encoded.ids[valid], encoded.with_movies(repeated, movies)])
        return Rows(ids, np.repeat(np.float32([1, 0]), [len(valid), len(repeated)]))


def split_by(data: MovieLens, protocol: str = "test-rows") -> SplitDataset:
    """Split a data set by a protocol, a key of `splits.PROTOCOLS`.

    Raises:
        DataError: an unknown protocol; a part without rows; training or validation rows that all
            have the same label.
    """
    if protocol not in PROTOCOLS:
        raise DataError(f"unknown protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}")
    if len(data.ratings) < 10:
        raise DataError(
            f"{data.name} has {len(data.ratings)} ratings, expected at least 10 to split into "
            "training, validation and test rows"
        )
    chosen = PROTOCOLS[protocol]
    split = chosen.split(data)
    for part, rows in vars(split).items():
        if not len(rows):
            raise DataError(f"the protocol {protocol} finds no {part} rows in {data.name}")
        labels = data.labels[rows]
        if labels.min() == labels.max() and (part == "train" or not chosen.full_ranking):
            raise DataError(
                f"all {len(rows)} {part} rows have the label {labels[0]:.0f}: ratings below "
                f"{LIKED} and of {LIKED} or more are both needed"
            )
    return SplitDataset(data, chosen, split)
