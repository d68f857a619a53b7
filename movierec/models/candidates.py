"""The probability that a user turns to a movie: rates it next, whether or not they like it.

It is the first stage of a list: it finds the movies that are worth scoring, and the list is ranked
by P(turn to it) · P(like it | turned to it). The logarithm of the probability is, up to a constant,
a weighted sum of two terms: the movie's EASE score from the user's liked movies (see
`movierec.models.ease`) and the logarithm of its number of raters:

    P(j | user) = exp(a · Σ_i W_ij + b · log(n_j + 1)) / Z, i over the liked movies,

normalised over the movies that the user has not rated. Without liked movies only popularity
counts. The factors a and b are fitted by maximum likelihood to what users rated next.
"""

import math
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import logsumexp

from movierec.models import ease

# the arrays of a saved model
DTYPES = {"data": "<f4", "indices": "<i4", "indptr": "<i4", "raters": "<i4"}
DTYPES |= {"slope": "<f8", "popularity_slope": "<f8"}
KEPT = 200  # weights kept per movie: the largest by size; see `keep_largest`


@dataclass(frozen=True)
class CandidateModel:
    """P(turn to it) for every movie.

    Args:
        weights: EASE weights, float32, shape (movies, movies): row = liked, column = candidate.
        raters: number of users who rated each movie, int32, shape (movies,).
        slope: factor a of the EASE score.
        popularity_slope: factor b of the logarithm of the number of raters.
    """

    weights: sparse.csr_array
    raters: np.ndarray
    slope: float = 1.0
    popularity_slope: float = 1.0

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
            ValueError: the file is damaged, or no candidate model of as many movies.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                data, *rest = (_array(archive, name, movies) for name in DTYPES)
                indices, indptr, raters, slope, popularity_slope = rest
            weights = sparse.csr_array((data, indices, indptr), (movies, movies))
            weights.check_format()
        except Exception as error:  # a damaged file makes zipfile and SciPy raise almost any kind
            raise ValueError(f"it is damaged or no candidate model of {movies} movies") from error
        numbers = (weights.data, slope, popularity_slope)
        if raters.shape != (movies,) or raters.min() < 0 or slope.shape or popularity_slope.shape:
            raise ValueError(f"it has no numbers of raters of {movies} movies, or no two factors")
        if not all(np.isfinite(number).all() for number in numbers):
            raise ValueError("it has weights or factors that are not finite")
        return cls(weights, raters, float(slope), float(popularity_slope))

    def terms(self, liked: sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
        """The two terms of the logarithm of the probability, without their factors.

        Args:
            liked: 1 where a user likes a movie, float32, shape (users, movies).

        Returns:
            EASE scores, float32, shape (users, movies); log(raters + 1), float32, (movies,).
        """
        return (liked @ self.weights).toarray(), np.log1p(self.raters).astype(np.float32)

    def log_probability(self, liked: sparse.csr_array, unrated: np.ndarray) -> np.ndarray:
        """Logarithm of P(turn to it), float32, shape (users, movies).

        It is -inf for rated movies, and NaN everywhere for a user who has rated all of them.

        Args:
            liked: see `terms`.
            unrated: which movies a user has not rated, bool, shape (users, movies).
        """
        scores, popularity = self.terms(liked)
        scores *= self.slope
        scores += self.popularity_slope * popularity
        np.copyto(scores, -np.inf, where=~unrated)
        with np.errstate(invalid="ignore"):  # users who have rated every movie
            return scores - logsumexp(scores, axis=1, keepdims=True)

    def reasons(self, liked: np.ndarray, movie: int) -> np.ndarray:
        """What each liked movie adds to the logarithm of P(turn to it), float32, shape (liked,).

        Args:
            liked: positions of the user's liked movies, shape (liked,).
            movie: the position of the candidate.
        """
        return self.slope * self.weights[liked, movie].toarray().ravel()


def _array(archive: zipfile.ZipFile, name: str, movies: int) -> np.ndarray:
    """An array of a saved model; its type and size are checked before it is read."""
    with archive.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{name} has another format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        count = math.prod(shape)
        if dtype != DTYPES[name] or len(shape) > 1 or count > movies**2 + 1:
            raise ValueError(f"{name} is {dtype} of shape {shape}")
        content = file.read(count * dtype.itemsize + 1)
    return np.frombuffer(content, dtype).reshape(shape)


def fit(liked: sparse.csr_array, raters: np.ndarray, l2: float, kept: int = KEPT) -> CandidateModel:
    """A candidate model whose factors are still 1, see `calibrated`.

    Args:
        liked: 1 where a user likes a movie, float32, shape (users, movies).
        raters: number of users who rated each movie, shape (movies,).
        l2: penalty of EASE.
        kept: number of weights per movie that are kept.
    """
    weights = keep_largest(ease.weights(liked, l2), kept)
    return CandidateModel(weights, raters.astype(np.int32))


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
    turned to.

    Args:
        model: fitted on what users had rated before.
        liked, rated: 1 where a user had liked or rated a movie before, shape (users, movies).
        turned_to: 1 where a user turned to a movie afterwards, shape (users, movies); users
            without one are left out.
    """
    users = np.flatnonzero(np.diff(turned_to.indptr))
    scores, popularity = model.terms(liked[users])
    unrated = rated[users].toarray() == 0
    target = turned_to[users].toarray() * unrated
    target /= np.maximum(target.sum(axis=1, keepdims=True), 1)

    def loss(factors: np.ndarray) -> tuple[float, np.ndarray]:
        odds = np.where(unrated, factors[0] * scores + factors[1] * popularity, -np.inf)
        total = logsumexp(odds, axis=1, keepdims=True)
        rest = target - target.sum(axis=1, keepdims=True) * np.exp(odds - total)
        value = np.sum(target * np.where(unrated, odds - total, 0))
        gradient = np.sum(rest * scores), np.sum(rest.sum(axis=0) * popularity)
        return -value / len(users), -np.array(gradient, np.float64) / len(users)

    found = minimize(loss, np.ones(2), jac=True, method="L-BFGS-B")
    slope, popularity_slope = (float(factor) for factor in found.x)
    return CandidateModel(model.weights, model.raters, slope, popularity_slope)
