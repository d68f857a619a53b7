"""AutoInt and AutoInt+: the same numbers as plain NumPy, weight counts, bad input, saving."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest

from autoint import AutoInt, FeaturesEmbedding, MultiHeadSelfAttention
from autointmlp import AutoIntMLP
from tests.conftest import random_ids, spread

DIMS = (5, 3, 7)
MODELS = (AutoInt, AutoIntMLP)


def ids(rows=16):
    return random_ids(DIMS, rows)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def reference(model, rows):
    """AutoInt(+) in plain NumPy, written from the paper's equations, one row and head at a time."""
    table = model.embedding.table.numpy()
    starts = np.cumsum([0, *DIMS[:-1]])
    probabilities, attention = [], []
    for row in rows:
        embedded = np.stack([table[starts[f] + row[f]] for f in range(len(DIMS))])
        e, of_row = embedded, []
        for layer in model.interacting:
            query, key, value, residual = (kernel.numpy() for kernel in layer.kernels)
            heads, of_layer = [], []
            for head in range(layer.num_heads):
                part = slice(head * layer.head_dim, (head + 1) * layer.head_dim)
                alpha = softmax((e @ query[:, part]) @ (e @ key[:, part]).T)
                heads.append(alpha @ (e @ value[:, part]))
                of_layer.append(alpha)
            e = np.maximum(np.concatenate(heads, axis=1) + e @ residual, 0)
            of_row.append(of_layer)
        kernel, bias = (w.numpy() for w in model.attention_logit.weights)
        logits = e.ravel() @ kernel + bias
        if isinstance(model, AutoIntMLP):
            hidden = embedded.ravel()
            if model.pairwise_pooling:
                pairs = itertools.combinations(embedded, 2)
                hidden = np.append(hidden, sum(a * b for a, b in pairs))
            dense = [layer for layer in model.mlp.layers if layer.weights]
            for layer in dense[:-1]:
                hidden = np.maximum(hidden @ layer.kernel.numpy() + layer.bias.numpy(), 0)
            logits = logits + hidden @ dense[-1].kernel.numpy()
        if model.num_classes == 1:
            probabilities.append(1 / (1 + np.exp(-logits[0])))
        else:
            probabilities.append(softmax(logits)[-model.num_positive :].sum())
        attention.append(of_row)
    return np.array(probabilities), np.array(attention).swapaxes(0, 1)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (AutoInt, {}),
        (AutoIntMLP, {}),
        (AutoInt, {"num_layers": 0}),
        (AutoInt, {"num_classes": 5, "num_positive": 2}),
        (AutoIntMLP, {"num_classes": 5, "num_positive": 2, "pairwise_pooling": True}),
    ],
)
def test_same_numbers_as_plain_numpy(kind, more):
    sizes = {"embed_dim": 4, "num_layers": 2, "num_heads": 3, "head_dim": 2}
    model = spread(kind(DIMS, **sizes | more), 0.5)
    rows = ids()
    expected, alphas = reference(model, rows)
    probabilities, attention = model(rows, return_attention=True)
    np.testing.assert_allclose(probabilities[:, 0], expected, rtol=1e-4, atol=1e-6)
    assert len(attention) == len(model.interacting)
    for layer, expected in zip(attention, alphas, strict=True):
        assert layer.shape == (16, 3, 3, 3)
        np.testing.assert_allclose(layer, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model(rows), probabilities, rtol=1e-6)
    np.testing.assert_allclose(model.predict(rows, verbose=0), probabilities, rtol=1e-4)


def test_number_of_weights():
    embedding = (5 + 3 + 7) * 16
    attention = 4 * 16 * 32 + 2 * (4 * 32 * 32)  # query, key, value, residual of three layers
    readout = 3 * 32 + 1
    mlp = (3 * 16 * 32 + 32) + (32 * 32 + 32) + 32
    assert AutoInt(DIMS).count_params() == embedding + attention + readout
    assert AutoIntMLP(DIMS).count_params() == embedding + attention + readout + mlp


def test_the_four_projections_have_different_initial_weights():
    layer = MultiHeadSelfAttention(head_dim=2, num_heads=1)
    layer.build((None, 3, 4))
    kernels = [kernel.numpy() for kernel in layer.kernels]
    assert not any(np.array_equal(kernels[0], other) for other in kernels[1:])


def test_dropout_is_active_in_training_only():
    model = spread(AutoIntMLP(DIMS, dropout=0.5), 0.5)
    rows = ids()
    assert np.array_equal(model(rows), model(rows))
    assert not np.array_equal(model(rows, training=True), model(rows, training=True))


