"""Fit the candidate model to a split data set, and save the one that serving uses."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np

from movierec import files, provenance
from movierec.data.dataset import SplitDataset, split_by
from movierec.data.schema import TIMESTAMP
from movierec.data.tables import Dataset
from movierec.models import artifacts, candidates
from movierec.models.candidates import CandidateModel

# EASE's penalty, chosen on the two tenths of the ratings before the test period. `search --grid
# candidates` repeats the comparison on the later tenth, where 300, 1000 and 3000 give no measurable
# difference.
L2 = 1000.0
RECENT = 0.1  # the last tenth of all ratings by time counts as recent
# The fitted factors of popularity are halved: different users' lists then differ more, at the cost
# of a little NDCG, see `search --grid candidates`.
POPULARITY = 0.5


def fit(
    dataset: SplitDataset,
    rows: np.ndarray | None = None,
    l2: float = L2,
    popularity: float = POPULARITY,
) -> CandidateModel:
    """Fit a candidate model to rows of a split data set.

    Its three factors are fitted to what users turned to in the validation rows, given the training
    rows, and those of popularity are multiplied by `popularity`; then its weights are fitted to
    `rows`.

    Args:
        dataset: the data set, split by a protocol.
        rows: row indices; by default the training and validation rows.
        l2: EASE's penalty.
        popularity: how much popularity counts; 1 gives the highest likelihood.
    """
    split = dataset.split
    before = _fitted(dataset, split.train, l2)
    before = candidates.calibrated(
        before,
        dataset.data.matrix(_liked(dataset, split.train)),
        dataset.data.matrix(split.train),
        dataset.data.matrix(split.valid),
    )
    model = _fitted(dataset, split.known if rows is None else rows, l2)
    a, b, c = before.factors
    return dataclasses.replace(model, factors=(a, popularity * b, popularity * c))


def _fitted(dataset: SplitDataset, rows: np.ndarray, l2: float) -> CandidateModel:
    data = dataset.data
    times = data.ratings[TIMESTAMP].to_numpy()[rows]
    recent = rows[times > np.quantile(times, 1 - RECENT)]
    counts = [
        np.bincount(data.rating_movies[some], minlength=len(data.movies)) for some in (rows, recent)
    ]
    return candidates.fit(dataset.data.matrix(_liked(dataset, rows)), *counts, l2)


def _liked(dataset: SplitDataset, rows: np.ndarray) -> np.ndarray:
    """The rows, of those given, with a liked movie."""
    return rows[dataset.data.labels[rows] > 0]


def train(data: Dataset, root: Path = files.ROOT, replace: bool = False) -> dict:
    """Fit the candidate model to all ratings and save it for serving.

    Its factors come from the protocol `temporal`: what users turned to later. Without times they
    come from `test-rows`: what else users turned to.

    Args:
        data: the data set.
        root: the folder that contains `model/`.
        replace: whether a saved model of other data is replaced.

    Returns:
        The manifest entry.

    Raises:
        DataError, ArtifactError, OSError: see `split_by`, `artifacts.check_same_data` and
            `artifacts.save_arrays`.
    """
    folder = artifacts.model_folder(data.name, root=root)
    if not replace:
        artifacts.check_same_data(folder, artifacts.CANDIDATES, data)
    dataset = split_by(data, "temporal" if data.fields.time else "test-rows")
    model = fit(dataset, np.arange(len(data.ratings)))
    entry = artifacts.description(data) | {
        "code": provenance.code_hash(__name__),
        "l2": L2,
        "popularity": POPULARITY,
        "factors": model.factors,
        "trained": datetime.date.today().isoformat(),
    }
    artifacts.save_arrays(folder, artifacts.CANDIDATES, model, entry)
    return entry
