"""The protocol `new-users`: people of whom training saw nothing, after 0, 1, 3, 5 or 10 ratings.

Whatever is known of them, the same rows are scored: all but their first ten ratings. The model
meets them through its unknown user id, or through an embedding folded in from their first
ratings; baselines learn from these ratings too.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from movierec import artefacts, contenders, foldin
from movierec.contenders import Contender
from movierec.datasets import TIMESTAMP
from movierec.models import TITLES, predictor
from movierec.prepared import Prepared
from movierec.splits import first_rows

GIVEN = (0, 1, 3, 5, 10)


def contenders_of(
    prepared: Prepared, root: Path = artefacts.ROOT
) -> Iterator[tuple[int, np.ndarray, list[Contender]]]:
    """For each number of ratings given: that number, the rows scored, and what everybody says.

    Raises:
        ArtefactError: saved files that do not belong together or to the data.
    """
    test = prepared.split.test
    times = prepared.data.ratings[TIMESTAMP].to_numpy()
    place = first_rows(prepared.users[test], times[test])
    numbers = test[place >= max(GIVEN)]
    where = artefacts.place(prepared.data.name, "tuned", root, prepared.protocol.name)
    models = []
    for name in sorted(where.entries()):
        model, encoder, entry = artefacts.load(where, name)
        artefacts.check_data(entry, prepared.data)
        own = prepared.with_encoder(encoder)
        models.append((TITLES[name], model, own, predictor(model)(own.ids[numbers])))
    choices = contenders.choose(prepared)
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


def _folded(model, prepared: Prepared, first: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    people, owner = np.unique(prepared.users[first], return_inverse=True)
    vectors = foldin.fold_in(model, prepared.ids[first], prepared.ratings[first], owner)
    mine = np.searchsorted(people, prepared.users[numbers])
    return foldin.score(model, prepared.ids[numbers], vectors[mine])
