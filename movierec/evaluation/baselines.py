"""Baselines without attention, which every table of results includes.

Users and movies are given by position. A fitted baseline is a `PairScorer`: a score for every pair
of a user and a movie.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from movierec.data.schema import RATING
from movierec.data.tables import Dataset
from movierec.models.ease import weights


@dataclass(frozen=True)
class Interactions:
    """Ratings to fit a baseline on.

    Args:
        users, movies: positions, int, shape (rows,).
        labels: 0 or 1, shape (rows,).
        ratings: of the data set's scale, shape (rows,).
        shape: number of users and of movies, including those without ratings.
    """

    users: np.ndarray
    movies: np.ndarray
    labels: np.ndarray
    ratings: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, data: Dataset, rows: np.ndarray) -> "Interactions":
        """The ratings of those row indices."""
        return cls(
            data.rating_users[rows],
            data.rating_movies[rows],
            data.labels[rows],
            data.ratings[RATING].to_numpy()[rows],
            (len(data.users), len(data.movies)),
        )

    def matrix(self, values: np.ndarray) -> sparse.csr_array:
        """One value per rating as a sparse matrix, float32, shape (users, movies)."""
        pairs = self.users, self.movies
        return sparse.csr_array((values.astype(np.float32), pairs), self.shape)


@dataclass(frozen=True)
class PairScorer:
    """Scores of the form `user bias + movie bias + user factors · movie factors`.

    Args:
        user: user biases, shape (users,).
        movie: movie biases, shape (movies,).
        user_factors: shape (users, k).
        movie_factors: shape (movies, k).
    """

    user: np.ndarray
    movie: np.ndarray
    user_factors: np.ndarray
    movie_factors: np.ndarray

    def pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Scores of pairs, shape (pairs,)."""
        joint = np.einsum("rk,rk->r", self.user_factors[users], self.movie_factors[movies])
        return self.user[users] + self.movie[movies] + joint

    def all_movies(self, users: np.ndarray) -> np.ndarray:
        """Scores of all movies for some users, shape (users, movies)."""
        joint = self.user_factors[users] @ self.movie_factors.T
        return self.user[users, None] + self.movie + joint


def _from_factors(user_factors, movie_factors) -> PairScorer:
    no_bias = np.zeros(user_factors.shape[0]), np.zeros(movie_factors.shape[0])
    return PairScorer(*no_bias, user_factors, movie_factors)


def _from_biases(data: Interactions, user: np.ndarray, movie: np.ndarray) -> PairScorer:
    return PairScorer(user, movie, *(np.zeros((size, 0)) for size in data.shape))


