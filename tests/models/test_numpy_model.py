"""The NumPy model computes what the Keras model computes, and is read from its weights file."""

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import files
from movierec.models import artifacts, numpy_model, registry, weights_file
from movierec.models.fold_in import _loss_gradient
from movierec.models.numpy_model import NumpyModel
from movierec.training.losses import cross_entropy
from tests.conftest import spread
from tests.models.test_scorer import DIMS, rows

SHAPES = [
    (AutoInt, {}),
    (AutoInt, {"num_layers": 0}),
    (AutoInt, {"num_heads": 3, "head_dim": 5, "num_classes": 5, "num_positive": 2}),
    (AutoIntMLP, {"num_layers": 1, "embed_dim": 6}),
    (AutoIntMLP, {"mlp_units": (7,), "pairwise_pooling": True, "num_classes": 6}),
    (AutoIntMLP, {"mlp_units": (9, 8, 5), "pairwise_pooling": True, "num_layers": 0}),
]


@pytest.fixture(params=SHAPES, ids=str)
def keras_model(request):
    kind, arguments = request.param
    return spread(kind(DIMS, **arguments))


def test_the_forward_pass_equals_the_keras_models(keras_model):
    model, ids = NumpyModel.of(keras_model), rows(20)
    vectors = model.embedding(ids)
    np.testing.assert_array_equal(vectors, keras_model.embedding(ids))
    logits, attention = model.logits_of(vectors)
    expected, layers = keras_model.logits_of(keras_model.embedding(ids))
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    for weights, expected in zip(attention, layers, strict=True):
        np.testing.assert_allclose(weights, expected, atol=1e-5)
    probabilities = model.probabilities(logits)
    np.testing.assert_allclose(probabilities, keras_model(ids), atol=1e-5)
    assert probabilities.dtype == np.float32
    assert model.logits_of(vectors[:0])[0].shape == (0, keras_model.num_classes)


def test_the_gradient_equals_the_keras_models(keras_model):
    model, ids = NumpyModel.of(keras_model), rows(20)
    vectors = tf.constant(model.embedding(ids))
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        total = tf.reduce_sum(tf.sin(keras_model.logits_of(vectors)[0]))
    gradient = model.gradient(vectors.numpy(), np.cos)
    np.testing.assert_allclose(gradient, tape.gradient(total, vectors), atol=1e-3, rtol=1e-3)


def test_the_gradient_of_the_loss():
    for classes, dtype in ((1, np.float32), (5, np.int32)):
        logits = tf.constant(np.random.default_rng(0).normal(size=(6, classes)), tf.float32)
        targets = (np.arange(6) % max(2, classes)).astype(dtype)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            total = tf.reduce_sum(cross_entropy(targets, logits))
        gradient = _loss_gradient(targets, logits.numpy())
        np.testing.assert_allclose(gradient, tape.gradient(total, logits), atol=1e-6)


def saved(keras_model, folder):
    """The weights file and the arguments that a manifest has."""
    path = folder / "model.weights.h5"
    keras_model.save_weights(path)
    config = keras_model.get_config()
    return path, {key: value for key, value in config.items() if key not in ("name", "dtype")}


def test_the_file_is_read_without_loss(keras_model, tmp_path):
    path, arguments = saved(keras_model, tmp_path)
    assert_same(weights_file.read(path, arguments), NumpyModel.of(keras_model))


def assert_same(model: NumpyModel, expected: NumpyModel) -> None:
    """Assert that two models have equal arrays and arguments."""
    arrays, others = (tf.nest.flatten(vars(each)) for each in (model, expected))
    for array, other in zip(arrays, others, strict=True):
        np.testing.assert_array_equal(array, other)


