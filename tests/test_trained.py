"""Arrays of a trained model say what the Keras model says, and the file gives them back."""

import numpy as np
import pytest
import tensorflow as tf

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import artefacts, models, trained
from movierec.foldin import _slope
from movierec.losses import cross_entropy
from movierec.trained import Trained
from tests.test_scoring import DIMS, rows, spread

SHAPES = [
    (AutoInt, {}),
    (AutoInt, {"num_layers": 0}),
    (AutoInt, {"num_heads": 3, "head_dim": 5, "num_classes": 5, "num_positive": 2}),
    (AutoIntMLP, {"num_layers": 1, "embed_dim": 6}),
    (AutoIntMLP, {"mlp_units": (7,), "pairwise_pooling": True, "num_classes": 6}),
    (AutoIntMLP, {"mlp_units": (9, 8, 5), "pairwise_pooling": True, "num_layers": 0}),
]


@pytest.fixture(params=SHAPES, ids=str)
def network(request):
    kind, arguments = request.param
    return spread(kind(DIMS, **arguments))


def test_the_forward_pass_is_the_models(network):
    model, ids = Trained.of(network), rows(20)
    vectors = model.embedding(ids)
    np.testing.assert_array_equal(vectors, network.embedding(ids))
    logits, attention = model.logits_of(vectors)
    expected, layers = network.logits_of(network.embedding(ids))
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    for ours, theirs in zip(attention, layers, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    probabilities = model.probabilities(logits)
    np.testing.assert_allclose(probabilities, network(ids), atol=1e-5)
    assert probabilities.dtype == np.float32
    assert model.logits_of(vectors[:0])[0].shape == (0, network.num_classes)


def test_the_gradient_is_the_models(network):
    model, ids = Trained.of(network), rows(20)
    vectors = tf.constant(model.embedding(ids))
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        total = tf.reduce_sum(tf.sin(network.logits_of(vectors)[0]))
    ours = model.gradient(vectors.numpy(), np.cos)
    np.testing.assert_allclose(ours, tape.gradient(total, vectors), atol=1e-3, rtol=1e-3)


def test_the_slope_of_the_loss():
    for classes in (1, 5):
        logits = tf.constant(np.random.default_rng(0).normal(size=(6, classes)), tf.float32)
        targets = np.arange(6) % 2 if classes == 1 else np.arange(6) % classes
        targets = targets.astype(np.float32 if classes == 1 else np.int32)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            total = tf.reduce_sum(cross_entropy(targets, logits))
        slope = _slope(targets, logits.numpy())
        np.testing.assert_allclose(slope, tape.gradient(total, logits), atol=1e-6)


def saved(network, folder):
    """The weights file, and the arguments that a manifest would hold."""
    path = folder / "model.weights.h5"
    network.save_weights(path)
    config = network.get_config()
    return path, {key: value for key, value in config.items() if key not in ("name", "dtype")}


def test_the_file_gives_the_arrays_back(network, tmp_path):
    path, arguments = saved(network, tmp_path)
    same(trained.read(path, **arguments), Trained.of(network))


def same(ours: Trained, theirs: Trained) -> None:
    for name, mine in vars(ours).items():
        other = getattr(theirs, name)
        if name in ("layers", "dense", "biases"):
            assert len(mine) == len(other)
            for one, two in zip(mine, other, strict=True):
                np.testing.assert_array_equal(one, two)
        else:
            np.testing.assert_array_equal(mine, other)


COMMITTED = sorted(artefacts.ROOT.glob("model/**/manifest.json"))


@pytest.mark.parametrize("manifest", COMMITTED, ids=lambda path: path.parent.name)
def test_committed_weights_are_read_as_keras_reads_them(manifest):
    place = artefacts.Place(manifest.parent, manifest, "")
    for name, entry in place.entries().items():
        network = models.MODELS[name](**entry["model"])
        network.load_weights(place.weights(name))
        same(trained.read(place.weights(name), **entry["model"]), Trained.of(network))


def test_other_people_in_the_users_place():
    model, ids = Trained.of(spread(AutoIntMLP(DIMS))), rows(4)
    people = np.random.default_rng(2).normal(size=(3, 16)).astype(np.float32)
    other = model.with_users(people)
    assert other.field_dims == (4, *DIMS[1:])
    ids[:, 0] = range(4)
    vectors = other.embedding(ids)
    np.testing.assert_array_equal(vectors[0, 0], model.table[0])
    np.testing.assert_array_equal(vectors[1:, 0], people)
    ids[:, 0] = 0
    np.testing.assert_array_equal(vectors[:, 1:], model.embedding(ids)[:, 1:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_heads": 0}, "num_heads 0"),
        ({"num_positive": 2}, "num_positive is 2"),
        ({"num_layers": 2}, "attention_logit/vars/1|it also holds interacting"),
        ({"embed_dim": 8}, r"has the shape \(16, 32\), expected \(8, 32\)"),
        ({"mlp_units": [32]}, "dense_1/vars/0 has the shape None|has the shape"),
        ({"mlp_units": None}, "it also holds layers/sequential"),
        ({"pairwise_pooling": True}, r"dense/vars/0 has the shape \(80, 32\), expected \(96, 32\)"),
        ({"field_dims": [5, 3, 7, 11, 3]}, "embedding/vars/0 has the shape"),
    ],
)
def test_a_file_of_another_model(tmp_path, change, message):
    path, arguments = saved(spread(AutoIntMLP(DIMS)), tmp_path)
    with pytest.raises(ValueError, match=message):
        trained.read(path, **arguments | change)
