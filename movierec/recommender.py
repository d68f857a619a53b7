"""Serve a trained model: recommend unseen films to a user, score rows of raw values."""

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from autoint import AutoInt
from movierec import artefacts, datasets, preprocess
from movierec.datasets import MOVIE, RATING, TIMESTAMP, USER, MovieLens
from movierec.encoding import FeatureEncoder
from movierec.models import MODELS, predictor

YEARS = range(1995, 2101)


class RequestError(ValueError):
    """A request that cannot be answered; the message says what arrived and what was expected."""


class Recommender:
    """A model with its own encoder and data. It is never changed, so sessions can share it.

    Args:
        data: the data set the model was trained on.
        model: the trained model.
        encoder: the encoder it was trained with.
        entry: its manifest entry.
    """

    def __init__(self, data: MovieLens, model: AutoInt, encoder: FeatureEncoder, entry: dict):
        self.data, self.model, self.encoder, self.entry = data, model, encoder, entry
        self.movies = preprocess.movies(data).assign(genres=data.movies["genres"])
        self._predict = predictor(model)
        self._user_ids = encoder.transform(data.users, preprocess.USER_FEATURES)
        self._movie_ids = encoder.transform(self.movies, preprocess.MOVIE_FEATURES)
        self._user_index = pd.Index(data.users[USER])
        self._movie_index = pd.Index(data.movies[MOVIE])

    @cached_property
    def _ratings(self) -> pd.DataFrame:
        """All ratings, grouped by user, so that one user's are a slice."""
        return preprocess.ratings(self.data).sort_values(USER, kind="stable", ignore_index=True)

    def user(self, user_id: int) -> pd.Series:
        """The user's row of the users table.

        Raises:
            RequestError: when there is no such user.
        """
        return self.data.users.iloc[self._user_position(user_id)]

    def history(self, user_id: int, liked: bool = False) -> pd.DataFrame:
        """What the user has rated, newest first.

        Args:
            user_id: see `user`.
            liked: only ratings of 4 or more.

        Returns:
            One row a rating: movie_id, title, genres, release_year, rating, timestamp,
            rating_year, rating_month.
        """
        rated = self._rated(user_id)
        if liked:
            rated = rated[rated[RATING] >= preprocess.LIKED]
        rated = rated.sort_values([TIMESTAMP, MOVIE], ascending=[False, True])
        about = self.movies[[MOVIE, "title", "genres", "release_year"]]
        return rated.drop(columns=USER).merge(about, on=MOVIE, how="left")[
            [*about.columns, RATING, TIMESTAMP, *preprocess.TIME_FEATURES]
        ]

    def _rated(self, user_id: int) -> pd.DataFrame:
        """The user's rows of `_ratings`."""
        user_id = self.user(user_id)[USER]
        users = self._ratings[USER].to_numpy()
        start, stop = np.searchsorted(users, [user_id, user_id + 1])
        return self._ratings.iloc[start:stop]

    def default_time(self, user_id: int) -> tuple[int, int]:
        """Year and month in which the user last rated: what `recommend` assumes by default."""
        rated = self._rated(user_id)
        if rated.empty:
            rated = self._ratings
        newest = rated.loc[rated[TIMESTAMP].idxmax()]
        return tuple(int(newest[feature]) for feature in preprocess.TIME_FEATURES)

    def recommend(
        self, user_id: int, n: int = 10, year: int | None = None, month: int | None = None
    ) -> pd.DataFrame:
        """The unseen films that the model thinks the user likeliest to rate 4 or more.

        Args:
            user_id: as in the data set.
            n: how many films, 1 to the number of films the user has not rated.
            year, month: when the films would be rated; by default when the user last rated. A
                year or month without training rows is the unknown one to the model.

        Returns:
            `n` rows: movie_id, title, genres, release_year, probability; best first, equal
            probabilities in the order of the movies table.

        Raises:
            RequestError: unknown user, n out of range, impossible year or month.
        """
        ids = self.candidate_ids(user_id, year, month)
        unseen = np.flatnonzero(~self.seen(user_id))
        if not len(unseen):
            raise RequestError(f"user {user_id} has rated every film: nothing is left to recommend")
        left = f" (user {user_id} has {len(unseen)} unrated films)"
        _check_whole("n", n, range(1, len(unseen) + 1), left)
        probability = self._predict(ids[unseen])
        best = np.argsort(-probability, kind="stable")[:n]
        films = self.movies.iloc[unseen[best]][[MOVIE, "title", "genres", "release_year"]]
        return films.assign(probability=probability[best]).reset_index(drop=True)

    def seen(self, user_id: int) -> np.ndarray:
        """Which rows of the movies table the user has rated; bool, shape (movies,)."""
        mask = np.zeros(len(self._movie_index), bool)
        mask[self._movie_index.get_indexer(self._rated(user_id)[MOVIE])] = True
        return mask

    def candidate_ids(
        self, user_id: int, year: int | None = None, month: int | None = None
    ) -> np.ndarray:
        """Encoded features of this user with every film, int32, shape (movies, 13)."""
        position = self._user_position(user_id)
        default_year, default_month = self.default_time(user_id)
        year = default_year if year is None else year
        month = default_month if month is None else month
        _check_whole("year", year, YEARS)
        _check_whole("month", month, range(1, 13))
        time = pd.DataFrame([[year, month]], columns=list(preprocess.TIME_FEATURES))
        time_ids = self.encoder.transform(time, preprocess.TIME_FEATURES)
        films = len(self._movie_ids)
        user_ids = self._user_ids[[position]]
        return np.hstack(
            [user_ids.repeat(films, axis=0), self._movie_ids, time_ids.repeat(films, axis=0)]
        )

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        """Probability that each row's rating is 4 or more.

        Args:
            rows: raw values, with (at least) the 13 columns of `preprocess.FEATURES`. Values that
                training did not see are the unknown ones to the model.

        Returns:
            float32, shape (rows,); the numbers of `model.predict` on the encoded rows.

        Raises:
            movierec.encoding.EncoderError: when a column is missing.
        """
        return self._predict(self.encoder.transform(rows))

    def _user_position(self, user_id: int) -> int:
        users = self._user_index
        if isinstance(user_id, (int, np.integer)) and not isinstance(user_id, bool):
            position = users.get_indexer([user_id])[0]
            if position >= 0:
                return int(position)
        raise RequestError(
            f"there is no user {user_id!r} in {self.data.name}: expected one of its {len(users):,} "
            f"users, a whole number from {users.min()} to {users.max()}"
        )


def _check_whole(name: str, value: int, allowed: range, meaning: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value not in allowed:
        expected = f"a whole number from {allowed.start} to {allowed.stop - 1}"
        raise RequestError(f"{name} is {value!r}, expected {expected}{meaning}")


def load(
    model: str = "autointmlp",
    dataset: str = "ml-1m",
    root: Path = artefacts.ROOT,
    download: bool = True,
) -> Recommender:
    """The committed (or newly trained) model of that name, ready to recommend.

    Args:
        model: "autoint" or "autointmlp".
        dataset: "ml-1m" or "ml-100k".
        root: the folder that holds `data/` and `model/`.
        download: whether missing data may be fetched.

    Raises:
        RequestError: unknown model name.
        movierec.datasets.DataError: the data set is missing or damaged.
        movierec.artefacts.ArtefactError: weights, encoder, manifest and data do not belong
            together.
    """
    if model not in MODELS:
        raise RequestError(f"unknown model {model!r}: choose one of {', '.join(MODELS)}")
    data = datasets.load(dataset, root / "data", download)
    trained, encoder, entry = artefacts.load(artefacts.place(dataset, root=root), model)
    artefacts.check_data(entry, data)
    return Recommender(data, trained, encoder, entry)
