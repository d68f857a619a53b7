"""The compiled loss and its gradients are those of the model's own graph, whatever its shape."""

import numpy as np
import pytest
import tensorflow as tf

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import losses
from movierec.fm import FactorizationMachine
from tests.test_scoring import DIMS, FIVE, rows, spread

SMALL = {"embed_dim": 8, "head_dim": 4, "num_heads": 3}


def both(model, count):
    """Loss and gradients of the compiled way and of the plain one."""
    rng, ids = np.random.default_rng(2), rows(count)
    targets = rng.integers(0, max(2, model.num_classes), count)
    targets = tf.constant(targets, tf.float32 if model.num_classes == 1 else tf.int32)
    for way in (losses.mean_loss, losses.plain_loss):
        loss = way(model)

        @tf.function
        def step(loss=loss):
            with tf.GradientTape() as tape:
                value = 3 * loss(model.embedding(ids), targets)
            return value, tape.gradient(value, model.trainable_variables)

        value, gradients = step()
        yield value.numpy(), [tf.convert_to_tensor(gradient).numpy() for gradient in gradients]


@pytest.mark.parametrize("kind", [AutoInt, AutoIntMLP])
@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("classes", [{}, FIVE])
@pytest.mark.parametrize("sizes", [{}, SMALL])
@pytest.mark.parametrize("count", [1, 64, 700])
def test_the_same_numbers_as_the_plain_way(kind, num_layers, classes, sizes, count):
    more = {"dropout": 0.0} if kind is AutoIntMLP else {}
    model = spread(kind(DIMS, num_layers=num_layers, **classes, **sizes, **more))
    (value, gradients), (plain, expected) = both(model, count)
    assert value == pytest.approx(plain, rel=1e-5)
    for gradient, other, variable in zip(
        gradients, expected, model.trainable_variables, strict=True
    ):
        size = np.abs(other).max()
        np.testing.assert_allclose(gradient, other, atol=2e-4 * size, err_msg=variable.path)


def test_an_even_number_of_fields():
    model = spread(AutoInt(DIMS[:4], num_layers=2))
    ids, targets = rows(70)[:, :4], tf.ones(70)
    vectors = tf.Variable(model.embedding(ids))
    found = []
    for way in (losses.mean_loss, losses.plain_loss):
        with tf.GradientTape() as tape:
            value = way(model)(vectors, targets)
        found.append(tape.gradient(value, vectors).numpy())
    np.testing.assert_allclose(*found, atol=1e-4 * np.abs(found[1]).max())


@pytest.mark.parametrize(
    "model",
    [AutoInt(DIMS, num_layers=0), AutoInt(DIMS, embed_dim=6), FactorizationMachine(DIMS)],
)
def test_other_models_take_the_plain_way(model, monkeypatch):
    monkeypatch.setattr(losses, "_compiled", None)
    assert losses.mean_loss(model)(model.embedding(rows(5)), tf.ones(5)).shape == ()


def test_weights_that_are_no_numbers_show_in_the_loss():
    model = spread(AutoInt(DIMS))
    model.embedding.table.assign(np.full(model.embedding.table.shape, np.nan))
    assert np.isnan(losses.mean_loss(model)(model.embedding(rows(3)), tf.ones(3)))
