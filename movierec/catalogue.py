"""Rank a held-out film among all films of the catalogue that its user has not rated.

Scores are made and dropped a block of users at a time, so 6,040 users × 3,706 films are never in
memory together.
"""

from collections.abc import Callable

import numpy as np

from movierec.prepared import Prepared

BLOCK = 32  # rows at a time: 32 × 3,706 rows of ids are 6 MB


def ranks(
    prepared: Prepared,
    numbers: np.ndarray,
    known: np.ndarray,
    scores_of: Callable[[np.ndarray], np.ndarray],
    top: int = 10,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Where the film of each row stands in its user's list, and the head of that list.

    Films that the user has among the known rows are left out. Among equal scores the film that
    stands earlier in the movies table comes first.

    Args:
        prepared: the data.
        numbers: rows whose films are looked for, shape (rows,).
        known: rows whose films are left out.
        scores_of: from row numbers, shape (rows,), to scores of every film, (rows, films).
        top: length of the heads; 0 where only ranks are asked for.

    Returns:
        Ranks from 1, int64, shape (rows,); places in the movies table, shape (rows, top), -1
        where fewer films are left.

    Raises:
        ValueError: a score that is not a finite number.
    """
    seen = prepared.seen(known)
    found, heads = [], []
    for start in range(0, len(numbers), BLOCK):
        block = numbers[start : start + BLOCK]
        scores = np.array(scores_of(block), np.float32)
        if not np.isfinite(scores).all():
            raise ValueError(f"scores must be finite numbers. Received others in block {start}")
        scores[seen[prepared.user_places[block]].toarray() > 0] = -np.inf
        films = prepared.movies[block][:, None]
        mine = np.take_along_axis(scores, films, axis=1)
        earlier = (scores == mine) & (np.arange(scores.shape[1]) < films)
        found.append(1 + np.sum((scores > mine) | earlier, axis=1))
        if top:
            best = np.argsort(-scores, axis=1, kind="stable")[:, :top]
            left = np.isfinite(np.take_along_axis(scores, best, axis=1))
            heads.append(np.where(left, best, -1))
    return np.concatenate(found), np.concatenate(heads) if top else None


def of_predictor(
    predict: Callable[[np.ndarray], np.ndarray], prepared: Prepared
) -> Callable[[np.ndarray], np.ndarray]:
    """A model's scores of every film for the user and time of given rows; see `ranks`."""
    films = np.arange(len(prepared.film_ids))

    def scores_of(numbers: np.ndarray) -> np.ndarray:
        rows = np.repeat(numbers, len(films))
        ids = prepared.with_films(rows, np.tile(films, len(numbers)))
        return predict(ids).reshape(len(numbers), len(films))

    return scores_of
