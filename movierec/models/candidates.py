"""The probability that a user turns to a movie: rates it next, whether or not they like it.

It is the first stage of a list: it finds the movies that are worth scoring, and the list is ranked
by P(turn to it) · P(like it | turned to it). The logarithm of the probability is, up to a constant,
a weighted sum of three terms: the movie's EASE score (see `movierec.models.ease`) summed over the
user's n liked movies and divided by √(n + 30), and the logarithms of its number of raters and of
its recent ones:

    P(j | user) = exp(a · Σ_i W_ij / √(n + 30) + b · log(n_j + 1) + c · log(r_j + 1)) / Z, i liked,

normalised over the movies that the user has not rated. Without liked movies only popularity
counts. The factors a, b and c are fitted by maximum likelihood to what users rated next.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import logsumexp

from movierec.models import array_file, ease

# the arrays of a saved model
DTYPES = {"data": "<f4", "indices": "<i4", "indptr": "<i4", "raters": "<i4", "recent": "<i4"}
DTYPES |= {"factors": "<f8"}
POOL = 500  # the likeliest movies, of which AutoInt or AutoInt+ computes P(like it) for a list
KEPT = 200  # weights kept per movie: the largest by size; see `keep_largest`
# With √n alone, one or two liked movies would count too much. Chosen on validation rows of the
# protocols temporal and new-users.
FEW_LIKES = 30
MOST_MOVIES = 10_000  # with weights, those that most users like: their inverse takes 800 MB
MOST_SCORES = 50_000_000  # of users and movies that the factors are fitted to


@dataclass(frozen=True)
class CandidateModel:
    """P(turn to it) for every movie.

    Args:
        weights: EASE weights, float32, shape (movies, movies): row = liked, column = candidate.
        raters: number of users who rated each movie, int32, shape (movies,).
        recent: the same for recent ratings.
        factors: a, b and c, see above.
    """

    weights: sparse.csr_array
    raters: np.ndarray
    recent: np.ndarray
    factors: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved of the model, by name."""
        names = ("data", "indices", "indptr")
        saved = {name: getattr(self.weights, name) for name in names}
        saved |= {name: getattr(self, name) for name in DTYPES if name not in names}
        return {name: np.asarray(saved[name], dtype) for name, dtype in DTYPES.items()}

    @classmethod
    def read(cls, path: Path, movies: int) -> "CandidateModel":
        """The model whose `arrays` were saved in an npz file.

        Args:
            path: the file.
            movies: number of movies of the data set.

        Raises:
            ValueError: the file is damaged, or not a candidate model for that many movies.
        """
        most = {"data": movies**2, "indices": movies**2, "indptr": movies + 1, "factors": 3}
        expected = {name: (dtype, most.get(name, movies)) for name, dtype in DTYPES.items()}
        data, *rest = array_file.read(path, expected).values()
        indices, indptr, raters, recent, factors = rest
        try:
            weights = sparse.csr_array((data, indices, indptr), (movies, movies))
            weights.check_format()
        except Exception as error:  # SciPy raises almost any kind
            raise ValueError(f"it is no candidate model of {movies} movies") from error
        if raters.shape != (movies,) or recent.shape != (movies,) or factors.shape != (3,):
            raise ValueError(f"it has no raters of {movies} movies, or not three factors")
        if raters.min() < 0 or recent.min() < 0:
            raise ValueError("it has negative numbers of raters")
        return cls(weights, raters, recent, tuple(factors.tolist()))

    def terms(self, liked: sparse.csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three terms of the logarithm of the probability, without their factors.

        Args:
            liked: 1 where a user likes a movie, float32, shape (users, movies).

        Returns:
            Σ W / √(n + 30), float32, shape (users, movies); log(raters + 1) and log(recent + 1),
            float32, shape (movies,).
        """
        counts = np.diff(liked.indptr).astype(np.float32)
        scores = (liked @ self.weights).toarray() / np.sqrt(counts + FEW_LIKES)[:, None]
        logs = (np.log1p(raters).astype(np.float32) for raters in (self.raters, self.recent))
        return scores, *logs

    @property
    def popularity(self) -> np.ndarray:
        """`b · log(n_j + 1) + c · log(r_j + 1)`, float32, shape (movies,)."""
        _, b, c = self.factors
        return (b * np.log1p(self.raters) + c * np.log1p(self.recent)).astype(np.float32)

    def log_probability(self, liked: sparse.csr_array, unrated: np.ndarray) -> np.ndarray:
        """Logarithm of P(turn to it), float32, shape (users, movies).

        It is -inf for rated movies, and NaN everywhere for a user who has rated all of them.

        Args:
            liked: see `terms`.
            unrated: which movies a user has not rated, bool, shape (users, movies).
        """
        scores = self.factors[0] * self.terms(liked)[0] + self.popularity
        return normalised(scores, unrated)

    def reasons(self, liked: np.ndarray, movie: int) -> np.ndarray:
        """What each liked movie adds to the logarithm of P(turn to it), float32, shape (liked,).

        Args:
            liked: positions of the user's liked movies, shape (liked,).
            movie: the position of the candidate.
        """
        weights = self.weights[liked, movie].toarray().ravel()
        return self.factors[0] * weights / np.sqrt(len(liked) + FEW_LIKES)


def normalised(scores: np.ndarray, unrated: np.ndarray) -> np.ndarray:
    """Logarithms of probabilities that are proportional to exp(scores) and 0 for rated movies.

    A user who has rated every movie gets NaN.

    Args:
        scores: float32, shape (users, movies); changed in place.
        unrated: which movies a user has not rated, bool, shape (users, movies).
    """
    np.copyto(scores, -np.inf, where=~unrated)
    with np.errstate(invalid="ignore"):  # users who have rated every movie
        return scores - logsumexp(scores, axis=1, keepdims=True)


def fit(
    liked: sparse.csr_array,
    raters: np.ndarray,
    recent: np.ndarray,
    l2: float,
    kept: int = KEPT,
) -> CandidateModel:
    """A candidate model whose factors are still 1, see `calibrated`.

    Of more than `MOST_MOVIES` movies only those that most users like have weights; the others are
    found by their popularity.

    Args:
        liked: 1 where a user likes a movie, float32, shape (users, movies).
        raters: number of users who rated each movie, shape (movies,).
        recent: the same for recent ratings.
        l2: penalty of EASE.
        kept: number of weights per movie that are kept.
    """
    likes = np.bincount(liked.indices, minlength=liked.shape[1])
    some = np.sort(np.argsort(-likes, kind="stable")[:MOST_MOVIES])
    weights = keep_largest(ease.weights(liked[:, some], l2), kept).tocoo()
    pairs = some[weights.row], some[weights.col]
    weights = sparse.csr_array((weights.data, pairs), (liked.shape[1],) * 2)
    return CandidateModel(weights, raters.astype(np.int32), recent.astype(np.int32))


def keep_largest(weights: np.ndarray, kept: int) -> sparse.csr_array:
    """The `kept` largest weights of each column by size, the others 0."""
    if kept < len(weights):
        small = np.argpartition(-np.abs(weights), kept, axis=0)[kept:]
        weights = weights.copy()
        np.put_along_axis(weights, small, 0, axis=0)
    return sparse.csr_array(weights)


def calibrated(
    model: CandidateModel,
    liked: sparse.csr_array,
    rated: sparse.csr_array,
    turned_to: sparse.csr_array,
) -> CandidateModel:
    """The model with the factors of the highest likelihood of what users turned to.

    Every user counts once: the mean over users of the mean log-probability of the movies they
    turned to. If users and movies make more than `MOST_SCORES` pairs, a random part of the users
    is taken.

    Args:
        model: fitted on what users had rated before.
        liked, rated: 1 where a user had liked or rated a movie before, shape (users, movies).
        turned_to: 1 where a user turned to a movie afterwards, shape (users, movies); users
            without one are left out.
    """
    users = np.flatnonzero(np.diff(turned_to.indptr))
    if len(users) > (most := max(1, MOST_SCORES // turned_to.shape[1])):
        users = np.sort(np.random.default_rng(0).choice(users, most, replace=False))
    scores, raters, recent = model.terms(liked[users])
    unrated = rated[users].toarray() == 0
    target = turned_to[users].toarray() * unrated
    target /= np.maximum(target.sum(axis=1, keepdims=True), 1)

    def loss(factors: np.ndarray) -> tuple[float, np.ndarray]:
        a, b, c = factors
        logs = np.where(unrated, a * scores + (b * raters + c * recent), -np.inf)
        total = logsumexp(logs, axis=1, keepdims=True)
        rest = target - target.sum(axis=1, keepdims=True) * np.exp(logs - total)
        value = np.sum(target * np.where(unrated, logs - total, 0))
        by_movie = rest.sum(axis=0)
        gradient = np.array([np.sum(rest * scores), by_movie @ raters, by_movie @ recent])
        return -value / len(users), -gradient / len(users)

    found = minimize(loss, np.ones(3), jac=True, method="L-BFGS-B")
    return dataclasses.replace(model, factors=tuple(found.x.tolist()))
