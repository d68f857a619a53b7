"""Models and baselines side by side: one table, a row a ranker and protocol, with intervals.

`python -m movierec.evaluation --protocol test-rows` (or another of `splits.PROTOCOLS`, or `all`)
scores the committed weights from scratch, writes the protocol's rows of `model/evaluation.csv`
and the README's tables, which are made from it.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import (
    artefacts,
    calibration,
    contenders,
    datasets,
    files,
    metrics,
    newcomers,
    prepared,
    quality,
    tables,
)
from movierec.contenders import Contender
from movierec.prepared import Prepared
from movierec.splits import PROTOCOLS

REFERENCE = "movie mean"
MAIN = {"paper": "auc", "full-ranking": "ndcg"}  # what leads are measured in; else the original's
ORIGINAL = "ndcg_original"


def evaluate(ready: Prepared, root: Path = artefacts.ROOT) -> pd.DataFrame:
    """One row a ranker, by the protocol that the data were prepared for.

    Returns:
        protocol, ranker, model (whether it is one of ours), chosen (constants), the metrics of
        `quality`, each with `_ci` (half-width of the 95 % interval over users); `gain` over the
        movie mean and, for models, `lead` over the best baseline, both in the protocol's main
        metric and with the bounds of the paired 95 % interval; ece where scores are
        probabilities; coverage, gini, novelty and overlap of the lists where the whole catalogue
        is ranked.
    """
    name = ready.protocol.name
    if name == "new-users":
        parts = [
            _compared(ready, said, numbers).assign(protocol=f"{name}, {given} ratings known")
            for given, numbers, said in newcomers.contenders_of(ready, root)
        ]
        return pd.concat(parts, ignore_index=True)
    said = [*_baselines(ready), *contenders.saved_models(ready, root)]
    if not ready.protocol.whole_catalogue:
        said.append(Contender("perfect ranker", ready.labels[ready.split.test]))
    return _compared(ready, said, ready.split.test).assign(protocol=name)


def _baselines(ready: Prepared) -> Iterator[Contender]:
    of = contenders.of_catalogue if ready.protocol.whole_catalogue else contenders.of_rows
    return of(ready)


def _compared(ready: Prepared, said: Iterable[Contender], numbers: np.ndarray) -> pd.DataFrame:
    said = list(said)
    main = MAIN.get(ready.protocol.name, ORIGINAL)
    measured = [_measured(ready, one, numbers, main) for one in said]
    table = pd.DataFrame([row for row, _ in measured])
    values = {one.name: value for one, (_, value) in zip(said, measured, strict=True)}
    rivals = table[~table["model"] & (table["ranker"] != "perfect ranker")]
    best = rivals.loc[rivals[main].idxmax(), "ranker"]
    for place, one in enumerate(said):
        for column, rival in (("gain", REFERENCE), ("lead", best)):
            if one.name == rival or (column == "lead" and not one.model):
                continue
            difference = _difference(values[one.name], values[rival], main)
            bounds = (column, f"{column}_low", f"{column}_high")
            table.loc[place, list(bounds)] = difference
    table["best_baseline"] = best
    return table


def _measured(
    ready: Prepared, said: Contender, numbers: np.ndarray, main: str
) -> tuple[dict, np.ndarray]:
    """A contender's row, and what its differences are made of.

    These are AUCs, one a resample of the users, or else the main metric, one a user.
    """
    if ready.protocol.whole_catalogue:
        values = quality.of_ranks(said.scores) | _of_heads(ready, said.heads)
        differing = metrics.one_relevant(said.scores)[main].to_numpy()
    else:
        values = quality.of_rows(ready, numbers, said.scores, said.probability)
        labels, users = ready.labels[numbers], ready.users[numbers]
        areas = metrics.bootstrap_auc(users, labels, said.scores)
        values["auc_ci"] = float(np.subtract(*np.quantile(areas, [0.975, 0.025])) / 2)
        if said.probability:
            values["ece"] = calibration.expected_error(labels, said.scores)
        differing = areas
        if main != "auc":
            differing = metrics.per_user(users, labels, said.scores)[main].to_numpy()
    row = {"ranker": said.name, "model": said.model, "chosen": said.chosen}
    return row | quality.flat(values), differing


def _of_heads(ready: Prepared, heads: np.ndarray) -> dict[str, float]:
    films = len(ready.data.movies)
    raters = np.bincount(ready.movies[ready.split.known], minlength=films)
    return {
        "coverage": metrics.coverage(heads, films),
        "gini": metrics.gini(heads, films),
        "novelty": metrics.novelty(heads, raters, len(ready.data.users)),
        "overlap": metrics.overlap(heads),
    }


def _difference(ours: np.ndarray, theirs: np.ndarray, main: str) -> tuple[float, float, float]:
    if main != "auc":
        return metrics.bootstrap_difference(ours, theirs)
    low, high = np.quantile(ours - theirs, [0.025, 0.975])
    return float(np.mean(ours - theirs)), float(low), float(high)


def table_path(dataset: str, root: Path = artefacts.ROOT) -> Path:
    """Where the data set's table of all protocols stands."""
    return artefacts.place(dataset, root=root).folder / "evaluation.csv"


def read(dataset: str, root: Path = artefacts.ROOT) -> pd.DataFrame:
    """The data set's table of all protocols, as written.

    Raises:
        ArtefactError: when it is missing.
    """
    path = table_path(dataset, root)
    if not path.exists():
        raise artefacts.ArtefactError(
            f"{path} is missing: restore it with git, or run "
            f"`make evaluate DATASET={dataset} PROTOCOL=all`"
        )
    return pd.read_csv(path)


def write(table: pd.DataFrame, protocol: str, path: Path) -> pd.DataFrame:
    """Put a protocol's rows into the table of all protocols; the table as it then stands.

    Other protocols' rows stay as they are.
    """
    rounded = table.round(6)
    if path.exists():
        old = pd.read_csv(path)
        if "protocol" not in old:
            raise ValueError(f"{path} is no table of protocols: delete it and run this again")
        others = old[tables.protocols(old) != protocol]
        rounded = pd.concat([others, rounded], ignore_index=True)
    order = {name: number for number, name in enumerate(PROTOCOLS)}
    place = tables.protocols(rounded).map(order)
    rounded = rounded.iloc[np.argsort(place, kind="stable")]
    rounded = rounded[["protocol", *rounded.columns.drop("protocol")]]
    with files.replacing(path) as (part,):
        rounded.to_csv(part, index=False, lineterminator="\n")
    return pd.read_csv(path)  # what the README shows stands in the file, to the last digit


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate saved models and baselines; write evaluation.csv and the READMEs' tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    parser.add_argument("--protocol", choices=[*PROTOCOLS, "all"], default="test-rows")
    options = parser.parse_args(arguments)
    chosen = list(PROTOCOLS) if options.protocol == "all" else [options.protocol]
    try:
        data = datasets.load(options.dataset)
        for protocol in chosen:
            table = evaluate(prepared.prepare(data, protocol=protocol))
            whole = write(table, protocol, table_path(options.dataset))
            tables.into_readmes(options.dataset, whole)
            mine = whole[tables.protocols(whole) == protocol]
            print(f"{protocol}: {PROTOCOLS[protocol].question}\n\n{tables.as_markdown(mine)}\n")
    except (datasets.DataError, artefacts.ArtefactError, ValueError, OSError) as error:
        parser.exit(1, f"{error}\n")
    print(f"{data.name}, {data.source}; written to {table_path(options.dataset)}")


if __name__ == "__main__":
    main()
