"""The experiments on AutoInt+ with history: its number of epochs, and five seeds."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from movierec import provenance
from movierec.data.dataset import EncodedDataset, SplitDataset, split_by
from movierec.data.tables import Dataset
from movierec.evaluation import results, summary
from movierec.models.artifacts import HISTORY
from movierec.models.history import HistoryModel, known_ratings
from movierec.search.grids import SEEDS
from movierec.training import history
from movierec.training.settings import Settings

# interacting layers, and whether the user's movies are weighed by attention
VARIANTS = ((0, True), (0, False), (3, True))
RUN = ("num_layers", "attention", "seed", "refit")  # what a run differs in
EPOCHS = 10  # after each of which the validation rows are scored


def run(data: Dataset, path: Path) -> pd.DataFrame:
    """Train every variant on the training rows, and on all known ones with each seed.

    The first runs score the validation rows after every epoch, to choose the number of epochs; the
    others score the test rows. The table is written after every run; runs whose rows are in it and
    were made by the same code and versions from the same data are not repeated.

    Args:
        data: the data set.
        path: the table's file.

    Returns:
        model, num_layers, attention, seed, refit (whether the validation rows were trained on too),
        epoch, the metrics of `summary.of_rows` on the scored rows with the prefix `valid_` or
        `test_`, and the origin.
    """
    dataset = split_by(data)
    origin = provenance.origin(__name__, data.fingerprint)
    table = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=[*RUN, *origin])
    table = table[(table[list(origin)] == pd.Series(origin)).all(axis=1)]
    for run in _runs():
        if (table[list(RUN)] == list(run)).all(axis=1).any():
            continue
        layers, attention, seed, refit = run
        epochs = history.EPOCHS if refit else EPOCHS
        settings = history.settings_of(dataset, num_layers=layers, refit=refit, epochs=epochs)
        rows = pd.DataFrame(scored(dataset, settings, seed, attention)).assign(**origin)
        table = pd.concat([table, rows.round(6)], ignore_index=True)
        results.write(table, path)
    return table


def _runs() -> Iterator[tuple[int, bool, int, bool]]:
    for variant in VARIANTS:
        yield *variant, SEEDS[0], False
        yield from ((*variant, seed, True) for seed in SEEDS)


def scored(dataset: SplitDataset, settings: Settings, seed: int, attention: bool) -> list[dict]:
    """Train the model, and score the validation rows after every epoch or the test rows at the end.

    Returns:
        One dict per scoring, see `run`.
    """
    split = dataset.split
    known, rows, part = split.train, split.valid, "valid"
    if settings.refit:
        known, rows, part = split.known, split.test, "test"
    ratings, users = known_ratings(dataset.data, known), dataset.data.rating_users[rows]
    found = []

    def score(model: HistoryModel, encoded: EncodedDataset, epoch: int) -> None:
        if part == "test" and epoch < settings.epochs:
            return
        scores = model.for_users(ratings)(encoded.ids[rows], users)
        values = summary.flat(summary.of_rows(dataset.data, rows, scores))
        run = settings.num_layers, attention, seed, settings.refit
        row = {"model": HISTORY, **dict(zip(RUN, run, strict=True)), "epoch": epoch}
        found.append(row | {f"{part}_{name}": value for name, value in values.items()})

    history.fit(dataset, settings, seed, score, attention)
    return found
