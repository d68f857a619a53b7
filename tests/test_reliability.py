"""The committed tables fit the committed models."""

import pandas as pd
import pytest

from movierec import artefacts
from movierec.page import quality


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
