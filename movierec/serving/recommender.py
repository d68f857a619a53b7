"""Recommend unrated movies to a user, and score rows of raw values, with a trained model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from movierec import files
from movierec.data import movielens
from movierec.data.dataset import EncodedDataset
from movierec.data.encoder import FeatureEncoder
from movierec.data.schema import TIME_FEATURES, USER_FEATURES, YEARS
from movierec.data.tables import MovieLens
from movierec.errors import quoted
from movierec.models import artifacts, fold_in, registry, scorer
from movierec.models.candidates import CandidateModel
from movierec.models.numpy_model import NumpyModel
from movierec.serving.lookups import MOVIE_COLUMNS, ORDERS, Filters, Lookups, RequestError

NO_FILTERS = Filters()
POOL = 500  # candidates that AutoInt or AutoInt+ scores for a list "for you"


@dataclass(frozen=True)
class Candidates:
    """Every movie, encoded for one user at one time, with the probability that they turn to it.

    Args:
        ids: encoded features, int32 (movies, 13).
        unrated: which movies the user has not rated, bool (movies,).
        turned_to: logarithm of the probability that the user turns to the movie, float32
            (movies,); -inf for rated movies.
        user_vector: a new user's embedding, which replaces the user id's, float32 (embed_dim,);
            None for a user of the data set.
    """

    ids: np.ndarray
    unrated: np.ndarray
    turned_to: np.ndarray
    user_vector: np.ndarray | None = None


class Recommender:
    """A trained model with its encoder and data. Never changed, so sessions can share it.

    Args:
        lookups: look-ups in the data set that the model was trained on; models can share them.
        model: the trained model.
        encoder: the encoder it was trained with.
        entry: its manifest entry.
        candidate_model: the model of what users turn to.
    """

    def __init__(
        self,
        lookups: Lookups,
        model: NumpyModel,
        encoder: FeatureEncoder,
        entry: dict,
        candidate_model: CandidateModel,
    ):
        self.lookups, self.model, self.encoder, self.entry = lookups, model, encoder, entry
        self.candidate_model = candidate_model
        self._encoded = EncodedDataset(lookups.data, encoder)
        self._predict = scorer.predictor(model)

    @property
    def data(self) -> MovieLens:
        """The data set."""
        return self.lookups.data

    def recommend(
        self,
        user_id: int,
        n: int = 10,
        year: int | None = None,
        month: int | None = None,
        order: str = "for-you",
    ) -> pd.DataFrame:
        """The best movies that a user has not rated.

        Args:
            user_id: as in the data set.
            n: number of movies, from 1 to the number of movies the user has not rated.
            year, month: when the movies would be rated; by default when the user last rated. A
                year or month without training rows is encoded as unknown.
            order: "for-you": by the probability that the user turns to the movie and likes it,
                P(turn to it) · P(like it). "surest": by P(like it) alone, as in the original.

        Returns:
            `n` rows: movie_id, title, genres, release_year, probability (of a rating of 4 or more,
            if the user rates the movie); the best first, equal ones in the order of the movies
            table.

        Raises:
            RequestError: unknown user or order, n out of range, impossible year or month.
        """
        return self.rank(self.candidates(user_id, year, month), n, order=order)

    def candidates(
        self, user_id: int, year: int | None = None, month: int | None = None
    ) -> Candidates:
        """All movies, encoded for this user; see `recommend` for arguments and errors."""
        user = self._encoded.user_ids[self.lookups.user_position(user_id)]
        time = self._encoded_time(self.lookups.default_time(user_id), year, month)
        ids = self._encoded.with_all_movies(user, time)
        rated, liked = self.lookups.rated(user_id), self.lookups.liked(user_id)
        return Candidates(ids, ~rated, self.turned_to(liked, ~rated))

    def turned_to(self, liked: np.ndarray, unrated: np.ndarray) -> np.ndarray:
        """Logarithm of the probability that a user turns to each movie, float32 (movies,).

        Args:
            liked: positions of the movies that the user likes.
            unrated: which movies the user has not rated, bool (movies,).
        """
        row = sparse.csr_array(
            (np.ones(len(liked), np.float32), (np.zeros(len(liked), int), liked)),
            (1, len(unrated)),
        )
        return self.candidate_model.log_probability(row, unrated[None])[0]

    def probability(self, candidates: Candidates, positions: np.ndarray) -> np.ndarray:
        """Probability that the user rates the movies at `positions` 4 or more, float32."""
        ids = candidates.ids[positions]
        if candidates.user_vector is None:
            return self._predict(ids)
        users = np.zeros(len(ids), np.int32)
        return fold_in.score(self.model, ids, candidates.user_vector[None], users)

    def rank(
        self,
        candidates: Candidates,
        n: int = 10,
        filters: Filters = NO_FILTERS,
        order: str = "for-you",
    ) -> pd.DataFrame:
        """The best `n` unrated movies that pass the filters, or fewer if fewer pass.

        "for-you" scores only the `POOL` movies that the user is most likely to turn to, or `n` if
        that is more.

        Returns:
            See `recommend`.

        Raises:
            RequestError: n below 1 or above the number of unrated movies, all movies rated, an
                unknown order, or a genre or decade that no movie has.
        """
        if order not in ORDERS:
            raise RequestError(f"unknown order {quoted(order)}: choose one of {', '.join(ORDERS)}")
        left = int(candidates.unrated.sum())
        if not left:
            raise RequestError("every movie is rated already: there is nothing to recommend")
        _check_whole("n", n, range(1, left + 1), f" ({left} movies are unrated)")
        positions = np.flatnonzero(candidates.unrated & self.lookups.passing(filters))
        if order == "for-you":
            pool = np.argsort(-candidates.turned_to[positions], kind="stable")[: max(n, POOL)]
            positions = positions[np.sort(pool)]
        score = probability = self.probability(candidates, positions)
        if order == "for-you":
            score = candidates.turned_to[positions] + np.log(probability)
        best = np.argsort(-score, kind="stable")[:n]
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
        raise RequestError(f"{name} is {quoted(value)}, expected {expected}{meaning}")


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
        movierec.models.artifacts.ArtifactError: weights, encoder, candidate model, manifest and
            data do not belong together.
    """
    if model not in registry.TITLES:
        raise RequestError(
            f"unknown model {quoted(model)}: choose one of {', '.join(registry.TITLES)}"
        )
    return attach(Lookups(movielens.load(dataset, root / "data", fetch)), model, root)


def attach(lookups: Lookups, model: str, root: Path = files.ROOT) -> Recommender:
    """Load the model of that name for a data set that is already loaded.

    Raises:
        movierec.models.artifacts.ArtifactError: see `load`.
    """
    data = lookups.data
    folder = artifacts.model_folder(data.name, root=root)
    loaded, encoder, entry = artifacts.load(folder, model)
    artifacts.check_data(entry, data, model)
    return Recommender(lookups, loaded, encoder, entry, artifacts.load_candidates(folder, data))
