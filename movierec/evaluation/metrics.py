"""Ranking metrics, vectorised over users: per-user values first, means second.

There are two families, because the original project's NDCG and HitRate differ from the usual
metrics of the same names. A user's rows are ranked by score, best first; `hit(i)` is 1 if the row
at rank i (from 1) is positive, otherwise 0; P is the number of the user's positive rows:

=================  ===========================================  ============================
column             formula                                      name
=================  ===========================================  ============================
ndcg_original@k    Σ_{i≤k} hit(i)/log(i+1) ÷ Σ_{i≤P} 1/log(i+1)  the original's NDCG@k
recall@k           Σ_{i≤k} hit(i) ÷ P                           Recall@k; the original's HitRate@k
ndcg@k             … ÷ Σ_{i≤min(k,P)} 1/log(i+1)                the field's NDCG@k
hit_ratio@k        1 if any hit(i), i ≤ k                       the field's Hit Ratio@k
user_auc           (R - P(P+1)/2) ÷ (P·N)                       AUC within the user's rows
=================  ===========================================  ============================

In user_auc, R is the sum of the positive rows' ranks counted from the lowest score, equal scores
sharing their mean rank, and N the number of other rows; it is NaN if N is 0. It measures only the
order within a user. The AUC over all rows is also higher for a model that knows which users rate
generously.

The original's ideal sum runs over all P positives, so a perfect ranker does not reach 1 for a user
with more than k of them. Users without a positive row have no defined value and are left out.
"""

import numpy as np
import pandas as pd
from scipy import sparse


def per_user(
    users: np.ndarray, labels: np.ndarray, scores: np.ndarray, k: int = 10
) -> pd.DataFrame:
    """Ranking metrics of every user with at least one positive row.

    Args:
        users: user of each row, shape (rows,).
        labels: 1 for a positive row, otherwise 0, shape (rows,).
        scores: higher is better, shape (rows,). Ties keep the order of the rows; in user_auc they
            share their mean rank.
        k: length of the list.

    Returns:
        One row per user (index `user`) with the columns in this module's docstring.

    Raises:
        ValueError: arrays of different lengths, a score that is not finite, labels other than 0 and
            1, or a k that is not a whole number of at least 1.

    Example:
        One user, positive rows ranked first and third of three, k = 2: one hit at rank 1.
        DCG = 1/log 2; the ideal of both families is 1/log 2 + 1/log 3, so NDCG = 0.613; recall is
        1/2. Of two pairs of a positive and another row, one is in the right order.

        >>> table = per_user([7, 7, 7], [1, 0, 1], [0.9, 0.8, 0.1], k=2)
        >>> table.round(3).iloc[0].tolist()
        [0.613, 0.5, 0.613, 1.0, 0.5]
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
        raise ValueError(f"k must be a whole number of at least 1. Received: k={k}")
    order = np.lexsort((-scores, users))  # stable: ties keep the order of the rows
    users, labels = users[order], labels[order].astype(np.float64)
    names, starts, counts = np.unique(users, return_index=True, return_counts=True)
    rank = np.arange(len(users)) - np.repeat(starts, counts)  # from 0
    discount = 1 / np.log(np.arange(counts.max(initial=0)) + 2)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    top = labels * (rank < k)
    positives = np.add.reduceat(labels, starts).astype(int)
    hits = np.add.reduceat(top, starts)
    gain = np.add.reduceat(top * discount[rank], starts)
    with np.errstate(invalid="ignore"):  # 0/0 for users without positives, dropped below
        table = pd.DataFrame(
            {
                f"ndcg_original@{k}": gain / ideal[positives],
                f"recall@{k}": hits / positives,
                f"ndcg@{k}": gain / ideal[np.minimum(positives, k)],
                f"hit_ratio@{k}": (hits > 0).astype(np.float64),
                "user_auc": _user_auc(users, labels, scores[order], starts, counts),
            },
            index=pd.Index(names, name="user"),
        )
    return table[positives > 0]


def _user_auc(users, labels, scores, starts, counts) -> np.ndarray:
    """AUC within each user's rows, which are sorted by user and then by falling score."""
    new = np.ones(len(users), bool)
    new[1:] = (users[1:] != users[:-1]) | (scores[1:] != scores[:-1])
    first = np.flatnonzero(new)  # of each run of equal scores
    sizes = np.diff(np.append(first, len(users)))
    ends = np.repeat(starts + counts, counts)
    rank = ends - np.repeat(first + (sizes - 1) / 2, sizes)  # mean rank, 1 for the lowest score
    positives = np.add.reduceat(labels, starts)
    above = np.add.reduceat(labels * rank, starts) - positives * (positives + 1) / 2
    return above / (positives * (counts - positives))


