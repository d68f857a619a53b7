"""Scoring encoded rows."""

import keras
import numpy as np
import pytest

from autoint import AutoInt
from movierec import models

DIMS = (5, 3, 7)


def test_scores_are_those_of_predict_whatever_the_number_of_rows(monkeypatch):
    monkeypatch.setattr(models, "ROWS_PER_CALL", 10)
    keras.utils.set_random_seed(0)
    model = AutoInt(DIMS, init_std=0.5)
    predict = models.predictor(model)
    rows = np.random.default_rng(0).integers(0, 3, (25, 3)).astype(np.int32)
    expected = model.predict(rows, verbose=0)[:, 0]
    for count in (0, 1, 10, 25):
        scores = predict(rows[:count])
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected[:count], atol=1e-6)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 0, 7]], r"ids of field 2 must be in 0..6. Received: 7..7. Encode the rows"),
        ([[0, 0, 0], [-1, 0, 0]], r"ids of field 0 must be in 0..4. Received: -1..0"),
        ([[0, 0]], r"expected ids of shape \(rows, 3\). Received: \(1, 2\)"),
        ([0, 0, 0], r"expected ids of shape \(rows, 3\). Received: \(3,\)"),
    ],
)
def test_ids_that_do_not_fit_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        models.predictor(AutoInt(DIMS))(np.array(rows, np.int32))


def test_mean_attention_is_the_mean_over_heads_and_rows(monkeypatch):
    model = models.MODELS["autoint"]((4, 5, 3), embed_dim=4, num_layers=2, head_dim=4)
    ids = np.random.default_rng(0).integers(0, 3, (10, 3), dtype=np.int32)
    _, layers = model(ids, return_attention=True)
    expected = [np.mean(layer, axis=(0, 1)) for layer in layers]
    monkeypatch.setattr(models, "ROWS_PER_CALL", 4)
    mean = models.mean_attention(model, ids)
    np.testing.assert_allclose(mean, expected, rtol=1e-5)
    np.testing.assert_allclose(mean.sum(axis=-1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="one row of ids at least"):
        models.mean_attention(model, ids[:0])
