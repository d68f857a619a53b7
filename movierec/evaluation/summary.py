"""Metrics of a ranker on given rows, with their 95 % intervals."""

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from movierec.data.schema import USER
from movierec.data.tables import Dataset
from movierec.evaluation import metrics

Value = float | int | tuple[float, float]


def of_rows(
    data: Dataset, rows: np.ndarray, scores: np.ndarray, probability: bool = True
) -> dict[str, Value]:
    """Metrics of one score per row.

    Args:
        data: the data set.
        rows: row indices, shape (rows,).
        scores: their scores, shape (rows,).
        probability: whether the scores are probabilities, so that LogLoss is defined.

    Returns:
        users (with a positive row), rows, auc (over all rows), logloss, and for each metric of
        `metrics.per_user` a pair: mean and half-width of its interval. NaN where undefined.
    """
    labels = data.labels[rows]
    table = metrics.per_user(data.ratings[USER].to_numpy()[rows], labels, scores)
    return of_users(table, labels, scores, probability)


def of_users(
    table: pd.DataFrame, labels: np.ndarray, scores: np.ndarray, probability: bool = True
) -> dict[str, Value]:
    """`of_rows` from the result of `metrics.per_user` for these labels and scores."""
    both = 0 < labels.sum() < len(labels)
    return {
        "users": len(table),
        "rows": len(labels),
        "auc": float(roc_auc_score(labels, scores)) if both else float("nan"),
        "logloss": float(log_loss(labels, scores, labels=[0, 1])) if probability else float("nan"),
    } | {name: metrics.interval(table[name].dropna()) for name in table}


def of_ranks(ranks: np.ndarray) -> dict[str, Value]:
    """Full-ranking metrics, from the rank of each user's one relevant movie."""
    table = metrics.one_relevant(ranks)
    return {"users": len(table)} | {name: metrics.interval(table[name]) for name in table}


def flat(values: dict[str, Value]) -> dict[str, float]:
    """Replace each pair `name: (mean, half-width)` by two entries, `name` and `name_ci`."""
    entries = {}
    for name, value in values.items():
        if isinstance(value, tuple):
            entries[name], entries[f"{name}_ci"] = value
        else:
            entries[name] = value
    return entries
