"""Rankers without attention: the rows that every table of results starts with.

Users and films are given by their places in the tables, integers from 0. A baseline that has been
fitted is a `Scores`: a number for every pair of a user and a film.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from movierec.prepared import Prepared


@dataclass(frozen=True)
class Known:
    """Ratings to learn from.

    Args:
        users, films: places, int, shape (rows,).
        labels: 0 or 1, shape (rows,).
        ratings: 1 to 5, shape (rows,).
        shape: number of users and of films, the unrated ones included.
    """

    users: np.ndarray
    films: np.ndarray
    labels: np.ndarray
    ratings: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, prepared: Prepared, numbers: np.ndarray) -> "Known":
        """The ratings in the rows `numbers`."""
        return cls(
            prepared.user_places[numbers],
            prepared.movies[numbers],
            prepared.labels[numbers],
            prepared.ratings[numbers],
            (len(prepared.data.users), len(prepared.data.movies)),
        )

    def matrix(self, values: np.ndarray) -> sparse.csr_array:
        """The values of all ratings as a sparse matrix, float32, shape (users, films)."""
        pairs = self.users, self.films
        return sparse.csr_array((values.astype(np.float32), pairs), self.shape)


@dataclass(frozen=True)
class Scores:
    """Scores of the form `user bias + film bias + user factors · film factors`.

    Args:
        user: biases, shape (users,).
        film: biases, shape (films,).
        user_factors: shape (users, k).
        film_factors: shape (films, k).
    """

    user: np.ndarray
    film: np.ndarray
    user_factors: np.ndarray
    film_factors: np.ndarray

    def pairs(self, users: np.ndarray, films: np.ndarray) -> np.ndarray:
        """Scores of pairs, shape (pairs,)."""
        joint = np.einsum("rk,rk->r", self.user_factors[users], self.film_factors[films])
        return self.user[users] + self.film[films] + joint

    def of_users(self, users: np.ndarray) -> np.ndarray:
        """Scores of all films, shape (users asked for, films)."""
        joint = self.user_factors[users] @ self.film_factors.T
        return self.user[users, None] + self.film + joint


def _factors(user_factors, film_factors) -> Scores:
    no_bias = np.zeros(user_factors.shape[0]), np.zeros(film_factors.shape[0])
    return Scores(*no_bias, user_factors, film_factors)


def _biases(known: Known, user: np.ndarray, film: np.ndarray) -> Scores:
    return Scores(user, film, *(np.zeros((size, 0)) for size in known.shape))


@dataclass(frozen=True)
class RandomOrder:
    """Random scores, as `Scores` gives others; the same for the same question."""

    films: int

    def pairs(self, users: np.ndarray, films: np.ndarray) -> np.ndarray:
        """Scores of pairs, shape (pairs,)."""
        return np.random.default_rng(len(users)).random(len(users))

    def of_users(self, users: np.ndarray) -> np.ndarray:
        """Scores of all films, shape (users asked for, films)."""
        return np.random.default_rng(users).random((len(users), self.films))


def random_order(known: Known) -> RandomOrder:
    """Random scores of films, of each user's own."""
    return RandomOrder(known.shape[1])


def popularity(known: Known) -> Scores:
    """Number of ratings of the film."""
    counts = np.bincount(known.films, minlength=known.shape[1])
    return _biases(known, np.zeros(known.shape[0]), counts.astype(np.float64))


def movie_mean(known: Known, smoothing: float = 10) -> Scores:
    """Mean label of the film, drawn towards the overall mean; the same for every user.

    `(Σ labels + smoothing · overall mean) / (count + smoothing)`: a film without ratings has the
    overall mean. It is a probability.
    """
    count = np.bincount(known.films, minlength=known.shape[1])
    total = np.bincount(known.films, weights=known.labels, minlength=known.shape[1])
    mean = (total + smoothing * known.labels.mean()) / (count + smoothing)
    return _biases(known, np.zeros(known.shape[0]), mean)


