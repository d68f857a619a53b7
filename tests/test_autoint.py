"""AutoInt and AutoInt+: the same numbers as plain NumPy, weight counts, bad input, saving."""

import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest

from autoint import AutoInt, FeaturesEmbedding, MultiHeadSelfAttention
from autointmlp import AutoIntMLP

DIMS = (5, 3, 7)
MODELS = (AutoInt, AutoIntMLP)


def ids(rows=16):
    rng = np.random.default_rng(0)
    return np.stack([rng.integers(0, size, rows) for size in DIMS], axis=1).astype(np.int32)


def spread(model):
    """Give a model weights large enough that every part of it shows in the output."""
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, 0.5, variable.shape))
    return model


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def plain(model, rows):
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
                hidden = np.append(hidden, sum(one * other for one, other in pairs))
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


FIVE = {"num_classes": 5, "num_positive": 2}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (AutoInt, {}),
        (AutoIntMLP, {}),
        (AutoInt, FIVE),
        (AutoIntMLP, FIVE | {"pairwise_pooling": True}),
    ],
)
def test_same_numbers_as_plain_numpy(kind, more):
    model = spread(kind(DIMS, embed_dim=4, num_layers=2, num_heads=3, head_dim=2, **more))
    rows = ids()
    expected, alphas = plain(model, rows)
    probabilities, attention = model(rows, return_attention=True)
    np.testing.assert_allclose(probabilities[:, 0], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(np.stack(attention), alphas, rtol=1e-4, atol=1e-6)
    assert attention[0].shape == (16, 3, 3, 3)
    np.testing.assert_allclose(np.sum(attention, axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(model(rows), probabilities, rtol=1e-6)
    np.testing.assert_allclose(model.predict(rows, verbose=0), probabilities, rtol=1e-4)


def test_without_interacting_layers_the_embeddings_are_read_out():
    model = spread(AutoInt(DIMS, embed_dim=4, num_layers=0))
    kernel, bias = (w.numpy() for w in model.attention_logit.weights)
    read = model.embedding(ids()).numpy().reshape(16, -1) @ kernel + bias
    np.testing.assert_allclose(model.logits_of(model.embedding(ids()))[0], read, rtol=1e-5)
    assert model(ids(), return_attention=True)[1] == []


def test_number_of_weights():
    embedding = (5 + 3 + 7) * 16
    attention = 4 * 16 * 32 + 2 * (4 * 32 * 32)  # query, key, value, residual of three layers
    readout = 3 * 32 + 1
    mlp = (3 * 16 * 32 + 32) + (32 * 32 + 32) + 32
    assert AutoInt(DIMS).count_params() == embedding + attention + readout
    assert AutoIntMLP(DIMS).count_params() == embedding + attention + readout + mlp


def test_layer_without_residual():
    layer = MultiHeadSelfAttention(head_dim=2, num_heads=1, use_residual=False)
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    output, alpha = layer(x, return_attention=True)
    assert len(layer.weights) == 3
    np.testing.assert_allclose(
        output, np.maximum(alpha[:, 0] @ (x @ layer.kernels[2].numpy()), 0), rtol=1e-5
    )


def test_projections_start_different():
    layer = MultiHeadSelfAttention(head_dim=2, num_heads=1)
    layer.build((None, 3, 4))
    kernels = [kernel.numpy() for kernel in layer.kernels]
    assert not any(np.array_equal(kernels[0], other) for other in kernels[1:])


def test_dropout_acts_in_training_only():
    model = spread(AutoIntMLP(DIMS, dropout=0.5))
    rows = ids()
    assert np.array_equal(model(rows), model(rows))
    assert not np.array_equal(model(rows, training=True), model(rows, training=True))


def test_init_std():
    model = AutoIntMLP(DIMS, init_std=1e-4)
    kernels = [w for w in model.trainable_variables if len(w.shape) == 2]
    assert all(0 < np.std(w) < 3e-4 for w in kernels)
    assert np.abs(model(ids()) - 0.5).max() < 1e-5


BAD = [
    (
        {"field_dims": ()},
        r"`field_dims` must hold integers of 1 or more. Received: field_dims=\(\)",
    ),
    ({"field_dims": (3, 0)}, "Received: field_dims"),
    ({"embed_dim": 0}, "`embed_dim`"),
    (
        {"num_layers": -1},
        "`num_layers` must hold integers of 0 or more",
    ),
    ({"num_classes": 0}, "`num_classes`"),
    ({"num_classes": 5, "num_positive": 5}, "`num_positive` must be below `num_classes`. Received"),
    ({"num_heads": -1}, r"Received: num_heads=\[-1\]"),
    ({"head_dim": 0}, "`head_dim`"),
    ({"mlp_units": (0,)}, "`mlp_units`"),
    ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: dropout=1.0"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        AutoIntMLP(**({"field_dims": DIMS} | arguments))


def test_wrong_number_of_fields():
    with pytest.raises(ValueError, match="Expected 3 fields"):
        FeaturesEmbedding(DIMS, 4)(np.zeros((2, 4), np.int32))


def test_numpy_sizes_are_welcome():
    model = AutoIntMLP(np.array(DIMS), embed_dim=np.int64(4), mlp_units=np.array([8]))
    assert model(ids()).shape == (16, 1)


@pytest.mark.parametrize("kind", MODELS)
def test_config_is_complete(kind):
    arguments = {
        "field_dims": DIMS,
        "embed_dim": 4,
        "num_layers": 2,
        "num_heads": 1,
        "head_dim": 3,
        "init_std": 0.2,
        "num_classes": 3,
        "num_positive": 2,
    }
    if kind is AutoIntMLP:
        arguments |= {"mlp_units": (6, 5), "dropout": 0.1, "pairwise_pooling": True}
    config = kind(**arguments).get_config()
    assert arguments.items() <= config.items()
    again = kind.from_config(config)
    assert again.get_config() == config
    layer = MultiHeadSelfAttention(2, 3, use_residual=False, kernel_initializer="he_normal")
    again = MultiHeadSelfAttention.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


READ = """
import sys, numpy as np, keras, autoint, autointmlp
model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[3], model(np.load(sys.argv[2])))
"""


@pytest.mark.parametrize("kind", MODELS)
def test_saved_and_loaded_in_a_fresh_process(kind, tmp_path):
    model = spread(kind(DIMS, embed_dim=4, head_dim=4))
    paths = [str(tmp_path / name) for name in ("model.keras", "rows.npy", "out.npy")]
    model.save(paths[0])
    np.save(paths[1], ids())
    subprocess.run([sys.executable, "-c", READ, *paths], check=True, capture_output=True)
    np.testing.assert_array_equal(np.load(paths[2]), model(ids()))


def test_it_trains_with_keras_fit():
    model = AutoIntMLP(DIMS)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    rows = ids(512)
    labels = (rows[:, 0] == rows[:, 1]).astype(np.float32)
    history = model.fit(rows, labels, epochs=20, batch_size=64, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
