"""Recommend unrated movies to a user, and score rows of raw values, with a trained model."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from threadpoolctl import threadpool_limits

from movierec import files
from movierec.data import movielens
from movierec.data.dataset import EncodedDataset
from movierec.data.encoder import FeatureEncoder
from movierec.data.schema import MOVIE, TIME_FEATURES, USER
from movierec.data.tables import Dataset
from movierec.errors import quoted
from movierec.models import artifacts, fold_in, next_movie, registry, scorer
from movierec.models.artifacts import CANDIDATES, NEXT_MOVIE
from movierec.models.candidates import POOL, CandidateModel
from movierec.models.next_movie import NextMovieModel
from movierec.models.numpy_model import NumpyModel
from movierec.serving.lookups import (
    MOVIE_COLUMNS,
    ORDERS,
    Filters,
    Lookups,
    RequestError,
    is_whole,
)

NO_FILTERS = Filters()
MOST_ADVENTURE = 10  # the least is -10
LIKE = 50  # at most so many movies pass the filter `like`
USERS = 256  # users at a time in `recommend_all`: with 500 movies each, their ids take 7 MB


@dataclass(frozen=True)
class Candidates:
    """Every movie, encoded for one user at one time, with what the user has rated.

    Args:
        ids: encoded features, int32 (movies, fields).
        unrated: which movies the user has not rated, bool (movies,).
        rated: positions of the movies that the user has rated, oldest first.
        liked: positions of those that the user likes.
        user_vector: a new user's embedding, which replaces the user id's, float32 (embed_dim,);
            None for a user of the data set.
    """

    ids: np.ndarray
    unrated: np.ndarray
    rated: np.ndarray
    liked: np.ndarray
    user_vector: np.ndarray | None = None


class Recommender:
    """A trained model with its encoder and data. Never changed, so sessions can share it.

    Args:
        lookups: look-ups in the data set that the model was trained on; models can share them.
        model: the trained model.
        encoder: the encoder it was trained with.
        entry: its manifest entry.
        candidate_model: the model of what users turn to.
        next_movie_model: the model of what they rate next; None if there is none.
    """

    def __init__(
        self,
        lookups: Lookups,
        model: NumpyModel,
        encoder: FeatureEncoder,
        entry: dict,
        candidate_model: CandidateModel,
        next_movie_model: NextMovieModel | None = None,
    ):
        self.lookups, self.model, self.encoder, self.entry = lookups, model, encoder, entry
        self.candidate_model, self.next_movie_model = candidate_model, next_movie_model
        self._encoded = EncodedDataset(lookups.data, encoder)
        self._predict = scorer.predictor(model)

    @property
    def orders(self) -> tuple[str, ...]:
        """The orders of a list that the recommender has, see `recommend`."""
        return ORDERS if self.next_movie_model is not None else ORDERS[:-1]

    @property
    def data(self) -> Dataset:
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
            n: number of movies, at most; users with fewer unrated movies get those.
            year, month: when the movies would be rated; by default when the user last rated. A
                year or month without training rows is encoded as unknown.
            order: "for-you": by the probability that the user turns to the movie and likes it,
                P(turn to it) · P(like it). "surest": by P(like it) alone, as in the original.
                "carry-on": by P(rate it next) · P(like it), from the movies they rated last; only
                with a next-movie model.

        Returns:
            At most `n` rows: movie_id, title, genres, release_year, probability (of a rating of 4
            or more, if the user rates the movie); the best first, equal ones in the order of the
            movies table.

        Raises:
            RequestError: unknown user or order, n out of range, impossible year or month.
        """
        return self.rank(self.candidates(user_id, year, month), n, order=order)

    @threadpool_limits.wrap(limits=1, user_api="blas")  # the same bytes on any number of cores
    def recommend_all(
        self, n: int = 10, order: str = "for-you", users: np.ndarray | None = None
    ) -> pd.DataFrame:
        """The movies that `recommend` gives, for every user who has unrated ones.

        Users are ranked `USERS` at a time, so memory does not grow with their number.

        Args:
            n: number of movies; users with fewer unrated movies get those.
            order: see `recommend`.
            users: positions of users, whole numbers from 0; by default all.

        Returns:
            user_id, rank (from 1), movie_id and probability; in the order of `users`.

        Raises:
            RequestError: an unknown order, or n or a user out of range.
        """
        self._check_order(order)
        _check_whole("n", n, range(1, len(self.data.movies) + 1))
        users = self._checked_positions(users)
        rated = np.diff(self.lookups.rated_table.indptr)
        users = users[rated[users] < len(self.data.movies)]
        times = self.encoder.transform(self.lookups.last_times, self.data.fields.time)
        starts = range(0, max(1, len(users)), USERS)
        blocks = [users[start : start + USERS] for start in starts]
        parts = [self._best_of(block, times[block], n, order) for block in blocks]
        user, movie, rank, probability = (np.concatenate(part) for part in zip(*parts, strict=True))
        return pd.DataFrame(
            {
                USER: self.data.users[USER].to_numpy()[user],
                "rank": rank,
                MOVIE: self.data.movies[MOVIE].to_numpy()[movie],
                "probability": probability,
            }
        )

    def _checked_positions(self, users: np.ndarray | None) -> np.ndarray:
        count = len(self.data.users)
        if users is None:
            return np.arange(count)
        found = np.asarray(users)
        if found.size == 0:
            return np.array([], int)
        known = found.ndim == 1 and found.dtype.kind in "iu" and found.min() >= 0
        if not (known and found.max() < count):
            raise RequestError(f"users is {quoted(users)}, expected positions, 0 to {count - 1}")
        return found

    def _best_of(self, users: np.ndarray, times: np.ndarray, n: int, order: str) -> tuple:
        """User and movie position, rank and probability of every place in the users' lists."""
        rated, liked = self.lookups.rated_table[users], self.lookups.liked_table[users]
        unrated = rated.toarray() == 0
        if order == "surest":
            first_stage, pool = np.where(unrated, 0, -np.inf), len(self.data.movies)
        else:
            first_stage, pool = self.candidate_model.log_probability(liked, unrated), max(n, POOL)
        if order == "carry-on":
            histories = self.lookups.histories(users, next_movie.LENGTH)
            some = histories[:, 0] >= 0
            if some.any():
                first_stage[some] = self.next_movie_model.log_probability(
                    histories[some], unrated[some]
                )
        movies = _largest(_numbers(first_stage), min(pool, first_stage.shape[1]))
        fields = self.data.fields
        ids = np.empty((*movies.shape, len(fields.all)), np.int32)
        ids[..., : fields.movie_columns.start] = self._encoded.user_ids[users, None]
        ids[..., fields.movie_columns] = self._encoded.movie_ids[movies]
        ids[..., fields.movie_columns.stop :] = times[:, None]
        probability = _numbers(self._predict(ids.reshape(-1, len(fields.all))))
        probability = probability.reshape(movies.shape)
        score = np.log(probability) + np.take_along_axis(first_stage, movies, axis=1)
        best = np.argsort(-score, axis=1, kind="stable")[:, :n]
        found, position = np.nonzero(np.isfinite(np.take_along_axis(score, best, axis=1)))
        best = best[found, position]
        return users[found], movies[found, best], position + 1, probability[found, best]

    def candidates(
        self,
        user_id: int,
        year: int | None = None,
        month: int | None = None,
        seen: tuple[tuple[int, int], ...] = (),
    ) -> Candidates:
        """All movies, encoded for this user; see `recommend` for other arguments and errors.

        Args:
            seen: movie ids and ratings that the user gives in addition to those in the data, or
                instead of those of the same movie. Liked ones count for what the user turns to; the
                user's embedding remains as it is.

        Raises:
            RequestError: also for `seen`, see `Lookups.rated_movies`.
        """
        user = self._encoded.user_ids[self.lookups.user_position(user_id)]
        time = self._encoded_time(self.lookups.default_time(user_id), year, month)
        ids = self._encoded.with_all_movies(user, time)
        positions, ratings = self.lookups.rated_movies(seen)
        before = self.lookups.rated(user_id)
        rated = np.append(before[~np.isin(before, positions)], positions)
        liked = np.setdiff1d(self.lookups.liked(user_id), positions)
        liked = np.union1d(liked, positions[ratings >= self.data.scale.liked])
        unrated = np.ones(len(ids), bool)
        unrated[rated] = False
        return Candidates(ids, unrated, rated, liked)

    def log_turned_to(self, candidates: Candidates, order: str = "for-you") -> np.ndarray:
        """Logarithm of the probability that a user turns to each movie, float32 (movies,).

        It is -inf for rated movies. "carry-on" takes it from the next-movie model, the other orders
        and users without ratings from the candidate model.
        """
        unrated = candidates.unrated[None]
        if order == "carry-on" and len(candidates.rated):
            last = candidates.rated[None, -next_movie.LENGTH :]
            return _numbers(self.next_movie_model.log_probability(last, unrated)[0])
        liked = candidates.liked
        pairs = np.zeros(len(liked), int), liked
        row = sparse.csr_array((np.ones(len(liked), np.float32), pairs), unrated.shape)
        return _numbers(self.candidate_model.log_probability(row, unrated)[0])

    def probability(self, candidates: Candidates, positions: np.ndarray) -> np.ndarray:
        """Probability that the user rates the movies at `positions` 4 or more, float32."""
        ids = candidates.ids[positions]
        if candidates.user_vector is None:
            return _numbers(self._predict(ids))
        users = np.zeros(len(ids), np.int32)
        return _numbers(fold_in.score(self.model, ids, candidates.user_vector[None], users))

    def _check_order(self, order: str) -> None:
        if not isinstance(order, str) or order not in ORDERS:
            raise RequestError(f"unknown order {quoted(order)}: choose one of {', '.join(ORDERS)}")
        if order not in self.orders:
            raise RequestError(
                f"the order {order} needs the next-movie model: train it with "
                f"`python -m movierec train --dataset {self.data.name} --model next-movie`"
            )

    def rank(
        self,
        candidates: Candidates,
        n: int = 10,
        filters: Filters = NO_FILTERS,
        order: str = "for-you",
        adventure: float = 0,
    ) -> pd.DataFrame:
        """The best `n` unrated movies that pass the filters, or fewer if fewer pass.

        "for-you" and "carry-on" score only the `POOL` movies that the user is most likely to turn
        to, or `n` if that is more.

        Args:
            candidates: see `candidates`.
            n, order: see `recommend`.
            filters: which movies may be listed.
            adventure: how much of the candidate model's popularity is left out of the order: 0 for
                none, 1 for all; below 0 popularity counts more. From -`MOST_ADVENTURE` to
                `MOST_ADVENTURE`.

        Returns:
            See `recommend`.

        Raises:
            RequestError: n below 1 or above the number of movies, all movies rated, an unknown
                order, `adventure` out of range, arguments of other types, a genre or decade that no
                movie has, or scores that are not numbers because the models are damaged.
        """
        if not isinstance(candidates, Candidates) or not isinstance(filters, Filters):
            raise RequestError(
                f"received candidates {quoted(candidates)} and filters {quoted(filters)}, expected "
                "what `candidates` returns, and Filters"
            )
        self._check_order(order)
        if not isinstance(adventure, Real) or not abs(adventure) <= MOST_ADVENTURE:
            raise RequestError(
                f"adventure is {quoted(adventure)}, expected a number from -{MOST_ADVENTURE} to "
                f"{MOST_ADVENTURE}"
            )
        if not candidates.unrated.any():
            raise RequestError("every movie is rated already: there is nothing to recommend")
        _check_whole("n", n, range(1, len(self.data.movies) + 1))
        passing = candidates.unrated & self.lookups.passing(filters)
        if filters.like is not None:
            passing &= self.alike(filters.like)
        positions = np.flatnonzero(passing)
        if order == "surest":
            score = probability = self.probability(candidates, positions)
        else:
            turned_to = self.log_turned_to(candidates, order)
            turned_to = (turned_to - adventure * self.candidate_model.popularity)[positions]
            pool = _largest(turned_to[None], min(max(n, POOL), len(turned_to)))[0]
            positions = positions[pool]
            probability = self.probability(candidates, positions)
            score = turned_to[pool] + np.log(probability)
        best = np.argsort(-score, kind="stable")[:n]
        movies = self.lookups.movies.iloc[positions[best]][MOVIE_COLUMNS]
        return movies.assign(probability=probability[best]).reset_index(drop=True)

    def alike(self, movie_id: int) -> np.ndarray:
        """Mask of the movies to which users who like a movie most likely turn; bool, (movies,).

        It has at most `LIKE` movies.

        Raises:
            RequestError: unknown movie.
        """
        position = self.lookups.movie_position(movie_id)
        weights = self.candidate_model.weights[[position]].toarray()[0]
        best = np.argsort(-weights, kind="stable")[:LIKE]
        mask = np.zeros(len(weights), bool)
        mask[best[weights[best] > 0]] = True
        return mask

    def new_user_ids(
        self, profile: Mapping, year: int | None = None, month: int | None = None
    ) -> np.ndarray:
        """Encoded features of a new user with every movie, int32, shape (movies, fields).

        Args:
            profile: values of the user's features as in the users table, such as gender or age;
                whatever is not `given` is encoded as unknown, and so is the user id.
            year, month: by default those of the newest rating in the data set.

        Raises:
            RequestError: no mapping, a feature that users do not have, an impossible year or
                month.
        """
        names, values = self.data.fields.user, given(profile)
        if others := values.keys() - set(names):
            expected = ", ".join(names[1:]) or "nothing"
            raise RequestError(f"users have no {quoted(min(others, key=str))}: give {expected}")
        row = pd.DataFrame([{name: values.get(name) for name in names} | {USER: None}])
        user = self.encoder.transform(row, names)[0]
        time = self._encoded_time(self.lookups.default_time(), year, month)
        return self._encoded.with_all_movies(user, time)

    def _encoded_time(
        self, default: tuple[int, int], year: int | None, month: int | None
    ) -> np.ndarray:
        """Encoded year and month, int32 (time features,)."""
        wanted = []
        for name, value, allowed, usual in (
            ("year", year, self.lookups.rating_years, default[0]),
            ("month", month, range(1, 13), default[1]),
        ):
            if value is not None:
                _check_whole(name, value, allowed)
            wanted.append(usual if value is None else value)
        time = pd.DataFrame([wanted], columns=list(TIME_FEATURES))
        return self.encoder.transform(time, self.data.fields.time)[0]

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        """Probability that each row's rating is 4 or more.

        Args:
            rows: raw values, with at least the columns `data.fields.all`. Values that are not in
                the training rows are encoded as unknown.

        Returns:
            float32, shape (rows,); the Keras model's `predict` on the encoded rows, up to rounding.

        Raises:
            movierec.data.encoder.EncoderError: a column is missing.
        """
        return self._predict(self.encoder.transform(rows))


