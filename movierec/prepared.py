"""A data set made ready for one protocol: split, encoded, and looked up by place."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import sparse

from movierec import encoding, preprocess
from movierec.datasets import MOVIE, RATING, USER, MovieLens
from movierec.encoding import FeatureEncoder
from movierec.preprocess import MOVIE_COLUMNS
from movierec.rows import UNKNOWN, Rows
from movierec.settings import LIKED, TrainingError
from movierec.splits import PROTOCOLS, Protocol, Split

UNSEEN_PER_ROW = 99


@dataclass(frozen=True)
class Prepared:
    """A data set split and encoded.

    Args:
        data: the raw tables.
        protocol: the question to answer.
        split: which rows train, validate and test.
        encoder: fitted on the rows that train, or loaded with a model.
    """

    data: MovieLens
    protocol: Protocol
    split: Split
    encoder: FeatureEncoder

    def fitted_on(self, numbers: np.ndarray) -> "Prepared":
        """The same with an encoder that knows what stands in the rows `numbers`, and no more."""
        return self.with_encoder(encoding.fit(preprocess.features(self.data).iloc[numbers]))

    def with_encoder(self, encoder: FeatureEncoder) -> "Prepared":
        """The same with another encoder."""
        return dataclasses.replace(self, encoder=encoder)

    @cached_property
    def ids(self) -> np.ndarray:
        """Encoded features of all rows, int32, shape (ratings, 13)."""
        ids = self.encoder.transform(preprocess.features(self.data))
        ids[:, [preprocess.FEATURES.index(feature) for feature in self.protocol.hidden]] = UNKNOWN
        return ids

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels of all rows, float32, shape (ratings,)."""
        return preprocess.labels(self.data)

    @property
    def ratings(self) -> np.ndarray:
        """Ratings of all rows, 1 to 5, shape (ratings,)."""
        return self.data.ratings[RATING].to_numpy()

    @property
    def users(self) -> np.ndarray:
        """User of every row, shape (ratings,)."""
        return self.data.ratings[USER].to_numpy()

    @cached_property
    def movies(self) -> np.ndarray:
        """Movie of every row, as its place in the movies table, shape (ratings,)."""
        return pd.Index(self.data.movies[MOVIE]).get_indexer(self.data.ratings[MOVIE])

    @cached_property
    def user_places(self) -> np.ndarray:
        """User of every row, as its place in the users table, shape (ratings,)."""
        return pd.Index(self.data.users[USER]).get_indexer(self.users)

    def rows(self, numbers: np.ndarray) -> Rows:
        """The encoded rows of those numbers."""
        own = (column[numbers] for column in (self.ids, self.labels, self.ratings))
        return Rows(*own, self.film_ids, MOVIE_COLUMNS)

    def seen(self, numbers: np.ndarray) -> sparse.csr_array:
        """Which films each user has among the rows `numbers`: float32 ones, (users, films)."""
        places = self.user_places[numbers], self.movies[numbers]
        shape = len(self.data.users), len(self.data.movies)
        return sparse.csr_array((np.ones(len(numbers), np.float32), places), shape)

    @cached_property
    def film_ids(self) -> np.ndarray:
        """Encoded film features of every film, int32, shape (films, 6)."""
        return self.encoder.transform(preprocess.movies(self.data), preprocess.MOVIE_FEATURES)

    def with_films(self, numbers: np.ndarray, films: np.ndarray) -> np.ndarray:
        """Encoded rows of those numbers, each with another film in its place.

        Args:
            numbers: rows, shape (rows,).
            films: places in the movies table, shape (rows,).
        """
        ids = self.ids[numbers]
        ids[:, MOVIE_COLUMNS] = self.film_ids[films]
        return ids

    def validation(self) -> Rows:
        """What early stopping looks at: validation rows.

        Where films are ranked in the whole catalogue, every validation row is a liked one, and
        stands beside `UNSEEN_PER_ROW` films drawn at random, with the label 0.
        """
        numbers = self.split.valid
        if not self.protocol.whole_catalogue:
            return self.rows(numbers)
        drawn = np.repeat(numbers, UNSEEN_PER_ROW)
        films = np.random.default_rng(0).integers(0, len(self.film_ids), len(drawn))
        ids = np.concatenate([self.ids[numbers], self.with_films(drawn, films)])
        return Rows(ids, np.repeat(np.float32([1, 0]), [len(numbers), len(drawn)]))


def prepare(
    data: MovieLens, encoder: FeatureEncoder | None = None, protocol: str = "test-rows"
) -> Prepared:
    """Split a data set by a protocol, and fit the encoder where none is given.

    Raises:
        TrainingError: unknown protocol; a part has no rows, or training or validation rows have
            one label only.
    """
    if protocol not in PROTOCOLS:
        raise TrainingError(f"unknown protocol {protocol!r}: choose one of {', '.join(PROTOCOLS)}")
    if len(data.ratings) < 10:
        raise TrainingError(
            f"{len(data.ratings)} ratings are too few to split into training, validation and test "
            "rows: 10 at least are needed"
        )
    chosen = PROTOCOLS[protocol]
    split = chosen.split(data)
    labels = preprocess.labels(data)
    for part, numbers in vars(split).items():
        if not len(numbers):
            raise TrainingError(f"the protocol {protocol} finds no {part} rows in {data.name}")
        found = labels[numbers]
        if found.min() == found.max() and (part == "train" or not chosen.whole_catalogue):
            raise TrainingError(
                f"all {len(numbers)} {part} rows have the label {found[0]:.0f}: ratings "
                f"below {LIKED} and others are both needed"
            )
    if encoder is None:
        encoder = encoding.fit(preprocess.features(data).iloc[split.train])
    return Prepared(data, chosen, split, encoder)