@pytest.mark.parametrize("kind", [AutoInt, AutoIntMLP])
def test_the_paths_in_a_weights_file_are_those_of_the_table(kind, tmp_path):
    path, _ = saved(kind(DIMS, num_layers=3), tmp_path)
    paths = set()

    def add(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            paths.add(name)

    with h5py.File(path) as file:
        file.visititems(add)
    expected = {weights_file.TABLE, weights_file.READOUT, weights_file.BIAS}
    suffixes = ("", "_1", "_2")
    expected |= {f"{weights_file.INTERACTING}{s}/vars/{n}" for s in suffixes for n in range(4)}
    if kind is AutoIntMLP:
        dense = [f"{weights_file.DENSE}{s}/vars/{n}" for s in suffixes for n in range(2)]
        expected |= {*dense[:-1]}  # the last layer has no bias
    assert paths == expected, (
        f"Keras {keras.__version__} names the arrays of a weights file differently: adapt the "
        "paths at the top of movierec/models/numpy_model.py"
    )


COMMITTED = sorted(files.ROOT.glob("model/**/manifest.json"))


@pytest.mark.parametrize("manifest", COMMITTED, ids=lambda path: path.parent.name)
def test_committed_weights_are_read_as_keras_reads_them(manifest):
    folder = artifacts.ModelFolder(manifest.parent, manifest, "")
    for name, entry in folder.entries().items():
        keras_model = registry.keras_class(name)(**entry["model"])
        keras_model.load_weights(folder.weights(name))
        model = weights_file.read(folder.weights(name), entry["model"])
        assert_same(model, NumpyModel.of(keras_model))


def test_other_users_replace_the_trained_ones():
    model, ids = NumpyModel.of(spread(AutoIntMLP(DIMS))), rows(4)
    users = np.random.default_rng(2).normal(size=(3, 16)).astype(np.float32)
    other = model.with_users(users)
    assert other.field_dims == (4, *DIMS[1:])
    ids[:, 0] = range(4)
    vectors = other.embedding(ids)
    np.testing.assert_array_equal(vectors[0, 0], model.table[0])
    np.testing.assert_array_equal(vectors[1:, 0], users)
    ids[:, 0] = 0
    np.testing.assert_array_equal(vectors[:, 1:], model.embedding(ids)[:, 1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 0}, "num_heads is 0, expected a whole number from 1 to 64"),
        ({"num_heads": True}, "num_heads is True, expected a whole number"),
        ({"head_dim": 16.0}, "head_dim is 16.0, expected a whole number"),
        ({"num_layers": 30_000_000}, "num_layers is 30000000, expected a whole number from 0 to"),
        ({"field_dims": [5, [3]]}, "field_dims is .*, expected at most 1000 whole numbers"),
        ({"mlp_units": [2**40]}, "mlp_units is .*, expected at most 64 whole numbers"),
        ({"dropout": float("nan")}, "dropout is nan, expected 0 to below 1"),
        ({"pairwise_pooling": 1}, "pairwise_pooling is 1, expected true or false"),
        ({"num_positive": 2}, "Received: num_positive 2, num_classes 1"),
        ({"num_layers": 2}, "it also contains 'interacting/"),
        ({"embed_dim": 8}, r"embedding/vars/0 has the shape \(28, 16\), expected \(28, 8\)"),
        ({"mlp_units": [32]}, "dense_1/vars/0 has the shape None|has the shape"),
        ({"mlp_units": None}, "mlp_units is None, expected at most 64 whole numbers"),
        ({"pairwise_pooling": True}, r"dense/vars/0 has the shape \(80, 32\), expected \(96, 32\)"),
        ({"field_dims": [5, 3, 7, 11, 3]}, "embedding/vars/0 has the shape"),
    ],
)
def test_the_file_of_another_model_is_refused(tmp_path, change, message):
    path, arguments = saved(spread(AutoIntMLP(DIMS)), tmp_path)
    with pytest.raises(weights_file.WeightsError, match=message):
        weights_file.read(path, arguments | change)


def test_an_argument_that_is_missing_is_named(tmp_path):
    path, arguments = saved(AutoInt(DIMS), tmp_path)
    del arguments["head_dim"]
    with pytest.raises(weights_file.WeightsError, match="missing arguments: head_dim"):
        weights_file.read(path, arguments)


def test_a_probability_is_never_above_one():
    """The sum of the positive classes' float32 shares can be 1.0000001."""
    logits = np.random.default_rng(0).normal(0, 3, (10_000, 6)).astype(np.float32)
    logits[:, 0] = -100
    keras_model = AutoInt(DIMS, num_classes=6, num_positive=5)
    model = NumpyModel.of(keras_model)
    for probabilities in (model.probabilities(logits), keras_model.probabilities(logits)):
        assert np.max(probabilities) == 1


def test_mean_attention_is_the_mean_over_heads_and_rows(monkeypatch):
    keras_model = spread(AutoInt(DIMS, embed_dim=4, num_layers=2, head_dim=4), 0.5)
    model, ids = NumpyModel.of(keras_model), rows(10)
    _, layers = keras_model(ids, return_attention=True)
    expected = [np.mean(layer, axis=(0, 1)) for layer in layers]
    monkeypatch.setattr(numpy_model, "ROWS_PER_CALL", 4)
    mean = model.mean_attention(ids)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, expected, rtol=1e-5)
    np.testing.assert_allclose(mean.sum(axis=-1), 1, rtol=1e-5)
    with pytest.raises(ValueError, match="expected at least one row of ids. Received: none"):
        model.mean_attention(ids[:0])