def given(profile: Mapping) -> dict:
    """The values of a profile without those that are None, "" or another missing value.

    Raises:
        RequestError: the profile is no mapping.
    """
    if not isinstance(profile, Mapping | pd.Series):
        raise RequestError(f"the profile is {quoted(profile)}, expected values by feature name")
    return {
        name: value
        for name, value in profile.items()
        if not (pd.api.types.is_scalar(value) and (pd.isna(value) or value == ""))
    }


def _largest(values: np.ndarray, count: int) -> np.ndarray:
    """The columns of the `count` largest values of each row, ascending, shape (rows, count).

    Of equal values, those in the first columns are taken.
    """
    least = -np.partition(-values, count - 1, axis=1)[:, count - 1, None] if count else np.inf
    more, equal = values > least, values == least
    left = count - more.sum(axis=1, keepdims=True)
    chosen = more | (equal & (np.cumsum(equal, axis=1) <= left))
    return np.nonzero(chosen)[1].reshape(len(values), count)


def _numbers(scores: np.ndarray) -> np.ndarray:
    """Return `scores`, or raise RequestError if one is NaN."""
    if np.isnan(scores).any():
        raise RequestError(
            "the models' scores are not numbers: restore the files in model/ with git, or train "
            "the models again"
        )
    return scores


