"""The cross-entropy that training minimises, and its compiled gradients on CPUs.

The embedding penalty is added in `movierec.training.loop`.

On CPUs the interacting layers take most of a training step. `movierec.models.kernels` computes
their losses and gradients block by block; here they become a TensorFlow custom gradient.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import tensorflow as tf

from autoint import AutoInt
from movierec.models import registry, scorer

ROWS = 256  # rows per task; sums are taken in the same order for any number of threads


def cross_entropy(targets, logits):
    """The cross-entropy of every row, `(rows,)`.

    Args:
        targets: for one column of logits, labels 0 or 1 as floats; otherwise classes from 0 as
            integers.
        logits: `(rows, num_classes)`.
    """
    if logits.shape[1] == 1:
        return tf.nn.sigmoid_cross_entropy_with_logits(targets, logits[:, 0])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)


def is_compiled(model) -> bool:
    """Whether `mean_loss` uses the compiled kernels for a Keras model.

    True without a GPU, for exactly AutoInt and AutoIntMLP (no subclass) in float32, with at least
    one interacting layer and sizes that are multiples of 4.
    """
    return bool(
        registry.has_compiled_kernels(model)
        and model.num_layers
        and model.compute_dtype == "float32"
        and model.embedding.embed_dim % 4 == model.head_dim % 4 == 0
        and not tf.config.list_logical_devices("GPU")
    )


def mean_loss(model) -> Callable:
    """A function from embeddings `(rows, fields, embed_dim)` and targets to the mean cross-entropy.

    It is compiled if `is_compiled(model)`, otherwise it is `graph_loss(model)`; both agree up to
    float32 rounding. The first training on a machine takes some seconds more, in which Numba
    compiles the kernels and stores them.
    """
    if not is_compiled(model):
        return graph_loss(model)
    loss = _compiled(model)
    layers = [kernel for layer in model.interacting for kernel in layer.kernels]
    weights = [*layers, *model.attention_logit.weights]

    def mean(vectors, targets):
        extra = model.extra_logits(vectors, training=True)
        return loss(vectors, extra, targets, *(tf.convert_to_tensor(w) for w in weights))

    return mean


def graph_loss(model) -> Callable:
    """`mean_loss` computed by the model's own graph."""

    def mean(vectors, targets):
        logits, _ = model.logits_of(vectors, training=True)
        return tf.reduce_mean(cross_entropy(targets, logits))

    return mean


def _compiled(model: AutoInt) -> Callable:
    """Mean loss as a function of embeddings, extra logits, targets, layer kernels and output."""
    from movierec.models import kernels as numba_kernels  # Numba is slow to import

    heads, fields = model.num_heads, len(model.embedding.field_dims)
    pool = ThreadPoolExecutor(joblib.cpu_count())

    def compute(vectors, extra, targets, *weights):
        *layers, readout, bias = weights
        layers = [np.stack(layers[at : at + 4]) for at in range(0, len(layers), 4)]
        kernels = [_split_heads(layer, heads) for layer in layers]
        reading = scorer.padded(readout, 1)
        reading = reading.reshape(fields, -1, reading.shape[1])
        constants = (
            np.float32(1 / max(1, len(vectors))),
            heads,
            model.head_dim,
            scorer.flat(kernels),
            scorer.flat([kernel.swapaxes(1, 2) for kernel in kernels]),
            reading.T.ravel(),
            reading.ravel(),
            scorer.padded(bias, 0),
        )
        losses = np.empty(len(vectors), np.float32)
        d_vectors, d_extra = np.empty_like(vectors), np.empty_like(extra)
        parts = range(-(-len(vectors) // ROWS))
        sums = [np.zeros((len(parts), constants[index].size), np.float32) for index in (3, 5, 7)]

        def part(number: int) -> None:
            rows = slice(number * ROWS, (number + 1) * ROWS)
            numba_kernels.gradients(
                *(array[rows] for array in (vectors, extra, targets)),
                *constants,
                *(array[rows] for array in (losses, d_vectors, d_extra)),
                *(array[number] for array in sums),
            )

        list(pool.map(part, parts))
        d_kernels, d_reading, d_bias = (array.sum(axis=0) for array in sums)
        ends = np.cumsum([kernel.size for kernel in kernels])[:-1]
        d_layers = [
            kernel
            for d_layer, layer in zip(np.split(d_kernels, ends), layers, strict=True)
            for kernel in _merge_heads(d_layer, layer.shape, heads)
        ]
        d_readout = d_reading.reshape(reading.T.shape).T[..., : len(bias)].reshape(readout.shape)
        return losses.mean(), d_vectors, d_extra, *d_layers, d_readout, d_bias[: len(bias)]

    @tf.custom_gradient
    def loss(vectors, extra, targets, *weights):
        inputs = [vectors, extra, *weights]
        results = tf.numpy_function(
            compute, [vectors, extra, targets, *weights], [tf.float32] * (1 + len(inputs))
        )
        for result, like in zip(results[1:], inputs, strict=True):
            result.set_shape(like.shape)
        results[0].set_shape(())

        def backward(upstream):
            d_vectors, d_extra, *d_weights = (upstream * result for result in results[1:])
            return [d_vectors, d_extra, None, *d_weights]

        return results[0], backward

    return loss


def _split_heads(kernels: np.ndarray, heads: int) -> np.ndarray:
    """Kernels (4, inputs, heads · dim) as (heads, 4 · dim, inputs)."""
    inputs = kernels.shape[1]
    split = kernels.reshape(4, inputs, heads, -1)
    return split.transpose(2, 0, 3, 1).reshape(heads, -1, inputs)


def _merge_heads(flat: np.ndarray, shape: tuple[int, ...], heads: int) -> np.ndarray:
    """Inverse of `_split_heads`."""
    split = flat.reshape(heads, 4, -1, shape[1])
    return split.transpose(1, 3, 0, 2).reshape(shape)
