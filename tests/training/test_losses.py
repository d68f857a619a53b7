"""The compiled loss and its gradients equal those of the model's own graph."""

import numpy as np
import pytest
import tensorflow as tf

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec.models.factorization_machine import FactorizationMachine
from movierec.training import losses
from tests.conftest import spread
from tests.models.test_scorer import DIMS, FIVE, rows

SMALL = {"embed_dim": 8, "head_dim": 4, "num_heads": 3}


def step_of(model, loss):
    """A function from ids and targets to three times the loss and its gradients."""

    def step(ids, targets):
        with tf.GradientTape() as tape:
            value = 3 * loss(model.embedding(ids), targets)
        gradients = tape.gradient(value, model.trainable_variables)
        return value, [tf.convert_to_tensor(gradient) for gradient in gradients]

    return step


def assert_same_numbers(model, step, other_step, count):
    """Both steps give the same loss and gradients."""
    targets = np.random.default_rng(2).integers(0, max(2, model.num_classes), count)
    targets = tf.constant(targets, tf.float32 if model.num_classes == 1 else tf.int32)
    ids = tf.constant(rows(count)[:, : len(model.embedding.field_dims)])
    value, gradients = step(ids, targets)
    expected, others = other_step(ids, targets)
    assert value.numpy() == pytest.approx(expected.numpy(), rel=1e-5)
    variables = model.trainable_variables
    for gradient, other, variable in zip(gradients, others, variables, strict=True):
        size = np.abs(other).max()
        np.testing.assert_allclose(gradient, other, atol=2e-4 * size, err_msg=variable.path)


@pytest.mark.parametrize("kind", [AutoInt, AutoIntMLP])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("classes", [{}, FIVE])
@pytest.mark.parametrize(("fields", "sizes"), [(5, {}), (5, SMALL), (4, {})])
@pytest.mark.parametrize("count", [1, 64, 700])
def test_the_same_numbers_as_the_graph(kind, num_layers, classes, fields, sizes, count):
    more = {"dropout": 0.0} if kind is AutoIntMLP else {}
    model = spread(kind(DIMS[:fields], num_layers=num_layers, **classes, **sizes, **more))
    assert losses.is_compiled(model)
    step, other = (step_of(model, f(model)) for f in (losses.mean_loss, losses.graph_loss))
    assert_same_numbers(model, step, other, count)


@pytest.mark.parametrize("classes", [{}, FIVE])
def test_the_same_numbers_in_a_step_that_tensorflow_compiles(classes):
    model = spread(AutoIntMLP(DIMS, dropout=0.0, **classes))
    step = step_of(model, losses.mean_loss(model))
    assert_same_numbers(model, tf.function(step), step, 64)


class Subclass(AutoIntMLP):
    """An empty subclass; subclasses may override methods, so none uses the compiled kernels."""


OTHERS = [{"num_layers": 0}, {"embed_dim": 6}, {"head_dim": 6}, {"dtype": "mixed_bfloat16"}]
OTHERS = [AutoInt(DIMS, **arguments) for arguments in OTHERS]


@pytest.mark.parametrize("model", [*OTHERS, FactorizationMachine(DIMS), Subclass(DIMS)])
def test_other_models_use_the_graph(model, monkeypatch):
    monkeypatch.setattr(losses, "_compiled", None)
    assert not losses.is_compiled(model)
    assert losses.mean_loss(model)(model.embedding(rows(5)), tf.ones(5)).shape == ()


@pytest.mark.parametrize("method", ["extra_logits", "logits_of"])
@pytest.mark.parametrize("kind", [AutoInt, AutoIntMLP])
def test_the_loss_uses_the_methods_of_a_subclass(kind, method):
    class Shifted(kind):
        pass

    def shifted(self, *inputs, **options):
        result = getattr(kind, method)(self, *inputs, **options)
        return (result[0] + 3.0, result[1]) if method == "logits_of" else result + 3.0

    setattr(Shifted, method, shifted)
    more = {"dropout": 0.0} if kind is AutoIntMLP else {}
    model, ids, targets = spread(Shifted(DIMS, **more)), rows(20), tf.ones(20)
    logits = spread(kind(DIMS, **more)).logits_of(model.embedding(ids))[0] + 3.0
    expected = tf.reduce_mean(losses.cross_entropy(targets, logits))
    loss = losses.mean_loss(model)(model.embedding(ids), targets)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_weights_that_are_nan_give_a_loss_that_is_nan():
    model = spread(AutoInt(DIMS))
    model.embedding.table.assign(np.full(model.embedding.table.shape, np.nan))
    assert np.isnan(losses.mean_loss(model)(model.embedding(rows(3)), tf.ones(3)))
