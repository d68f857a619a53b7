"""Ranking metrics, vectorised over users: per-user values first, means second.

Two families stand side by side, because the original project's definitions carry the names of
others in the field. With a user's rows ranked by score, best first, `hit(i)` saying whether the
row at rank i (from 1) is positive, and P the number of the user's positive rows:

=================  ===========================================  ============================
column             formula                                      name
=================  ===========================================  ============================
ndcg_original      Σ_{i≤k} hit(i)/log(i+1) ÷ Σ_{i≤P} 1/log(i+1)  the original's NDCG@k
recall             Σ_{i≤k} hit(i) ÷ P                           Recall@k; the original's HitRate@k
ndcg               … ÷ Σ_{i≤min(k,P)} 1/log(i+1)                the field's NDCG@k
hit_ratio          1 if any hit(i), i ≤ k                       the field's Hit Ratio@k
=================  ===========================================  ============================

The original's ideal sum runs over all P positives, so a perfect ranker does not reach 1 for a user
with more than k. Users without a positive row have no defined value and are left out.
"""

import numpy as np
import pandas as pd


def per_user(
    users: np.ndarray, labels: np.ndarray, scores: np.ndarray, k: int = 10
) -> pd.DataFrame:
    """Ranking metrics of every user with at least one positive row.

    Args:
        users: user of each row, shape (rows,).
        labels: 1 for a positive row, else 0, shape (rows,).
        scores: higher is better, shape (rows,). Ties keep the rows' order.
        k: length of the list.

    Returns:
        One row a user (index `user`) with the columns of this module's table.

    Raises:
        ValueError: arrays of different lengths, a score that is not a number, or k below 1.

    Example:
        One user, positive rows ranked first and third of three, k = 2: one hit at rank 1.
        DCG = 1/log 2; the ideal of both families is 1/log 2 + 1/log 3, so NDCG = 0.613; recall is
        1/2.

        >>> per_user([7, 7, 7], [1, 0, 1], [0.9, 0.8, 0.1], k=2).round(3).to_dict("list")
        {'ndcg_original': [0.613], 'recall': [0.5], 'ndcg': [0.613], 'hit_ratio': [1.0]}
    """
    users, labels = np.asarray(users), np.asarray(labels)
    scores = np.asarray(scores, np.float64)
    if not users.shape == labels.shape == scores.shape or users.ndim != 1:
        raise ValueError(
            "users, labels and scores must be one-dimensional and equally long. Received shapes: "
            f"{users.shape}, {labels.shape}, {scores.shape}"
        )
    if not np.isfinite(scores).all():
        row = int(np.argmin(np.isfinite(scores)))
        raise ValueError(f"scores must be finite numbers. Received: {scores[row]} at row {row}")
    if not np.isin(labels, [0, 1]).all():
        raise ValueError(f"labels must be 0 or 1. Received: {np.unique(labels)[:10]}")
    if k < 1 or k != int(k):
        raise ValueError(f"k must be a whole number of 1 or more. Received: k={k}")
    order = np.lexsort((-scores, users))  # stable, so ties keep the rows' order
    users, labels = users[order], labels[order].astype(np.float64)
    names, starts, counts = np.unique(users, return_index=True, return_counts=True)
    rank = np.arange(len(users)) - np.repeat(starts, counts)  # from 0
    discount = 1 / np.log(np.arange(counts.max(initial=0)) + 2)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    top = labels * (rank < k)
    positives = np.add.reduceat(labels, starts).astype(int)
    hits = np.add.reduceat(top, starts)
    gain = np.add.reduceat(top * discount[rank], starts)
    with np.errstate(invalid="ignore"):  # users without positives: 0/0, dropped below
        table = pd.DataFrame(
            {
                "ndcg_original": gain / ideal[positives],
                "recall": hits / positives,
                "ndcg": gain / ideal[np.minimum(positives, k)],
                "hit_ratio": (hits > 0).astype(np.float64),
            },
            index=pd.Index(names, name="user"),
        )
    return table[positives > 0]


def interval(values: np.ndarray) -> tuple[float, float]:
    """Mean of per-user values and half the width of its 95 % confidence interval.

    The interval is the normal one, 1.96 · standard deviation / √users: with thousands of users it
    agrees with the bootstrap. Both numbers are NaN where there are no values.
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return float("nan"), float("nan")
    if len(values) == 1:
        return float(values[0]), float("nan")
    return float(values.mean()), float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def bootstrap_difference(
    ours: np.ndarray, theirs: np.ndarray, seed: int = 0, samples: int = 2000
) -> tuple[float, float, float]:
    """Mean of `ours - theirs` over the same users, with a 95 % paired bootstrap interval.

    Args:
        ours, theirs: per-user values of two rankers, shape (users,), in the same order of users.
        seed: of the resampling.
        samples: number of resamples.

    Returns:
        Mean, lower and upper bound (2.5 % and 97.5 % of the resampled means).

    Raises:
        ValueError: different numbers of users, or none.
    """
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape or not len(ours):
        raise ValueError(
            f"expected values of the same users. Received: {ours.shape} and {theirs.shape}"
        )
    difference = ours - theirs
    # Resampling n users with replacement = multinomial counts; one matrix product does them all.
    rng = np.random.default_rng(seed)
    users = len(difference)
    means = rng.multinomial(users, np.full(users, 1 / users), size=samples) @ difference / users
    low, high = np.quantile(means, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)
