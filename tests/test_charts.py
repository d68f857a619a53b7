"""Every chart is a valid specification that holds what it was given."""

import numpy as np
import pandas as pd

from movierec import charts, texts

WORDS = texts.LANGUAGES["en"]


def marks(chart):
    described = chart.to_dict()
    return [layer["mark"]["type"] for layer in described.get("layer", [described])]


def test_portrait_charts():
    table = pd.DataFrame({"name": ["a", "b"], "share": [0.1, 0.9], "everyone": [0.5, 0.5]})
    assert marks(charts.against_everyone(table, WORDS)) == ["bar", "tick"]
    months = pd.DataFrame({"month": pd.to_datetime(["2000-01-01"]), "ratings": [3]})
    assert marks(charts.months(months, WORDS)) == ["bar"]


def test_attention():
    described = charts.attention(np.full((2, 2), 0.5), ["x: 1", "y: 2"], WORDS).to_dict()
    (cells,) = described["datasets"].values()
    assert [cell["weight"] for cell in cells] == [0.5] * 4
    assert [cell["looks"] for cell in cells] == ["x: 1", "x: 1", "y: 2", "y: 2"]


def test_left_out_and_reliability():
    table = pd.DataFrame({"name": ["a"], "without": [0.2], "probability": 0.4})
    assert marks(charts.left_out(table, WORDS)) == ["bar", "rule"]
    table = pd.DataFrame({"ranker": ["a"], "predicted": [0.2], "liked": [0.4], "rows": [9]})
    assert marks(charts.reliability(table, WORDS)) == ["line", "line", "point"]