def target_ranks(scores: np.ndarray, targets: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    """Rank of each row's target item among the row's items that are not excluded.

    Among equal scores, the item with the lower index comes first.

    Args:
        scores: float32, shape (rows, items). Changed in place: excluded items become -inf.
        targets: index of each row's target item, shape (rows,).
        excluded: which items to leave out, bool, shape (rows, items).

    Returns:
        Ranks from 1, int64, shape (rows,).

    Raises:
        ValueError: a score that is not a finite number.

    Example:
        >>> scores = np.array([[0.9, 0.5, 0.5]], np.float32)
        >>> target_ranks(scores, np.array([2]), np.array([[True, False, False]]))
        array([2])
    """
    if not np.isfinite(scores).all():
        row, item = np.argwhere(~np.isfinite(scores))[0]
        raise ValueError(f"scores must be finite numbers. Received: {scores[row, item]}")
    np.copyto(scores, -np.inf, where=excluded)
    targets = np.asarray(targets, np.int64)[:, None]
    own = np.take_along_axis(scores, targets, axis=1)
    before = (scores == own) & (np.arange(scores.shape[1]) < targets)
    before |= scores > own
    return 1 + np.count_nonzero(before, axis=1)


def one_relevant(ranks: np.ndarray, k: int = 10) -> pd.DataFrame:
    """Metrics of users with one relevant item each, from its rank in the user's list.

    With one relevant item Hit Ratio@k and Recall@k are equal, and NDCG@k = 1/log₂(rank + 1) if
    rank ≤ k, otherwise 0.

    Args:
        ranks: from 1, shape (users,).
        k: length of the list; Recall is computed at `2 · k`.

    Returns:
        One row per user: hit_ratio@k, ndcg@k, mrr (1/rank), recall@2k.

    Raises:
        ValueError: a rank below 1.

    Example:
        >>> one_relevant([1, 3, 15]).round(3).to_dict("list")["ndcg@10"]
        [1.0, 0.5, 0.0]
    """
    ranks = np.asarray(ranks)
    if len(ranks) and ranks.min() < 1:
        raise ValueError(f"ranks count from 1. Received: {ranks.min()}")
    return pd.DataFrame(
        {
            f"hit_ratio@{k}": (ranks <= k).astype(np.float64),
            f"ndcg@{k}": np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0),
            "mrr": 1 / ranks,
            f"recall@{2 * k}": (ranks <= 2 * k).astype(np.float64),
        }
    )


