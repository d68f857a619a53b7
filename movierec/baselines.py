"""Rankers without a neural network: the rows that every table of results starts with.

Each takes training rows and returns one score for every row asked about.
"""

import numpy as np


def random_order(rows: int, seed: int = 0) -> np.ndarray:
    """Random scores, shape (rows,)."""
    return np.random.default_rng(seed).random(rows)


def popularity(train_movies: np.ndarray, movies: np.ndarray) -> np.ndarray:
    """Number of training ratings of each row's movie.

    Args:
        train_movies: movie index of each training row, integers from 0.
        movies: movie index of each row to score.
    """
    size = max(train_movies.max(), movies.max()) + 1
    return np.bincount(train_movies, minlength=size)[movies].astype(np.float64)


def movie_mean(
    train_movies: np.ndarray, train_labels: np.ndarray, movies: np.ndarray, smoothing: float = 10
) -> np.ndarray:
    """Mean label of each row's movie, drawn towards the overall mean.

    `(Σ labels + smoothing · overall mean) / (count + smoothing)`: a movie without training rows
    has the overall mean. It is a probability, and the same for every user.
    """
    size = max(train_movies.max(), movies.max()) + 1
    count = np.bincount(train_movies, minlength=size)
    total = np.bincount(train_movies, weights=train_labels, minlength=size)
    return ((total + smoothing * train_labels.mean()) / (count + smoothing))[movies]
