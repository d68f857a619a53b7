"""What training minimises, and on processors a faster way to its gradients.

There the interacting layers take most of a training step. `movierec.gradients` works out their
losses and gradients block by block; here TensorFlow is told to use it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import tensorflow as tf

from autoint import AutoInt
from movierec import scoring

ROWS = 256  # a thread takes at a time; sums are taken in the same order by any number of threads


def cross_entropy(targets, logits):
    """What training minimises, `(rows,)`.

    Args:
        targets: labels 0 or 1 as floats for logits of one column; else classes from 0 as integers.
        logits: `(rows, num_classes)`.
    """
    if logits.shape[1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)


def mean_loss(model) -> Callable:
    """A function of embeddings `(rows, fields, embed_dim)` and targets: the mean cross-entropy.

    It is compiled for processors where the model has interacting layers of sizes that fill their
    vector units; else it is `plain_loss`. Both give the same numbers. The first training on a
    machine takes some seconds more, in which Numba compiles the code and stores it.
    """
    if not (
        isinstance(model, AutoInt)
        and model.num_layers
        and model.compute_dtype == "float32"
        and model.embedding.embed_dim % 4 == model.head_dim % 4 == 0
        and not tf.config.list_logical_devices("GPU")
    ):
        return plain_loss(model)
    loss = _compiled(model)
    layers = [kernel for layer in model.interacting for kernel in layer.kernels]
    weights = [*layers, *model.attention_logit.weights]

    def mean(vectors, targets):
        others = model.beside(vectors, training=True)
        return loss(vectors, others, targets, *(tf.convert_to_tensor(w) for w in weights))

    return mean


def plain_loss(model) -> Callable:
    """`mean_loss` by the model's own graph."""

    def mean(vectors, targets):
        logits, _ = model.logits_of(vectors, training=True)
        return tf.reduce_mean(cross_entropy(targets, logits))

    return mean


def _compiled(model: AutoInt) -> Callable:
    """The mean loss of embeddings, further logits, targets, kernels of the layers and read-out."""
    from movierec import gradients  # Numba is imported by those who train only

    heads, fields = model.num_heads, len(model.embedding.field_dims)
    pool = ThreadPoolExecutor(joblib.cpu_count())

    def compute(vectors, others, targets, *weights):
        *layers, readout, bias = weights
        layers = [np.stack(layers[at : at + 4]) for at in range(0, len(layers), 4)]
        kernels = [_by_heads(layer, heads) for layer in layers]
        reading = scoring.padded(readout, 1)
        reading = reading.reshape(fields, -1, reading.shape[1])
        constants = (
            np.float32(1 / max(1, len(vectors))),
            heads,
            model.head_dim,
            scoring.flat(kernels),
            scoring.flat([kernel.swapaxes(1, 2) for kernel in kernels]),
            reading.T.ravel(),
            reading.ravel(),
            scoring.padded(bias, 0),
        )
        losses = np.empty(len(vectors), np.float32)
        d_vectors, d_others = np.empty_like(vectors), np.empty_like(others)
        parts = range(-(-len(vectors) // ROWS))
        sums = [np.zeros((len(parts), constants[place].size), np.float32) for place in (3, 5, 7)]

        def part(number: int) -> None:
            rows = slice(number * ROWS, (number + 1) * ROWS)
            gradients.gradients(
                *(array[rows] for array in (vectors, others, targets)),
                *constants,
                *(array[rows] for array in (losses, d_vectors, d_others)),
                *(each[number] for each in sums),
            )

        list(pool.map(part, parts))
        d_kernels, d_reading, d_bias = (each.sum(axis=0) for each in sums)
        ends = np.cumsum([kernel.size for kernel in kernels])[:-1]
        d_layers = [
            kernel
            for d_layer, layer in zip(np.split(d_kernels, ends), layers, strict=True)
            for kernel in _from_heads(d_layer, layer.shape, heads)
        ]
        d_readout = d_reading.reshape(reading.T.shape).T[..., : len(bias)].reshape(readout.shape)
        return losses.mean(), d_vectors, d_others, *d_layers, d_readout, d_bias[: len(bias)]

    @tf.custom_gradient
    def loss(vectors, others, targets, *weights):
        inputs = [vectors, others, *weights]
        results = tf.numpy_function(
            compute, [vectors, others, targets, *weights], [tf.float32] * (1 + len(inputs))
        )
        for result, like in zip(results[1:], inputs, strict=True):
            result.set_shape(like.shape)
        results[0].set_shape(())

        def backward(upstream):
            d_vectors, d_others, *d_weights = (upstream * result for result in results[1:])
            return [d_vectors, d_others, None, *d_weights]

        return results[0], backward

    return loss


def _by_heads(kernels: np.ndarray, heads: int) -> np.ndarray:
    """Kernels (4, inputs, heads · dim) as (heads, 4 · dim, inputs)."""
    inputs = kernels.shape[1]
    split = kernels.reshape(4, inputs, heads, -1)
    return split.transpose(2, 0, 3, 1).reshape(heads, -1, inputs)


def _from_heads(flat: np.ndarray, shape: tuple[int, ...], heads: int) -> np.ndarray:
    """Back from `_by_heads`."""
    split = flat.reshape(heads, 4, -1, shape[1])
    return split.transpose(1, 3, 0, 2).reshape(shape)