def top_k_metrics(top_k: np.ndarray, relevant: sparse.csr_array) -> pd.DataFrame:
    """Metrics of lists of k items, for users with any number of relevant items.

    Recall@k is the share of the relevant items that are in the list, Precision@k the share of the
    k places that have a relevant item, and Hit Ratio@k is 1 if there is one. NDCG@k is
    `Σ_{i≤k} hit(i)/log₂(i+1) ÷ Σ_{i≤min(k,P)} 1/log₂(i+1)` with P relevant items. Users without a
    relevant item have no defined value and are left out.

    Args:
        top_k: item indices, best first, shape (users, k); -1 for no item.
        relevant: non-zero for relevant items, shape (users, items).

    Returns:
        One row per user (index `user`, the row of `top_k`): recall@k, ndcg@k, precision@k,
        hit_ratio@k.

    Example:
        Three relevant items, two of them first and third in the list, k = 3:
        DCG = 1 + 1/2, ideal DCG = 1 + 0.631 + 1/2.

        >>> wanted = sparse.csr_array([[1, 1, 1, 0, 0]])
        >>> top_k_metrics(np.array([[0, 4, 2]]), wanted).round(3).iloc[0].to_dict()
        {'recall@3': 0.667, 'ndcg@3': 0.704, 'precision@3': 0.667, 'hit_ratio@3': 1.0}
    """
    top_k = np.asarray(top_k)
    users, k = np.arange(len(top_k))[:, None], top_k.shape[1]
    hits = (relevant[users, np.maximum(top_k, 0)].toarray() > 0) & (top_k >= 0)
    positives = np.diff(sparse.csr_array(relevant > 0).indptr)
    discount = 1 / np.log2(np.arange(k) + 2)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    with np.errstate(invalid="ignore"):  # 0/0 for users without positives, dropped below
        table = pd.DataFrame(
            {
                f"recall@{k}": hits.sum(axis=1) / positives,
                f"ndcg@{k}": (hits @ discount) / ideal[np.minimum(positives, k)],
                f"precision@{k}": hits.sum(axis=1) / k,
                f"hit_ratio@{k}": hits.any(axis=1).astype(np.float64),
            }
        ).rename_axis("user")
    return table[positives > 0]


def interval(values: np.ndarray) -> tuple[float, float]:
    """Mean of per-user values and the half-width of its 95 % confidence interval.

    The interval is the normal one, 1.96 · standard deviation / √users; with thousands of users it
    agrees with the bootstrap. Both numbers are NaN if there are no values.
    """
    values = np.asarray(values, np.float64)
    if not len(values):
        return float("nan"), float("nan")
    if len(values) == 1:
        return float(values[0]), float("nan")
    return float(values.mean()), float(1.96 * values.std(ddof=1) / np.sqrt(len(values)))