def biases(known: Known, l2: float = 5) -> Scores:
    """Overall mean + user bias + film bias, fitted to the ratings by alternating ridge steps.

    Koren, Bell & Volinsky, "Matrix factorization techniques for recommender systems", 2009. Each
    bias is `Σ residuals / (count + l2)`; a user or film without ratings has the bias 0.
    """
    mean = known.ratings.mean()
    user, film = (np.zeros(size) for size in known.shape)
    for _ in range(10):
        film = _shrunk(known.films, known.ratings - mean - user[known.users], len(film), l2)
        user = _shrunk(known.users, known.ratings - mean - film[known.films], len(user), l2)
    return _biases(known, user + mean, film)


def _shrunk(places: np.ndarray, residuals: np.ndarray, size: int, l2: float) -> np.ndarray:
    total = np.bincount(places, weights=residuals, minlength=size)
    return total / (np.bincount(places, minlength=size) + l2)


def factorisation(
    known: Known, factors: int = 16, l2: float = 1, rounds: int = 15, seed: int = 0
) -> Scores:
    """Matrix factorisation of the ratings: biases first, then alternating least squares.

    Each user's factors solve a ridge problem with weight `l2 · √(number of ratings)`, given the
    films', and the other way round (Koren et al. 2009; Pilászy et al. 2010).

    Args:
        known: ratings.
        factors: length of the vectors.
        l2: weight of the penalty.
        rounds: times that both sides are solved.
        seed: of the films' first vectors.
    """
    base = biases(known)
    matrix = known.matrix(known.ratings - base.pairs(known.users, known.films))
    film = np.random.default_rng(seed).normal(0, 0.1, (known.shape[1], factors))
    for _ in range(rounds):
        user = _ridge(matrix, film, l2)
        film = _ridge(matrix.T.tocsr(), user, l2)
    return Scores(base.user, base.film, user, film)


def _ridge(matrix: sparse.csr_array, given: np.ndarray, l2: float) -> np.ndarray:
    """One side's vectors, given the other's, all at once.

    Every row's normal matrix is a sum of outer products over the row's entries: one sparse
    product with the flattened outer products makes all of them.
    """
    size = given.shape[1]
    outer = (given[:, :, None] * given[:, None, :]).reshape(len(given), -1)
    entries = np.diff(matrix.indptr)
    ones = np.ones_like(matrix.data)
    pattern = sparse.csr_array((ones, matrix.indices, matrix.indptr), matrix.shape)
    normal = (pattern @ outer).reshape(-1, size, size)
    normal += (l2 * np.sqrt(np.maximum(entries, 1)))[:, None, None] * np.eye(size)
    return np.linalg.solve(normal, (matrix @ given)[:, :, None])[:, :, 0]


def implicit_als(known: Known, factors: int = 64, l2: float = 0.1, seed: int = 0) -> Scores:
    """Implicit-feedback ALS on liked films (Hu, Koren & Volinsky 2008), by the library `implicit`.

    Its score is a preference, not a probability.
    """
    liked = sparse.csr_matrix(known.matrix(known.labels))
    liked.eliminate_zeros()
    with threadpool_limits(1, "blas"):  # the library has threads of its own
        model = AlternatingLeastSquares(
            factors, regularization=l2, iterations=15, random_state=seed
        )
        model.fit(liked, show_progress=False)
    return _factors(model.user_factors, model.item_factors)


def ease(known: Known, l2: float = 300) -> Scores:
    """EASE on liked films: a closed-form linear autoencoder (Steck 2019, arXiv 1905.03375).

    With `G = XᵀX + l2 · I` and `P = G⁻¹`, the weight of film i for film j is `-P_ij / P_jj`, and
    0 on the diagonal; a user's scores are `X` times these.
    """
    liked = known.matrix(known.labels)
    inverse = np.linalg.inv((liked.T @ liked).toarray() + l2 * np.eye(known.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return _factors(liked.toarray(), weights.T.astype(np.float32))


def one_hot(ids: np.ndarray, field_dims: Sequence[int]) -> sparse.csr_array:
    """Ids `(rows, fields)` as a matrix of ones, float32, shape (rows, Σ field_dims)."""
    columns = (ids + np.concatenate([[0], np.cumsum(field_dims)[:-1]])).ravel()
    starts = np.arange(0, ids.size + 1, ids.shape[1])
    return sparse.csr_array(
        (np.ones(ids.size, np.float32), columns, starts), (len(ids), sum(field_dims))
    )


def logistic(
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
