"""The fast scores are the model's own, whatever its shape."""

import numpy as np
import pytest

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import models, scoring
from movierec.fm import FactorizationMachine
from movierec.trained import Trained

DIMS = (5, 3, 7, 11, 2)
FIVE = {"num_classes": 5, "num_positive": 2}


def rows(count):
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, size, count) for size in DIMS], axis=1).astype(np.int32)


def spread(model, std=0.3):
    """Give a model weights large enough that every part of it shows in the output."""
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, std, variable.shape))
    return model


@pytest.mark.parametrize("num_layers", range(4))
@pytest.mark.parametrize("classes", [{}, FIVE])
@pytest.mark.parametrize("odd", [{}, {"embed_dim": 6, "head_dim": 3, "num_heads": 3}])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (AutoInt, {}),
        (AutoIntMLP, {}),
        (AutoIntMLP, {"mlp_units": (7,), "pairwise_pooling": True}),
        (AutoIntMLP, {"mlp_units": (9, 70, 8), "pairwise_pooling": True}),
    ],
)
def test_the_same_numbers_as_the_model(num_layers, classes, odd, kind, more):
    model = spread(kind(DIMS, num_layers=num_layers, **classes, **odd, **more))
    score, ids = scoring.predictor(Trained.of(model)), rows(150)
    expected = np.asarray(model(ids))[:, 0]
    assert np.ptp(expected) > 0.01
    for count in (0, 1, 64, 150):
        scores = score(ids[:count])
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected[:count], atol=1e-5)


def test_rows_of_several_threads_and_ids_of_any_layout(monkeypatch):
    monkeypatch.setattr(scoring, "ROWS", 30)
    model = spread(AutoIntMLP(DIMS))
    ids = np.asfortranarray(rows(200), np.int64)
    np.testing.assert_allclose(
        scoring.predictor(Trained.of(model))(ids), model(ids)[:, 0], atol=1e-5
    )


def test_large_attention_logits_do_not_overflow():
    model = AutoInt(DIMS, embed_dim=4, num_layers=1)
    spread(model, 0.1)
    for kernel in model.interacting[0].kernels[:2]:
        kernel.assign(1000 * kernel)
    scores = scoring.predictor(Trained.of(model))(rows(100))
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, model(rows(100))[:, 0], atol=1e-4)


def test_weights_that_are_no_numbers_show_in_the_scores():
    model = spread(AutoIntMLP(DIMS))
    model.embedding.table.assign(np.full(model.embedding.table.shape, np.nan))
    assert np.isnan(scoring.predictor(Trained.of(model))(rows(3))).all()


def test_another_model_is_scored_by_its_graph():
    model = spread(FactorizationMachine(DIMS))
    np.testing.assert_allclose(models.predictor(model)(rows(9)), model(rows(9))[:, 0], atol=1e-6)
