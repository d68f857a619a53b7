"""Rank a held-out movie among all movies that its user has not rated.

Scores are computed for a block of users at a time, so the scores of all users and movies are never
in memory together.
"""

from collections.abc import Callable

import numpy as np

from movierec.data.dataset import EncodedDataset, SplitDataset
from movierec.evaluation import metrics

BLOCK = 32  # rows at a time: with 3,706 movies their ids take 6 MB

RowScorer = Callable[[np.ndarray], np.ndarray]  # row indices (rows,) → scores (rows, movies)


def ranks(
    dataset: SplitDataset,
    rows: np.ndarray,
    known: np.ndarray,
    scorer: RowScorer,
    k: int = 10,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Rank of each row's movie in its user's list, and the first `k` movies of that list.

    Movies that the user rated in the known rows are left out. Among equal scores, the movie that
    comes first in the movies table ranks first.

    Args:
        dataset: the data set.
        rows: row indices of the ratings whose movies are ranked, shape (rows,).
        known: row indices of the known ratings.
        scorer: scores of all movies for given rows.
        k: length of the lists; 0 to compute only ranks.

    Returns:
        Ranks from 1, int64, shape (rows,); movie positions, shape (rows, k), with -1 where fewer
        movies are left, or None if k is 0.

    Raises:
        ValueError: a score that is not a finite number.
    """
    rated = dataset.data.matrix(known)
    users, movies = dataset.data.rating_users, dataset.data.rating_movies
    found, top_k = [], []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        scores = np.array(scorer(block), np.float32)
        excluded = rated[users[block]].toarray() > 0
        found.append(metrics.target_ranks(scores, movies[block], excluded))
        if k:
            best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
            left = np.isfinite(np.take_along_axis(scores, best, axis=1))
            top_k.append(np.where(left, best, -1))
    return np.concatenate(found), np.concatenate(top_k) if k else None


def model_scorer(predict: Callable[[np.ndarray], np.ndarray], encoded: EncodedDataset) -> RowScorer:
    """A model's scores of all movies for the user and time of given rows, for `ranks`."""
    movies = np.arange(len(encoded.movie_ids))

    def scorer(rows: np.ndarray) -> np.ndarray:
        ids = encoded.with_movies(np.repeat(rows, len(movies)), np.tile(movies, len(rows)))
        return predict(ids).reshape(len(rows), len(movies))

    return scorer
