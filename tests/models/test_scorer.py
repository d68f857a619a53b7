"""The compiled scorer returns the Keras model's probabilities for every shape of the model."""

import numpy as np
import pytest

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec.models import scorer
from movierec.models.factorization_machine import FactorizationMachine
from movierec.models.numpy_model import NumpyModel
from tests.conftest import blas_threads, random_ids, spread

DIMS = (5, 3, 7, 11, 2)
FIVE = {"num_classes": 5, "num_positive": 2}


def rows(count):
    return random_ids(DIMS, count)


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
def test_scores_equal_the_keras_models(num_layers, classes, odd, kind, more):
    model = spread(kind(DIMS, num_layers=num_layers, **classes, **odd, **more))
    predict, ids = scorer.predictor(NumpyModel.of(model)), rows(150)
    expected = np.asarray(model(ids))[:, 0]
    assert np.ptp(expected) > 0.01
    for count in (0, 1, 64, 150):
        scores = predict(ids[:count])
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected[:count], atol=1e-5)


def test_a_models_constants_are_rounded_alike_on_any_number_of_cores(monkeypatch):
    contributions, threads = scorer._contributions, []

    def watched(*arguments):
        threads.extend(blas_threads())
        return contributions(*arguments)

    monkeypatch.setattr(scorer, "_contributions", watched)
    scorer.predictor(NumpyModel.of(AutoIntMLP(DIMS)))
    assert set(threads) == {1}


def test_rows_in_several_tasks_and_ids_of_any_dtype_and_layout(monkeypatch):
    monkeypatch.setattr(scorer, "ROWS", 30)
    model = spread(AutoIntMLP(DIMS))
    ids = np.asfortranarray(rows(200), np.int64)
    np.testing.assert_allclose(
        scorer.predictor(NumpyModel.of(model))(ids), model(ids)[:, 0], atol=1e-5
    )


def test_large_attention_logits_do_not_overflow():
    model = AutoInt(DIMS, embed_dim=4, num_layers=1)
    spread(model, 0.1)
    for kernel in model.interacting[0].kernels[:2]:
        kernel.assign(1000 * kernel)
    scores = scorer.predictor(NumpyModel.of(model))(rows(100))
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores, model(rows(100))[:, 0], atol=1e-4)


def test_weights_that_are_nan_give_scores_that_are_nan():
    model = spread(AutoIntMLP(DIMS))
    model.embedding.table.assign(np.full(model.embedding.table.shape, np.nan))
    assert np.isnan(scorer.predictor(NumpyModel.of(model))(rows(3))).all()


def test_another_model_is_scored_by_its_graph_in_parts(monkeypatch):
    monkeypatch.setattr(scorer, "ROWS_PER_CALL", 10)
    model = spread(FactorizationMachine(DIMS))
    predict, ids = scorer.predictor(model), rows(25)
    expected = model.predict(ids, verbose=0)[:, 0]
    for count in (0, 1, 10, 25):
        scores = predict(ids[:count])
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, expected[:count], atol=1e-6)


@pytest.mark.parametrize("kind", [AutoInt, AutoIntMLP])
@pytest.mark.parametrize("method", ["extra_logits", "logits_of", "probabilities"])
def test_the_methods_of_a_subclass_are_used(kind, method):
    class Subclass(kind):
        pass

    def negated(self, *inputs, **options):
        result = getattr(kind, method)(self, *inputs, **options)
        return (-result[0], result[1]) if method == "logits_of" else 1 - result

    setattr(Subclass, method, negated)
    model, ids = spread(Subclass(DIMS)), rows(9)
    scores = scorer.predictor(model)(ids)
    np.testing.assert_allclose(scores, model(ids)[:, 0], atol=1e-6)
    assert not np.allclose(scores, spread(kind(DIMS))(ids)[:, 0], atol=1e-3)


@pytest.mark.parametrize(
    "model", [AutoInt(DIMS), FactorizationMachine(DIMS)], ids=["kernels", "graph"]
)
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([[0, 0, 7, 0, 0]], r"ids of field 2 must be in 0..6. Received: 7..7. Encode the rows"),
        ([[0] * 5, [-1, 0, 0, 0, 0]], r"ids of field 0 must be in 0..4. Received: -1..0"),
        ([[0, 0]], r"expected ids of shape \(rows, 5\). Received: \(1, 2\)"),
        ([0, 0, 0], r"expected ids of shape \(rows, 5\). Received: \(3,\)"),
    ],
)
def test_ids_that_do_not_fit_are_refused(model, ids, message):
    with pytest.raises(ValueError, match=message):
        scorer.predictor(model)(np.array(ids, np.int32))