def clustered_interval(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Mean of clustered values and the half-width of its 95 % interval.

    Values of one cluster (such as the events of a session) are correlated, so the variance is
    taken over cluster sums: `1.96 · √(Σ_c (Σ_{i∈c} (x_i - mean))²) / n` (Liang & Zeger 1986).

    Args:
        values: shape (n,).
        clusters: the cluster of each value, shape (n,).

    Returns:
        The mean and the half-width, which is NaN with fewer than two clusters.

    Example:
        Two clusters of identical values carry the information of two values: n = 4, sums ±1.

        >>> mean, half = clustered_interval([1, 1, 0, 0], [5, 5, 7, 7])
        >>> mean, round(half / 1.96, 4)
        (0.5, 0.3536)
    """
    values = np.asarray(values, np.float64)
    names, index = np.unique(clusters, return_inverse=True)
    mean = values.mean()
    if len(names) < 2:
        return float(mean), float("nan")
    sums = np.bincount(index, weights=values - mean)
    return float(mean), float(1.96 * np.sqrt(np.sum(sums**2)) / len(values))


def bootstrap_difference(
    ours: np.ndarray, theirs: np.ndarray, seed: int = 0, samples: int = 2000
) -> tuple[float, float, float]:
    """Mean of `ours - theirs` over the same users, with a 95 % paired bootstrap interval.

    Args:
        ours, theirs: per-user values of two rankers, shape (users,), in the same order of users.
        seed: random seed of the resampling.
        samples: number of resamples.

    Returns:
        Mean, lower and upper bound (the 2.5 % and 97.5 % quantiles of the resampled means).

    Raises:
        ValueError: different numbers of users, or none.
    """
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if ours.shape != theirs.shape or not len(ours):
        raise ValueError(
            f"expected values of the same users. Received: {ours.shape} and {theirs.shape}"
        )
    difference = ours - theirs
    # Resampling with replacement gives multinomial counts, so one product computes all means.
    rng = np.random.default_rng(seed)
    users = len(difference)
    means = rng.multinomial(users, np.full(users, 1 / users), size=samples) @ difference / users
    low, high = np.quantile(means, [0.025, 0.975])
    return float(difference.mean()), float(low), float(high)


def as_text(value: float | int | tuple[float, float]) -> str:
    """A value as text, with the half-width of its interval after ±."""
    if isinstance(value, tuple):
        return " ± ".join(f"{part:.4f}" for part in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def lead_as_text(lead: float, low: float, high: float) -> str:
    """A difference as text, with the bounds of its interval."""
    return f"{lead:+.4f} [{low:+.4f}, {high:+.4f}]"


def bootstrap_auc(
    users: np.ndarray, labels: np.ndarray, scores: np.ndarray, seed: int = 0, samples: int = 200
) -> np.ndarray:
    """AUC over all rows, for `samples` resamples of the users with replacement.

    Rows of one user are correlated, so users are resampled rather than rows. The resamples depend
    only on the seed and the users, so differences between two rankers are paired.

    Args:
        users, labels, scores: see `per_user`.
        seed: random seed of the resampling.
        samples: number of resamples.

    Returns:
        Shape (samples,). Equal scores count one half, as in `sklearn.metrics.roc_auc_score`; NaN
        for a resample with one label only.
    """
    names, users = np.unique(users, return_inverse=True)
    _, groups = np.unique(scores, return_inverse=True)  # rows with equal scores, lowest first
    drawn = np.random.default_rng(seed).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=samples
    )
    areas = np.empty(samples)
    for number, times in enumerate(drawn):
        weights = times[users]
        up = np.bincount(groups, weights=weights * labels)
        down = np.bincount(groups, weights=weights * (1 - np.asarray(labels)))
        below = np.cumsum(down) - down / 2
        pairs = up.sum() * down.sum()
        areas[number] = up @ below / pairs if pairs else np.nan
    return areas


def coverage(top_k: np.ndarray, items: int) -> float:
    """Catalogue coverage: the share of all items that are in at least one list.

    Args:
        top_k: item indices, shape (users, k); -1 for no item.
        items: size of the catalogue.
    """
    return len(np.unique(top_k[top_k >= 0])) / items


def gini(top_k: np.ndarray, items: int) -> float:
    """Gini index of how often each item of the catalogue is recommended.

    0 if every item is recommended equally often, near 1 if a few items get all recommendations.

    Example:
        >>> gini(np.array([[0, 1], [2, 3]]), items=4), gini(np.array([[0], [0]]), items=4)
        (0.0, 0.75)
    """
    counts = np.sort(np.bincount(top_k[top_k >= 0], minlength=items))
    ranks = np.arange(1, items + 1)
    return float((2 * ranks - items - 1) @ counts / (items * counts.sum()))


def novelty(top_k: np.ndarray, raters: np.ndarray, users: int) -> float:
    """Mean self-information of the recommended items, `-log₂(share of users who rated it)`, bits.

    Vargas & Castells, RecSys 2011. An item that nobody has rated counts as rated by one user.

    Args:
        top_k: see `coverage`.
        raters: number of users who rated each item, shape (items,).
        users: number of users.
    """
    return float(-np.log2(np.maximum(raters[top_k[top_k >= 0]], 1) / users).mean())


def overlap(top_k: np.ndarray) -> float:
    """Share of their lists that two users have in common, averaged over all pairs of users.

    Example:
        Of three pairs of users, one shares one of its two items: (1/2) / 3.

        >>> round(overlap(np.array([[0, 1], [0, 2], [3, 4]])), 4)
        0.1667
    """
    users, length = top_k.shape
    if users < 2:
        return float("nan")
    counts = np.bincount(top_k[top_k >= 0]).astype(np.float64)
    return float((counts * (counts - 1)).sum() / (users * (users - 1)) / length)
