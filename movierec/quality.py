"""What a ranker is worth on the test rows of a protocol: each value with its 95 % interval."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

from movierec import catalogue, metrics
from movierec.prepared import Prepared

Value = float | int | tuple[float, float]


def of_rows(
    prepared: Prepared, numbers: np.ndarray, scores: np.ndarray, probability: bool = True
) -> dict[str, Value]:
    """Metrics of one score a row.

    Args:
        prepared: data and protocol.
        numbers: the rows, shape (rows,).
        scores: their scores, shape (rows,).
        probability: whether the scores are probabilities, so that LogLoss means something.

    Returns:
        users (with a positive row), rows, auc, logloss, and for each ranking metric of
        `metrics.per_user` a pair: mean and half-width of its interval. NaN where undefined.
    """
    labels = prepared.labels[numbers]
    table = metrics.per_user(prepared.users[numbers], labels, scores)
    both = 0 < labels.sum() < len(labels)
    return {
        "users": len(table),
        "rows": len(numbers),
        "auc": float(roc_auc_score(labels, scores)) if both else float("nan"),
        "logloss": float(log_loss(labels, scores, labels=[0, 1])) if probability else float("nan"),
    } | {name: metrics.interval(table[name]) for name in table}


def of_ranks(ranks: np.ndarray) -> dict[str, Value]:
    """Metrics of the rank of one relevant film a user, among the whole catalogue."""
    table = metrics.one_relevant(ranks)
    return {"users": len(table)} | {name: metrics.interval(table[name]) for name in table}


def of_predictor(
    predict: Callable[[np.ndarray], np.ndarray], prepared: Prepared
) -> dict[str, Value]:
    """A model's metrics on the test rows, by the protocol's own way."""
    split = prepared.split
    if prepared.protocol.whole_catalogue:
        scores_of = catalogue.of_predictor(predict, prepared)
        return of_ranks(catalogue.ranks(prepared, split.test, split.known, scores_of, 0)[0])
    return of_rows(prepared, split.test, predict(prepared.ids[split.test]))


def by_group(
    prepared: Prepared, numbers: np.ndarray, scores: np.ndarray, groups: Sequence
) -> pd.DataFrame:
    """The metrics of `of_rows` for each group of rows; a group too uniform for one has NaN there.

    Args:
        prepared, numbers, scores: see `of_rows`.
        groups: the group of each row, shape (rows,).

    Returns:
        One row a group, in the order of the categories or else sorted: group, and the metrics,
        with `_ci` for the half-widths.
    """
    groups = pd.Categorical(groups).remove_unused_categories()
    rows = []
    for code in range(len(groups.categories)):
        mine = groups.codes == code
        rows.append(flat(of_rows(prepared, numbers[mine], scores[mine])))
    table = pd.DataFrame(rows)
    order = pd.Categorical(groups.categories, groups.categories, ordered=True)
    table.insert(0, "group", order)
    return table


def flat(values: dict[str, Value]) -> dict[str, float]:
    """Pairs as two entries, the second one with `_ci` after its name."""
    entries = {}
    for name, value in values.items():
        if isinstance(value, tuple):
            entries[name], entries[f"{name}_ci"] = value
        else:
            entries[name] = value
    return entries