def test_the_originals_initial_weights():
    """Uniform in ±0.05, truncated normal (cut at two standard deviations), normal."""
    model = AutoIntMLP((500, 500), mlp_units=(64, 64), start="original")
    table = model.embedding.table.numpy()
    assert 0.049 < np.abs(table).max() <= 0.05
    assert np.std(table) == pytest.approx(0.1 / 12**0.5, rel=0.05)
    kernels = np.concatenate([np.ravel(k) for layer in model.interacting for k in layer.kernels])
    assert 0.09 < np.abs(kernels).max() <= 0.1
    assert np.std(kernels) == pytest.approx(0.05 * 0.88, rel=0.05)
    small = [model.attention_logit.kernel, *(w for w in model.mlp.weights if len(w.shape) == 2)]
    assert all(np.std(kernel) == pytest.approx(1e-4, rel=0.2) for kernel in small)
    assert np.abs(model(np.zeros((1, 2), np.int32)) - 0.5).max() < 1e-4
    assert not np.array_equal(*(layer.kernel[:2, :2] for layer in model.mlp.layers[:4:2]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"field_dims": ()},
            r"`field_dims` must be integers of at least 1. Received: field_dims=\(\)",
        ),
        ({"field_dims": (3, 0)}, "Received: field_dims"),
        ({"embed_dim": 0}, "`embed_dim`"),
        ({"num_layers": -1}, "`num_layers` must be integers of at least 0"),
        ({"num_classes": 0}, "`num_classes`"),
        (
            {"num_classes": 5, "num_positive": 5},
            "`num_positive` must be below `num_classes`, or 1 for a single class. Received",
        ),
        ({"num_heads": -1}, r"Received: num_heads=\[-1\]"),
        ({"head_dim": 0}, "`head_dim`"),
        ({"start": "cold"}, "`start` must be 'default' or 'original'. Received: start='cold'"),
        ({"mlp_units": (0,)}, "`mlp_units`"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: dropout=1.0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        AutoIntMLP(**({"field_dims": DIMS} | arguments))


def test_a_wrong_number_of_fields_is_refused():
    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 3"):
        FeaturesEmbedding(DIMS, 4)(np.zeros((2, 4), np.int32))


@pytest.mark.parametrize("kind", MODELS)
def test_the_config_has_every_argument(kind):
    arguments = {"field_dims": DIMS, "embed_dim": 4, "num_layers": 2, "num_heads": 1}
    arguments |= {"head_dim": 3, "start": "original", "num_classes": 3, "num_positive": 2}
    if kind is AutoIntMLP:
        arguments |= {"mlp_units": (6, 5), "dropout": 0.1, "pairwise_pooling": True}
    config = kind(**arguments).get_config()
    assert arguments.items() <= config.items()
    assert kind.from_config(config).get_config() == config
    arrays = {"field_dims": np.array(DIMS), "embed_dim": np.int64(4)}  # NumPy's integers, too
    assert arguments.items() <= kind(**arguments | arrays).get_config().items()
    layer = MultiHeadSelfAttention(2, 3, kernel_initializer="he_normal")
    again = MultiHeadSelfAttention.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


READ = """
import sys, numpy as np, keras, autoint, autointmlp
rows, *paths = sys.argv[1:]
for path in paths:
    np.save(path + ".npy", keras.saving.load_model(path)(np.load(rows)))
"""


@pytest.mark.slow
def test_saved_models_can_be_loaded_in_a_new_process(tmp_path):
    models = [spread(kind(DIMS, embed_dim=4, head_dim=4), 0.5) for kind in MODELS]
    paths = [str(tmp_path / f"{type(model).__name__}.keras") for model in models]
    for model, path in zip(models, paths, strict=True):
        model.save(path)
    np.save(tmp_path / "rows.npy", ids())
    command = [sys.executable, "-c", READ, str(tmp_path / "rows.npy"), *paths]
    subprocess.run(command, check=True, capture_output=True)
    for model, path in zip(models, paths, strict=True):
        np.testing.assert_array_equal(np.load(path + ".npy"), model(ids()))


def test_keras_fit_trains_the_model():
    model = AutoIntMLP(DIMS)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    rows = ids(512)
    labels = (rows[:, 0] == rows[:, 1]).astype(np.float32)
    history = model.fit(rows, labels, epochs=20, batch_size=64, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
