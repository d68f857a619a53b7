"""The experiments on AutoInt+ with history: its number of epochs, and five seeds."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import provenance
from movierec.data.dataset import EncodedDataset, SplitDataset, split_by
from movierec.data.tables import Dataset
from movierec.evaluation import results, summary
from movierec.models.history import HistoryModel, known_ratings
from movierec.models.numpy_model import NumpyModel
from movierec.models.scorer import predictor
from movierec.search.grids import SEEDS
from movierec.training import history
from movierec.training.fitting import fitted
from movierec.training.named_settings import settings_for, sized

VARIANTS = ("history", "without history", "equal weights")  # see `tables.VARIANTS`
RUN = ("variant", "seed", "refit")  # what a run differs in
EPOCHS = 10  # after each of which the validation rows are scored


def run(data: Dataset, path: Path) -> pd.DataFrame:
    """Train the model on the training rows, and every variant on all known ones with each seed.

    The first run scores the validation rows after every epoch, to choose the number of epochs; the
    others score the test rows. The table is written after every run; runs whose rows are in it and
    were made by the same code and versions from the same data are not repeated. Other rows are
    dropped.

    Args:
        data: the data set.
        path: the table's file.

    Returns:
        variant, one of `VARIANTS`; seed; refit, whether the validation rows were trained on too;
        epoch; the metrics of `summary.of_rows` on the scored rows with the prefix `valid_` or
        `test_`; and the origin.
    """
    dataset = split_by(data)
    origin = provenance.origin(__name__, data.fingerprint)
    table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=[*RUN, *origin])
    table = table[(table[list(origin)] == pd.Series(origin)).all(axis=1)]
    runs = [("history", SEEDS[0], False), *((name, s, True) for name in VARIANTS for s in SEEDS)]
    for name, seed, refit in runs:
        if (table[list(RUN)] == [name, seed, refit]).all(axis=1).any():
            continue
        rows = pd.DataFrame(scored(dataset, name, seed, refit))
        rows = rows.assign(variant=name, seed=seed, refit=refit, **origin)
        table = pd.concat([table, rows.round(6)], ignore_index=True)
        results.write(table, path)
    return table


def scored(dataset: SplitDataset, variant: str, seed: int, refit: bool) -> list[dict]:
    """Train a variant, and score the validation rows after every epoch or the test rows at the end.

    Args:
        dataset: the data set, split by the protocol `test-rows`.
        variant: one of `VARIANTS`.
        seed: random seed.
        refit: whether the validation rows are trained on too, and the test rows scored.

    Returns:
        One dict per scoring: epoch, and the metrics with their prefix.
    """
    split, data = dataset.split, dataset.data
    known, rows, part = split.train, split.valid, "valid"
    if refit:
        known, rows, part = split.known, split.test, "test"
    ratings, users = known_ratings(data, known), data.rating_users[rows]
    found = []

    def add(scores: np.ndarray, epoch: int) -> None:
        values = summary.flat(summary.of_rows(data, rows, scores))
        found.append(
            {"epoch": epoch, **{f"{part}_{name}": value for name, value in values.items()}}
        )

    def score(model: HistoryModel, encoded: EncodedDataset, epoch: int) -> None:
        if not refit or epoch == settings.epochs:
            add(model.for_users(ratings)(encoded.ids[rows], users), epoch)

    if variant == "without history":
        settings = sized(settings_for("tuned", dataset.protocol.name), data)
        network, encoded, epochs = fitted(dataset, "autointmlp", settings, seed)
        add(predictor(NumpyModel.of(network))(encoded.ids[rows]), len(epochs))
        return found
    settings = history.settings_of(dataset, refit=refit)
    if not refit:
        settings = dataclasses.replace(settings, epochs=EPOCHS)
    history.fit(dataset, settings, seed, score, attention=variant != "equal weights")
    return found
