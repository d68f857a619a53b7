"""Recommend unrated movies to a user, and score rows of raw values, with a trained model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import files
from movierec.data import movielens
from movierec.data.dataset import EncodedDataset
from movierec.data.encoder import FeatureEncoder
from movierec.data.schema import TIME_FEATURES, USER_FEATURES, YEARS
from movierec.data.tables import MovieLens
from movierec.models import artifacts, fold_in, registry, scorer
from movierec.models.numpy_model import NumpyModel
from movierec.serving.lookups import MOVIE_COLUMNS, Filters, Lookups, RequestError

NO_FILTERS = Filters()


@dataclass(frozen=True)
class Candidates:
    """Every movie, encoded and scored for one user at one time.

    Args:
        ids: encoded features, int32 (movies, 13).
        unrated: which movies the user has not rated, bool (movies,).
        probability: of a rating of 4 or more, float32 (movies,).
        user_vector: a new user's embedding, which replaces the user id's, float32 (embed_dim,);
            None for a user of the data set.
    """

    ids: np.ndarray
    unrated: np.ndarray
    probability: np.ndarray
    user_vector: np.ndarray | None = None


class Recommender:
    """A trained model with its encoder and data. Never changed, so sessions can share it.

    Args:
        lookups: look-ups in the data set that the model was trained on; models can share them.
        model: the trained model.
        encoder: the encoder it was trained with.
        entry: its manifest entry.
    """

    def __init__(self, lookups: Lookups, model: NumpyModel, encoder: FeatureEncoder, entry: dict):
        self.lookups, self.model, self.encoder, self.entry = lookups, model, encoder, entry
        self._encoded = EncodedDataset(lookups.data, encoder)
        self._predict = scorer.predictor(model)

    @property
    def data(self) -> MovieLens:
        """The data set."""
        return self.lookups.data

    def recommend(
        self, user_id: int, n: int = 10, year: int | None = None, month: int | None = None
    ) -> pd.DataFrame:
        """The unrated movies with the highest predicted probability of a rating of 4 or more.

        Args:
            user_id: as in the data set.
            n: number of movies, from 1 to the number of movies the user has not rated.
            year, month: when the movies would be rated; by default when the user last rated. A
                year or month without training rows is encoded as unknown.

        Returns:
            `n` rows: movie_id, title, genres, release_year, probability; the highest probability
            first, equal ones in the order of the movies table.

        Raises:
            RequestError: unknown user, n out of range, impossible year or month.
        """
        return self.rank(self.candidates(user_id, year, month), n)

    def candidates(
        self, user_id: int, year: int | None = None, month: int | None = None
    ) -> Candidates:
        """All movies, scored for this user; see `recommend` for arguments and errors."""
        user = self._encoded.user_ids[self.lookups.user_position(user_id)]
        time = self._encoded_time(self.lookups.default_time(user_id), year, month)
        ids = self._encoded.with_all_movies(user, time)
        return self.scored(ids, ~self.lookups.rated(user_id))

    def scored(
        self, ids: np.ndarray, unrated: np.ndarray, user_vector: np.ndarray | None = None
    ) -> Candidates:
        """All movies with their probabilities; the arguments are fields of `Candidates`."""
        if user_vector is None:
            return Candidates(ids, unrated, self._predict(ids))
        users = np.zeros(len(ids), np.int32)
        probability = fold_in.score(self.model, ids, user_vector[None], users)
        return Candidates(ids, unrated, probability, user_vector)

    def rank(
        self, candidates: Candidates, n: int = 10, filters: Filters = NO_FILTERS
    ) -> pd.DataFrame:
        """The best `n` unrated movies that pass the filters, or fewer if fewer pass.

        Returns:
            See `recommend`.

        Raises:
            RequestError: n below 1 or above the number of unrated movies, all movies rated, or a
                genre or decade that no movie has.
        """
        left = int(candidates.unrated.sum())
        if not left:
            raise RequestError("every movie is rated already: there is nothing to recommend")
        _check_whole("n", n, range(1, left + 1), f" ({left} movies are unrated)")
        positions = np.flatnonzero(candidates.unrated & self.lookups.passing(filters))
        probability = candidates.probability[positions]
        best = np.argsort(-probability, kind="stable")[:n]
        movies = self.lookups.movies.iloc[positions[best]][MOVIE_COLUMNS]
        return movies.assign(probability=probability[best]).reset_index(drop=True)

    def new_user_ids(
        self, profile: Mapping, year: int | None = None, month: int | None = None
    ) -> np.ndarray:
        """Encoded features of a new user with every movie, int32, shape (movies, 13).

        Args:
            profile: gender, age, occupation and zipcode as in the users table; whatever is None or
                missing is encoded as unknown, and so is the user id.
            year, month: by default those of the newest rating in the data set.
        """
        row = pd.DataFrame([{name: profile.get(name) for name in USER_FEATURES}])
        user = self.encoder.transform(row, USER_FEATURES)[0]
        time = self._encoded_time(self.lookups.default_time(), year, month)
        return self._encoded.with_all_movies(user, time)

    def _encoded_time(
        self, default: tuple[int, int], year: int | None, month: int | None
    ) -> np.ndarray:
        """Encoded year and month, int32 (2,)."""
        year = default[0] if year is None else year
        month = default[1] if month is None else month
        _check_whole("year", year, YEARS)
        _check_whole("month", month, range(1, 13))
        time = pd.DataFrame([[year, month]], columns=list(TIME_FEATURES))
        return self.encoder.transform(time, TIME_FEATURES)[0]

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        """Probability that each row's rating is 4 or more.

        Args:
            rows: raw values, with at least the 13 columns of `schema.FEATURES`. Values that are
                not in the training rows are encoded as unknown.

        Returns:
            float32, shape (rows,); the Keras model's `predict` on the encoded rows, up to rounding.

        Raises:
            movierec.data.encoder.EncoderError: a column is missing.
        """
        return self._predict(self.encoder.transform(rows))


def _check_whole(name: str, value: int, allowed: range, meaning: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value not in allowed:
        expected = f"a whole number from {allowed.start} to {allowed.stop - 1}"
        raise RequestError(f"{name} is {value!r}, expected {expected}{meaning}")


def load(
    model: str = "autointmlp",
    dataset: str = "ml-1m",
    root: Path = files.ROOT,
    fetch: bool = True,
) -> Recommender:
    """Load the committed (or newly trained) model of that name.

    Args:
        model: "autoint" or "autointmlp".
        dataset: "ml-1m" or "ml-100k".
        root: the folder that contains `data/` and `model/`.
        fetch: whether a missing data set may be downloaded.

    Raises:
        RequestError: unknown model.
        movierec.data.raw_readers.DataError: the data set is missing or damaged.
        movierec.models.artifacts.ArtifactError: weights, encoder, manifest and data do not belong
            together.
    """
    if model not in registry.TITLES:
        raise RequestError(f"unknown model {model!r}: choose one of {', '.join(registry.TITLES)}")
    return attach(Lookups(movielens.load(dataset, root / "data", fetch)), model, root)


def attach(lookups: Lookups, model: str, root: Path = files.ROOT) -> Recommender:
    """Load the model of that name for a data set that is already loaded.

    Raises:
        movierec.models.artifacts.ArtifactError: see `load`.
    """
    data = lookups.data
    loaded, encoder, entry = artifacts.load(artifacts.model_folder(data.name, root=root), model)
    artifacts.check_data(entry, data)
    return Recommender(lookups, loaded, encoder, entry)
