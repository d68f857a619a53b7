"""Explanations agree with the model, asked the slow way."""

import numpy as np
import pandas as pd
import pytest

from movierec import explain, newcomer, scoring
from movierec.library import RequestError
from movierec.newcomer import Newcomer
from movierec.rows import UNKNOWN


def test_of_a_user(small):
    candidates = small.candidates(7)
    found = explain.explain(small, candidates, 9)
    (row,) = small.library.film_rows([9])
    ids = candidates.ids[[row]]
    predict = scoring.predictor(small.model)
    assert found.probability == pytest.approx(predict(ids)[0], abs=1e-6)
    for field in range(13):
        other = ids.copy()
        other[0, field] = UNKNOWN
        assert found.without[field] == pytest.approx(predict(other)[0], abs=1e-6)
    model = small.model
    assert found.attention.shape == (len(model.layers), 2, 13, 13)
    np.testing.assert_allclose(found.attention.sum(axis=-1), 1, atol=1e-5)
    _, layers = model.logits_of(model.embedding(ids))
    np.testing.assert_allclose(found.attention, [layer[0] for layer in layers], atol=1e-6)
    assert found.received.sum() == pytest.approx(1, abs=1e-5)
    assert found.held[0] == "7"
    assert found.held[5] == "9"


def test_of_a_newcomer(small):
    candidates = newcomer.candidates(small, Newcomer(gender="F", rated=((3, 5), (4, 1))))
    found = explain.explain(small, candidates, 9)
    (row,) = small.library.film_rows([9])
    assert found.probability == pytest.approx(candidates.probability[row], abs=1e-6)
    nobody = candidates.ids[[row]]
    nobody[0, 0] = UNKNOWN
    expected = scoring.predictor(small.model)(nobody)[0]
    assert found.without[0] == pytest.approx(expected, abs=1e-6)
    assert found.held[0] == ""


def test_a_field_that_is_unknown_already_changes_nothing(small):
    found = explain.explain(small, small.candidates(7), 9)
    empty = [field for field, text in enumerate(found.held) if not text]
    assert empty
    np.testing.assert_allclose(found.changes[empty], 0, atol=1e-4)


def test_no_such_film(small):
    with pytest.raises(RequestError, match="there is no film 61 in ml-1m"):
        explain.explain(small, small.candidates(7), 61)


def test_nearest(small):
    rated = pd.DataFrame({"movie_id": [9, 3, 8, 14, 20, 26, 5], "rating": range(7)})
    near = explain.nearest(small, 9, rated)
    assert len(near) == explain.NEAREST
    assert near.loc[0, "movie_id"] == 9
    assert near.loc[0, "similarity"] == pytest.approx(1, abs=1e-6)
    assert near["similarity"].is_monotonic_decreasing


def test_agreement(small):
    row = explain.agreement(small, count=8)
    assert row["recommendations"] == 8
    assert -1 <= row["low"] <= row["correlation"] <= row["high"] <= 1
    assert -1 <= row["other"] <= 1
    assert row["attention_least"] <= 1 / 13 <= row["attention_most"]
    assert explain.agreement(small, count=8) == row
    table = explain.as_markdown(pd.DataFrame([{"model": "AutoInt+"} | row]))
    assert f"| AutoInt+ | 8 | {row['correlation']:+.3f} [" in table
