"""The committed tables fit the committed models."""

import numpy as np
import pandas as pd
import pytest

from movierec import artefacts, reliability
from movierec.page import quality


def test_bins():
    rng = np.random.default_rng(0)
    probabilities = rng.random(20_000).astype(np.float32)
    labels = (rng.random(20_000) < probabilities).astype(np.float32)
    table = reliability.reliability(probabilities, labels)
    assert table["rows"].sum() == 20_000
    assert len(table) == reliability.BINS
    np.testing.assert_allclose(table["liked"], table["predicted"], atol=0.06)
    edges = reliability.reliability(np.array([0.0, 1.0]), np.array([0, 1]))
    assert edges["rows"].tolist() == [1, 1]


@pytest.mark.parametrize("dataset", ["ml-1m", "ml-100k"])
def test_committed(dataset):
    where = artefacts.place(dataset)
    table = pd.read_csv(where.folder / "reliability.csv")
    for _, rows in table.groupby("ranker"):
        assert rows["rows"].sum() == where.entries()["autoint"]["metrics"]["test"]["rows"]
        assert rows["predicted"].is_monotonic_increasing
    known = quality.committed(where.folder)
    assert known["ranker"].tolist() == [quality.MEAN, "AutoInt", "AutoInt+"]


def test_without_an_evaluation(tmp_path):
    assert quality.committed(tmp_path) is None