def _check_whole(name: str, value: int, allowed: range) -> None:
    if not is_whole(value) or value not in allowed:
        expected = f"a whole number from {allowed.start} to {allowed.stop - 1}"
        raise RequestError(f"{name} is {quoted(value)}, expected {expected}")


def load(
    model: str = "autointmlp",
    dataset: str = "ml-1m",
    root: Path = files.ROOT,
    fetch: bool = True,
) -> Recommender:
    """Load the committed (or newly trained) model of that name.

    Args:
        model: "autoint" or "autointmlp".
        dataset: the name of a data set, see `movielens.load`.
        root: the folder that contains `data/` and `model/`.
        fetch: whether a missing data set may be downloaded.

    Raises:
        RequestError: unknown model.
        movierec.data.raw_readers.DataError: the data set is missing or damaged.
        movierec.models.artifacts.ArtifactError: weights, encoder, candidate model, manifest and
            data do not belong together.
    """
    if not isinstance(model, str) or model not in registry.TITLES:
        raise RequestError(
            f"unknown model {quoted(model)}: choose one of {', '.join(registry.TITLES)}"
        )
    return attach(Lookups(movielens.load(dataset, Path(root, "data"), fetch)), model, Path(root))


def attach(lookups: Lookups, model: str, root: Path = files.ROOT) -> Recommender:
    """Load the model of that name for a data set that is already loaded.

    Raises:
        movierec.models.artifacts.ArtifactError: see `load`.
    """
    data = lookups.data
    folder = artifacts.model_folder(data.name, root=root)
    loaded, encoder, entry = artifacts.load(folder, model)
    artifacts.check_data(entry, data, model)
    candidate_model = artifacts.load_arrays(folder, CANDIDATES, data)
    saved = NEXT_MOVIE in folder.content()
    next_movie_model = artifacts.load_arrays(folder, NEXT_MOVIE, data) if saved else None
    return Recommender(lookups, loaded, encoder, entry, candidate_model, next_movie_model)
