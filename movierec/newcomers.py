"""The protocol `new-users`: people of whom training saw nothing, after 0, 1, 3, 5 or 10 ratings.

Whatever is known of them, the same rows are scored: all but their first ten ratings. The model
meets them through its unknown user id, or through an embedding folded in from their first
ratings; baselines learn from these ratings too.

`python -m movierec.newcomers` chooses how strongly fold-in holds on to the average person, with
people who are neither in training nor in the test.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import (
    artefacts,
    contenders,
    datasets,
    files,
    foldin,
    quality,
    scoring,
    splits,
    training,
)
from movierec.contenders import Contender
from movierec.datasets import TIMESTAMP, MovieLens
from movierec.prepared import Prepared, prepare
from movierec.settings import TITLES, Settings, TrainingError
from movierec.splits import first_rows
from movierec.trained import Trained

GIVEN = (0, 1, 3, 5, 10)
PULLS = (0.5, 1.0, 2.0, 4.0, 8.0)


def contenders_of(
    prepared: Prepared, root: Path = artefacts.ROOT
) -> Iterator[tuple[int, np.ndarray, list[Contender]]]:
    """For each number of ratings given: that number, the rows scored, and what everybody says.

    Raises:
        ArtefactError: saved files that do not belong together or to the data.
    """
    place, numbers = _places(prepared)
    test = prepared.split.test
    where = artefacts.place(prepared.data.name, "tuned", root, prepared.protocol.name)
    models = []
    for name in sorted(where.entries()):
        model, encoder, entry = artefacts.load(where, name)
        artefacts.check_data(entry, prepared.data)
        own = prepared.with_encoder(encoder)
        models.append((TITLES[name], model, own, scoring.predictor(model)(own.ids[numbers])))
    choices = list(contenders.choose(prepared))
    for given in GIVEN:
        first = test[place < given]
        known = np.concatenate([prepared.split.known, first])
        said = [choice.says(prepared, known, numbers) for choice in choices]
        for title, model, own, by_profile in models:
            said.append(Contender(f"{title}, profile only", by_profile, True, model=True))
            if given:
                scores = _folded(model, own, first, numbers)
                said.append(Contender(f"{title}, folded in", scores, True, model=True))
        yield given, numbers, said


def _places(prepared: Prepared) -> tuple[np.ndarray, np.ndarray]:
    """The place of each test row among its user's, by time, and the rows to score."""
    test = prepared.split.test
    times = prepared.data.ratings[TIMESTAMP].to_numpy()
    place = first_rows(prepared.users[test], times[test])
    return place, test[place >= max(GIVEN)]


def _folded(
    model: Trained,
    prepared: Prepared,
    first: np.ndarray,
    numbers: np.ndarray,
    pull: float = foldin.PULL,
) -> np.ndarray:
    people, owner = np.unique(prepared.users[first], return_inverse=True)
    vectors = foldin.fold_in(model, prepared.ids[first], prepared.ratings[first], owner, pull)
    mine = np.searchsorted(people, prepared.users[numbers])
    return foldin.score(model, prepared.ids[numbers], vectors, mine)


def rehearse(data: MovieLens, settings: Settings, seed: int = training.SEED) -> pd.DataFrame:
    """What each of `PULLS` is worth on new people other than the protocol's.

    A tenth of the users that the protocol trains on is held out of training too, and the model is
    fitted on the rest.

    Args:
        data: the raw tables.
        settings: of the model, with `refit`.
        seed: of everything random.

    Returns:
        One row a pull and number of ratings known: pull, given, and the metrics of
        `quality.of_rows`.
    """
    ready = prepare(data, protocol="new-users")
    split = splits.new_users(data, ready.split.known)
    ready = Prepared(data, ready.protocol, split, ready.encoder)
    model, ready, _ = training.fitted(ready, "autointmlp", settings, seed)
    model = Trained.of(model)
    place, numbers = _places(ready)
    rows = []
    for pull in PULLS:
        for given in GIVEN[1:]:
            scores = _folded(model, ready, split.test[place < given], numbers, pull)
            values = quality.flat(quality.of_rows(ready, numbers, scores))
            rows.append({"pull": pull, "given": given} | values)
    return pd.DataFrame(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare strengths of fold-in's pull; write model/experiments/fold-in.csv."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    options = parser.parse_args(arguments)
    path = artefacts.place(options.dataset).folder / "experiments" / "fold-in.csv"
    try:
        data = datasets.load(options.dataset)
        table = rehearse(data, training.settings_for("tuned", data.name, "new-users"))
        with files.replacing(path) as (part,):
            table.round(6).to_csv(part, index=False, lineterminator="\n")
    except (datasets.DataError, TrainingError, OSError) as error:
        parser.exit(1, f"{error}\n")
    shown = table.pivot_table(
        index="pull", columns="given", values=["logloss", "auc", "ndcg_original"]
    )
    mean = table.groupby("pull")["logloss"].mean()
    print(f"{shown.round(4).to_string()}\nlowest mean LogLoss: pull {mean.idxmin():g}; {path}")


if __name__ == "__main__":
    main()