@dataclass(frozen=True)
class RandomScorer:
    """Random scores, with the methods of `PairScorer`; the same arguments give the same scores."""

    movies: int

    def pairs(self, users: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """Scores of pairs, shape (pairs,)."""
        return np.random.default_rng(len(users)).random(len(users))

    def all_movies(self, users: np.ndarray) -> np.ndarray:
        """Scores of all movies for some users, shape (users, movies)."""
        return np.random.default_rng(users).random((len(users), self.movies))


def random_order(data: Interactions) -> RandomScorer:
    """Random scores, different for every user."""
    return RandomScorer(data.shape[1])


def popularity(data: Interactions) -> PairScorer:
    """Number of ratings of the movie."""
    counts = np.bincount(data.movies, minlength=data.shape[1])
    return _from_biases(data, np.zeros(data.shape[0]), counts.astype(np.float64))


def movie_mean(data: Interactions, smoothing: float = 10) -> PairScorer:
    """Mean label of the movie, smoothed towards the overall mean; the same for every user.

    `(Σ labels + smoothing · overall mean) / (count + smoothing)`, so a movie without ratings gets
    the overall mean. The score is a probability.
    """
    count = np.bincount(data.movies, minlength=data.shape[1])
    total = np.bincount(data.movies, weights=data.labels, minlength=data.shape[1])
    mean = (total + smoothing * data.labels.mean()) / (count + smoothing)
    return _from_biases(data, np.zeros(data.shape[0]), mean)


def biases(data: Interactions, l2: float = 5) -> PairScorer:
    """Overall mean + user bias + movie bias, fitted to the ratings by alternating ridge steps.

    Koren, Bell & Volinsky, "Matrix factorization techniques for recommender systems", 2009. Each
    bias is `Σ residuals / (count + l2)`; a user or movie without ratings has the bias 0.
    """
    mean = data.ratings.mean()
    user, movie = (np.zeros(size) for size in data.shape)
    for _ in range(10):
        movie = _ridge_bias(data.movies, data.ratings - mean - user[data.users], len(movie), l2)
        user = _ridge_bias(data.users, data.ratings - mean - movie[data.movies], len(user), l2)
    return _from_biases(data, user + mean, movie)


def _ridge_bias(positions: np.ndarray, residuals: np.ndarray, size: int, l2: float) -> np.ndarray:
    total = np.bincount(positions, weights=residuals, minlength=size)
    return total / (np.bincount(positions, minlength=size) + l2)


def matrix_factorization(
    data: Interactions, factors: int = 16, l2: float = 1, rounds: int = 15, seed: int = 0
) -> PairScorer:
    """Matrix factorisation of the ratings: biases first, then alternating least squares.

    Each user's factors solve a ridge problem with weight `l2 · √(number of ratings)` given the
    movies' factors, and vice versa (Koren et al. 2009; Pilászy et al. 2010).

    Args:
        data: the ratings.
        factors: length of the vectors.
        l2: weight of the penalty.
        rounds: how often both sides are solved.
        seed: random seed of the movies' initial vectors.
    """
    base = biases(data)
    matrix = data.matrix(data.ratings - base.pairs(data.users, data.movies))
    movie = np.random.default_rng(seed).normal(0, 0.1, (data.shape[1], factors))
    for _ in range(rounds):
        user = _ridge_factors(matrix, movie, l2)
        movie = _ridge_factors(matrix.T.tocsr(), user, l2)
    return PairScorer(base.user, base.movie, user, movie)


def _ridge_factors(matrix: sparse.csr_array, fixed: np.ndarray, l2: float) -> np.ndarray:
    """All vectors of one side, given the other side's.

    Every row's normal matrix is a sum of outer products over the row's entries; one sparse product
    with the flattened outer products computes all of them.
    """
    size = fixed.shape[1]
    outer = (fixed[:, :, None] * fixed[:, None, :]).reshape(len(fixed), -1)
    entries = np.diff(matrix.indptr)
    ones = np.ones_like(matrix.data)
    pattern = sparse.csr_array((ones, matrix.indices, matrix.indptr), matrix.shape)
    normal = (pattern @ outer).reshape(-1, size, size)
    normal += (l2 * np.sqrt(np.maximum(entries, 1)))[:, None, None] * np.eye(size)
    return np.linalg.solve(normal, (matrix @ fixed)[:, :, None])[:, :, 0]


def implicit_als(
    data: Interactions, factors: int = 64, l2: float = 0.1, seed: int = 0
) -> PairScorer:
    """Implicit-feedback ALS on liked movies (Hu, Koren & Volinsky 2008), by the library `implicit`.

    Its score is a preference, not a probability.
    """
    liked = sparse.csr_matrix(data.matrix(data.labels))
    liked.eliminate_zeros()
    with threadpool_limits(1, "blas"):  # the library has its own threads
        model = AlternatingLeastSquares(
            factors, regularization=l2, iterations=15, random_state=seed
        )
        model.fit(liked, show_progress=False)
    return _from_factors(model.user_factors, model.item_factors)


def ease(data: Interactions, l2: float = 300) -> PairScorer:
    """EASE on liked movies, see `models.ease`."""
    liked = data.matrix(data.labels)
    return _from_factors(liked.toarray(), weights(liked, l2).T)


def one_hot(ids: np.ndarray, field_dims: Sequence[int]) -> sparse.csr_array:
    """Ids `(rows, fields)` one-hot encoded, float32, shape (rows, Σ field_dims)."""
    columns = (ids + np.concatenate([[0], np.cumsum(field_dims)[:-1]])).ravel()
    starts = np.arange(0, ids.size + 1, ids.shape[1])
    return sparse.csr_array(
        (np.ones(ids.size, np.float32), columns, starts), (len(ids), sum(field_dims))
    )


def logistic_regression(
    ids: np.ndarray, labels: np.ndarray, field_dims: Sequence[int], c: float = 1.0
) -> LogisticRegression:
    """Logistic regression on one-hot fields, by scikit-learn.

    Args:
        ids: int32, shape (rows, fields).
        labels: 0 or 1, shape (rows,).
        field_dims: number of ids of each field.
        c: inverse weight of the L2 penalty.
    """
    return LogisticRegression(C=c, max_iter=1000, tol=1e-3).fit(one_hot(ids, field_dims), labels)
