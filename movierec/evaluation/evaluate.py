"""Evaluate saved models and baselines under a protocol: one row per ranker, with intervals."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import lsmr
from scipy.special import logit

from movierec import files, provenance
from movierec.data.dataset import SplitDataset, split_by
from movierec.data.raw_readers import DataError
from movierec.data.schema import USER
from movierec.data.tables import Dataset
from movierec.evaluation import (
    calibration,
    cold_start,
    explanation_agreement,
    future,
    metrics,
    rankers,
    results,
    summary,
)
from movierec.evaluation.rankers import RankerScores
from movierec.models import artifacts

REFERENCE = "movie mean"
PRIMARY_METRIC = {"paper": "auc", "full-ranking": "ndcg@10"}  # all others: ORIGINAL
ORIGINAL = "ndcg_original@10"
FUTURE = "future"


def evaluate(dataset: SplitDataset, root: Path = files.ROOT) -> pd.DataFrame:
    """Evaluate every baseline and saved model under the data set's protocol.

    Args:
        dataset: the data set, split by the protocol.
        root: the folder that contains `model/`.

    Returns:
        One row per ranker: protocol, ranker, model (whether it is one of ours), chosen
        (hyperparameters), the metrics of `summary`, each with `_ci` (half-width of the 95 %
        interval over users); `gain` over the movie mean and, for models, `lead` over the best
        baseline, both in the protocol's primary metric and with the bounds of the paired 95 %
        interval; best_baseline; ece where scores are probabilities; for models, additive_share of
        their log-odds; the metrics of `future.list_metrics` of lists; and the origin: code,
        versions, data, and for models weights.

    Raises:
        ArtifactError: saved files that do not belong together or to the data.
        DataError: the data set has no ratings, and the protocol needs them.
    """
    name = dataset.protocol.name
    if dataset.data.scale.implicit and not dataset.protocol.full_ranking:
        raise DataError(
            f"{dataset.data.name} has no ratings that say what was not liked: evaluate it with "
            "--protocol full-ranking or future"
        )
    if name == "new-users":
        parts = [
            _compared(dataset, scores, rows).assign(protocol=f"{name}, {count} ratings known")
            for count, rows, scores in cold_start.scores(dataset, root)
        ]
        table = pd.concat(parts, ignore_index=True)
    else:
        scores = [*rankers.baseline_scores(dataset), *rankers.model_scores(dataset, root)]
        if not dataset.protocol.full_ranking:
            scores.append(RankerScores("perfect ranker", dataset.data.labels[dataset.split.test]))
        table = _compared(dataset, scores, dataset.split.test).assign(protocol=name)
    return table.assign(**provenance.origin(__name__, dataset.data.fingerprint))


def _compared(
    dataset: SplitDataset, scores: Iterable[RankerScores], rows: np.ndarray
) -> pd.DataFrame:
    """The metrics of all rankers and their paired differences."""
    scores = list(scores)
    primary = PRIMARY_METRIC.get(dataset.protocol.name, ORIGINAL)
    measured = [_measured(dataset, ranker, rows, primary) for ranker in scores]
    table = pd.DataFrame([row for row, _ in measured])
    values = {ranker.name: value for ranker, (_, value) in zip(scores, measured, strict=True)}
    rivals = table[~table["model"] & (table["ranker"] != "perfect ranker")]
    best = rivals.loc[rivals[primary].idxmax(), "ranker"]
    for index, ranker in enumerate(scores):
        for column, rival in (("gain", REFERENCE), ("lead", best)):
            if ranker.name == rival or (column == "lead" and not ranker.model):
                continue
            difference = _difference(values[ranker.name], values[rival], primary)
            bounds = (column, f"{column}_low", f"{column}_high")
            table.loc[index, list(bounds)] = difference
    table["best_baseline"] = best
    return table


def _measured(
    dataset: SplitDataset, ranker: RankerScores, rows: np.ndarray, primary: str
) -> tuple[dict, np.ndarray]:
    """A ranker's row, and the values that paired differences are computed from.

    These are AUCs, one per resample of the users, or the primary metric, one per user.
    """
    if dataset.protocol.full_ranking:
        values = summary.of_ranks(ranker.scores)
        users = dataset.data.rating_users[rows]
        values |= future.list_metrics(dataset, users, ranker.top_k)
        paired = metrics.one_relevant(ranker.scores)[primary].to_numpy()
    else:
        labels = dataset.data.labels[rows]
        users = dataset.data.ratings[USER].to_numpy()[rows]
        table = metrics.per_user(users, labels, ranker.scores)
        values = summary.of_users(table, labels, ranker.scores, ranker.probability)
        areas = metrics.bootstrap_auc(users, labels, ranker.scores)
        values["auc_ci"] = float(np.subtract(*np.quantile(areas, [0.975, 0.025])) / 2)
        if ranker.probability:
            values["ece"] = calibration.expected_error(labels, ranker.scores)
        if ranker.weights:
            movies = dataset.data.rating_movies[rows]
            smallest = calibration.SMALLEST
            log_odds = logit(np.clip(ranker.scores.astype(np.float64), smallest, 1 - smallest))
            values["additive_share"] = additive_share(users, movies, log_odds)
        paired = areas if primary == "auc" else table[primary].to_numpy()
    row = {"ranker": ranker.name, "model": ranker.model, "chosen": ranker.chosen}
    row["weights"] = ranker.weights
    return row | summary.flat(values), paired


def additive_share(users: np.ndarray, movies: np.ndarray, values: np.ndarray) -> float:
    """Share of the variance of `values` that is a sum of an effect of the user and of the movie.

    It is R² of the least-squares fit `value ≈ a_user + b_movie`.

    Args:
        users, movies: of each row, shape (rows,).
        values: such as log-odds, shape (rows,).
    """
    columns = [np.unique(names, return_inverse=True)[1] for names in (users, movies)]
    columns[1] = columns[1] + columns[0].max() + 1
    rows = np.arange(len(values))
    ones = np.ones(2 * len(values), np.float32)
    effects = sparse.csr_array((ones, (np.tile(rows, 2), np.concatenate(columns))))
    values = values - np.mean(values, dtype=np.float64)
    rest = values - effects @ lsmr(effects, values)[0]
    return float(1 - rest @ rest / (values @ values))


def _difference(ours: np.ndarray, theirs: np.ndarray, primary: str) -> tuple[float, float, float]:
    if primary != "auc":
        return metrics.bootstrap_difference(ours, theirs)
    low, high = np.quantile(ours - theirs, [0.025, 0.975])
    return float(np.mean(ours - theirs)), float(low), float(high)


def reliability(dataset: SplitDataset, root: Path = files.ROOT) -> pd.DataFrame:
    """`calibration.reliability` of every saved model on the test rows, with a column `ranker`."""
    labels = dataset.data.labels[dataset.split.test]
    return pd.concat(
        calibration.reliability(labels, model.scores).assign(ranker=model.name)
        for model in rankers.model_scores(dataset, root)
    )


def run(data: Dataset, protocol: str, root: Path = files.ROOT) -> pd.DataFrame:
    """Evaluate under a protocol, write its rows of evaluation.csv, and return them as written.

    The protocol is a key of `splits.PROTOCOLS` or `FUTURE`.

    For `test-rows` it also writes reliability.csv, which the page draws, and explanations.csv; for
    `new-users`, if AutoInt+ is saved, also new_user_lists.csv.

    Raises:
        DataError, ArtifactError, OSError: see `split_by`, `evaluate` and `files.replacing`.
    """
    if protocol == FUTURE:
        table = future.evaluate(split_by(data, "temporal"), root).assign(protocol=FUTURE)
        table = table.assign(**provenance.origin(__name__, data.fingerprint))
    else:
        table = evaluate(dataset := split_by(data, protocol), root)
    table = results.merge(table, protocol, data.name, root)
    extra = {}
    if protocol == "test-rows":
        extra["reliability"] = reliability(dataset, root)
        extra["explanations"] = explanation_agreement.table(data, root)
    folder = artifacts.model_folder(data.name, root=root, protocol="new-users")
    if protocol == "new-users" and "autointmlp" in folder.entries():
        extra["new_user_lists"] = cold_start.lists(dataset, root)
    for name, rows in extra.items():
        rows = rows.assign(**provenance.origin(__name__, data.fingerprint))
        results.write(rows, results.path(data.name, name, root), float_format="%.6f")
    return table[results.protocols(table) == protocol]
