"""Split and encoded views of a data set, shared by training, serving and evaluation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from movierec.data.encoder import EncoderError, FeatureEncoder
from movierec.data.raw_readers import DataError
from movierec.data.rows import UNKNOWN, Rows
from movierec.data.schema import RATING
from movierec.data.splits import PROTOCOLS, Protocol, Split
from movierec.data.tables import Dataset
from movierec.errors import quoted

DRAWN_PER_ROW = 99  # unrated movies for each validation row, see `validation_rows`
PARTS = {"train": "training", "valid": "validation", "test": "test"}


@dataclass(frozen=True)
class EncodedDataset:
    """The features of a data set as the ids that a model reads.

    Args:
        data: the data set.
        encoder: fitted on training rows, or loaded with a model.
        hidden: features that are unknown in every rating.

    Raises:
        EncoderError: an encoder of other features than the data set has.
    """

    data: Dataset
    encoder: FeatureEncoder
    hidden: tuple[str, ...] = ()

    def __post_init__(self):
        if self.encoder.features != self.data.fields.all:
            raise EncoderError(
                f"the encoder has the fields {', '.join(self.encoder.features)}, but "
                f"{self.data.name} has {', '.join(self.data.fields.all)}. Restore the encoder that "
                "belongs to the data, or train again"
            )

    @cached_property
    def user_ids(self) -> np.ndarray:
        """Encoded features of every user, int32, shape (users, user features)."""
        return self.encoder.transform(self.data.users, self.data.fields.user)

    @cached_property
    def movie_ids(self) -> np.ndarray:
        """Encoded features of every movie, int32, shape (movies, movie features)."""
        return self.encoder.transform(self.data.movie_features, self.data.fields.movie)

    @cached_property
    def ids(self) -> np.ndarray:
        """Encoded features of every rating, int32, shape (ratings, features)."""
        users = self.user_ids[self.data.rating_users]
        movies = self.movie_ids[self.data.rating_movies]
        times = self.encoder.transform(self.data.dated_ratings, self.data.fields.time)
        ids = np.hstack([users, movies, times])
        ids[:, np.isin(self.data.fields.all, self.hidden)] = UNKNOWN
        return ids

    def rows(self, rows: np.ndarray) -> Rows:
        """The encoded ratings of those row indices."""
        data = self.data
        columns = (self.ids, data.labels, data.ratings[RATING].to_numpy())
        columns = (column[rows] for column in columns)
        return Rows(*columns, self.movie_ids, data.fields.movie_columns, data.scale)

    def with_movies(self, rows: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Encoded ratings in which the movie is replaced, int32, shape (rows, features).

        Args:
            rows: row indices, shape (rows,).
            movies: positions of the other movies, shape (rows,).
        """
        ids = self.ids[rows]
        ids[:, self.data.fields.movie_columns] = self.movie_ids[movies]
        return ids

    def with_all_movies(self, user: np.ndarray, time: np.ndarray) -> np.ndarray:
        """One user at one time with every movie, int32, shape (movies, features).

        Args:
            user: the user's encoded features, shape (user features,).
            time: the encoded time, shape (time features,).
        """
        columns = self.data.fields.movie_columns
        ids = np.empty((len(self.movie_ids), len(self.data.fields.all)), np.int32)
        ids[:, : columns.start] = user
        ids[:, columns] = self.movie_ids
        ids[:, columns.stop :] = time
        return ids


@dataclass(frozen=True)
class SplitDataset:
    """A data set split by a protocol.

    Args:
        data: the data set.
        protocol: how it is split and how rankers are compared.
        split: the training, validation and test rows.
    """

    data: Dataset
    protocol: Protocol
    split: Split

    def fit_encoder(self, rows: np.ndarray) -> FeatureEncoder:
        """Fit an encoder on those rows; values that do not occur in them are unknown to it."""
        data, fields = self.data, self.data.fields
        users = data.users.iloc[np.unique(data.rating_users[rows])]
        movies = data.movie_features.iloc[np.unique(data.rating_movies[rows])]
        times = data.dated_ratings.iloc[rows]
        return FeatureEncoder.fit(
            {**users[[*fields.user]], **movies[[*fields.movie]], **times[[*fields.time]]}
        )

    def encoded(self, encoder: FeatureEncoder) -> EncodedDataset:
        """The data set encoded by `encoder`; features that the protocol hides are unknown."""
        return EncodedDataset(self.data, encoder, self.protocol.hidden)

    def validation_rows(self, encoded: EncodedDataset) -> Rows:
        """The rows that early stopping is decided on.

        For full ranking every validation row is a liked one, so `DRAWN_PER_ROW` random movies
        with the label 0 are drawn for each; those that the user has rated are left out.
        """
        valid = self.split.valid
        if not self.protocol.full_ranking:
            return encoded.rows(valid)
        repeated = np.repeat(valid, DRAWN_PER_ROW)
        movies = np.random.default_rng(0).integers(0, len(encoded.movie_ids), len(repeated))
        rated = self.data.matrix(self.split.known)[self.data.rating_users[repeated], movies] > 0
        repeated, movies = repeated[~rated], movies[~rated]
        ids = np.concatenate([encoded.ids[valid], encoded.with_movies(repeated, movies)])
        return Rows(ids, np.repeat(np.float32([1, 0]), [len(valid), len(repeated)]))


def split_by(data: Dataset, protocol: str = "test-rows") -> SplitDataset:
    """Split a data set by a protocol, a key of `splits.PROTOCOLS`.

    Raises:
        DataError: an unknown protocol, or one that needs times if the data have none; too few users
            or ratings; a part without rows; training or validation rows that all have the same
            label, although the data set has ratings.
    """
    if protocol not in PROTOCOLS:
        raise DataError(
            f"unknown protocol {quoted(protocol)}: choose one of {', '.join(PROTOCOLS)}"
        )
    if len(data.ratings) < 10:
        raise DataError(
            f"{data.name} has {len(data.ratings)} ratings, expected at least 10 to split into "
            "training, validation and test rows"
        )
    chosen = PROTOCOLS[protocol]
    try:
        split = chosen.split(data)
    except ValueError as error:  # of scikit-learn: too few users or rows to divide
        raise DataError(
            f"{data.name} has too few users or ratings for the protocol {protocol}: choose another "
            "protocol, or add ratings"
        ) from error
    for part, rows in vars(split).items():
        if not len(rows):
            raise DataError(
                f"the protocol {protocol} finds no {PARTS[part]} rows in {data.name}: choose "
                "another protocol, or add ratings"
            )
        labels = data.labels[rows]
        needed = part == "train" or not chosen.full_ranking
        if needed and labels.min() == labels.max() and not data.scale.implicit:
            raise DataError(
                f"all {len(rows)} {PARTS[part]} rows have the label {labels[0]:.0f}: ratings below "
                f"{data.scale.liked:g} and of {data.scale.liked:g} or more are both needed"
            )
    return SplitDataset(data, chosen, split)
