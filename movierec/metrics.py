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
from scipy import sparse


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


def one_relevant(ranks: np.ndarray, k: int = 10) -> pd.DataFrame:
    """Metrics of users with one relevant film each, from its rank in the user's list.

    With one relevant film Hit Ratio@k and Recall@k are the same, and NDCG@k = 1/log₂(rank + 1)
    where rank ≤ k, else 0.

    Args:
        ranks: from 1, shape (users,).
        k: length of the list; Recall is taken at `2 · k`.

    Returns:
        hit_ratio (at k), ndcg (at k), mrr (the whole list: 1/rank), recall (at 2 · k); one row a
        user.

    Raises:
        ValueError: a rank below 1.

    Example:
        >>> one_relevant([1, 3, 15]).round(3).to_dict("list")["ndcg"]
        [1.0, 0.5, 0.0]
    """
    ranks = np.asarray(ranks)
    if len(ranks) and ranks.min() < 1:
        raise ValueError(f"ranks count from 1. Received: {ranks.min()}")
    return pd.DataFrame(
        {
            "hit_ratio": (ranks <= k).astype(np.float64),
            "ndcg": np.where(ranks <= k, 1 / np.log2(ranks + 1.0), 0.0),
            "mrr": 1 / ranks,
            "recall": (ranks <= 2 * k).astype(np.float64),
        }
    )


def of_lists(heads: np.ndarray, relevant: sparse.csr_array) -> pd.DataFrame:
    """Recall@k and NDCG@k of lists of k items, where a user may have many relevant ones.

    Recall@k is the share of the relevant items that stand in the list. NDCG@k is
    `Σ_{i≤k} hit(i)/log₂(i+1) ÷ Σ_{i≤min(k,P)} 1/log₂(i+1)` with P relevant items. Users without a
    relevant item have no defined value and are left out.

    Args:
        heads: places of items, best first, shape (users, k); -1 for none.
        relevant: what is not zero is relevant, shape (users, items).

    Returns:
        One row a user (index `user`, the row of `heads`): recall, ndcg.

    Example:
        Three relevant items, the first and third of the list among them, k = 3:
        DCG = 1 + 1/2, the ideal 1 + 0.631 + 1/2.

        >>> wanted = sparse.csr_array([[1, 1, 1, 0, 0]])
        >>> of_lists(np.array([[0, 4, 2]]), wanted).round(3).to_dict("list")
        {'recall': [0.667], 'ndcg': [0.704]}
    """
    heads = np.asarray(heads)
    users = np.arange(len(heads))[:, None]
    hits = (relevant[users, np.maximum(heads, 0)].toarray() > 0) & (heads >= 0)
    positives = np.diff(sparse.csr_array(relevant > 0).indptr)
    discount = 1 / np.log2(np.arange(heads.shape[1]) + 2)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])
    asked = positives > 0
    table = pd.DataFrame(
        {
            "recall": hits.sum(axis=1)[asked] / positives[asked],
            "ndcg": (hits @ discount)[asked] / ideal[np.minimum(positives, len(discount))[asked]],
        }
    )
    return table.set_index(pd.Index(np.flatnonzero(asked), name="user"))


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


def clustered(values: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Mean of values and half the width of its 95 % interval, where values come in clusters.

    Values of one cluster (the events of a session) stand or fall together, so what varies from
    cluster to cluster counts: `1.96 · √(Σ_c (Σ_{i∈c} (x_i - mean))²) / n` (Liang & Zeger 1986).

    Args:
        values: shape (n,).
        clusters: the cluster of each value, shape (n,).

    Returns:
        The mean, and NaN for the interval where there are fewer than two clusters.

    Example:
        Two clusters that agree within themselves are as good as two values: n = 4, sums ±1.

        >>> mean, half = clustered([1, 1, 0, 0], [5, 5, 7, 7])
        >>> mean, round(half / 1.96, 4)
        (0.5, 0.3536)
    """
    values = np.asarray(values, np.float64)
    found, places = np.unique(clusters, return_inverse=True)
    mean = values.mean()
    if len(found) < 2:
        return float(mean), float("nan")
    sums = np.bincount(places, weights=values - mean)
    return float(mean), float(1.96 * np.sqrt(np.sum(sums**2)) / len(values))


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


def as_text(value: float | int | tuple[float, float]) -> str:
    """A value as people read it, its interval's half-width after ±."""
    if isinstance(value, tuple):
        return " ± ".join(f"{part:.4f}" for part in value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def lead_as_text(lead: float, low: float, high: float) -> str:
    """A difference as people read it, with the bounds of its interval."""
    return f"{lead:+.4f} [{low:+.4f}, {high:+.4f}]"


def bootstrap_auc(
    users: np.ndarray, labels: np.ndarray, scores: np.ndarray, seed: int = 0, samples: int = 200
) -> np.ndarray:
    """AUC of all rows together, for `samples` resamples of the users with replacement.

    Rows of one user stand or fall together, so the spread tells what other users might have
    given. Resamples depend on seed and users alone: differences of two rankers are paired.

    Args:
        users, labels, scores: see `per_user`.
        seed: of the resampling.
        samples: number of resamples.

    Returns:
        Shape (samples,). Equal scores count one half, as in `sklearn.metrics.roc_auc_score`; NaN
        where a resample has one label only.
    """
    names, users = np.unique(users, return_inverse=True)
    _, groups = np.unique(scores, return_inverse=True)  # from the lowest score to the highest
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


def coverage(heads: np.ndarray, films: int) -> float:
    """Catalogue coverage: the share of `films` films that stand in any of the lists `heads`.

    Args:
        heads: places of films, shape (users, k); -1 for none.
        films: size of the catalogue.
    """
    return len(np.unique(heads[heads >= 0])) / films


def gini(heads: np.ndarray, films: int) -> float:
    """Gini index of how often each film of the catalogue is recommended.

    0 where every film is recommended equally often, near 1 where few films have all.

    Example:
        >>> gini(np.array([[0, 1], [2, 3]]), films=4), gini(np.array([[0], [0]]), films=4)
        (0.0, 0.75)
    """
    counts = np.sort(np.bincount(heads[heads >= 0], minlength=films))
    ranks = np.arange(1, films + 1)
    return float((2 * ranks - films - 1) @ counts / (films * counts.sum()))


def novelty(heads: np.ndarray, raters: np.ndarray, users: int) -> float:
    """Mean self-information of the recommended films, `-log₂(share of users who rated it)`, bits.

    Vargas & Castells, RecSys 2011. A film that nobody rated counts as rated by one.

    Args:
        heads: see `coverage`.
        raters: number of users who rated each film, shape (films,).
        users: number of users.
    """
    return float(-np.log2(np.maximum(raters[heads[heads >= 0]], 1) / users).mean())


def overlap(heads: np.ndarray) -> float:
    """The share of their lists that two users have in common, averaged over all pairs of users.

    Example:
        Two of three users share one of two films: a third of the pairs has half in common.

        >>> round(overlap(np.array([[0, 1], [0, 2], [3, 4]])), 4)
        0.1667
    """
    users, length = heads.shape
    if users < 2:
        return float("nan")
    counts = np.bincount(heads[heads >= 0]).astype(np.float64)
    return float((counts * (counts - 1)).sum() / (users * (users - 1)) / length)
