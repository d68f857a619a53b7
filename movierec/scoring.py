"""Scores of encoded rows, several times as fast as the model's own graph.

At scoring time weights stand still, so what depends on one id alone is worked out once for every
id: the first interacting layer's projections and what the id adds to the MLP's first layer. A row
then reads those tables, and `movierec.kernel` does the rest on all cores.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.special import expit, softmax

from autoint import AutoInt
from autointmlp import AutoIntMLP

ROWS = 256  # a thread takes at a time


def scorer(model: AutoInt) -> Callable[[np.ndarray], np.ndarray]:
    """A function from int32 ids `(rows, fields)` to probabilities, float32 `(rows,)`.

    It keeps the weights that the model has now. Ids are not checked. The first call on a machine
    takes some seconds, in which Numba compiles the kernel and stores it beside its source.
    """
    from movierec import kernel  # Numba is imported by those who score only

    constants = _constants(model)
    offsets = np.cumsum([0, *model.embedding.field_dims[:-1]], dtype=np.int32)
    pool = ThreadPoolExecutor(cores())

    def score(ids: np.ndarray) -> np.ndarray:
        rows = ids.astype(np.int32) + offsets
        logits = np.empty((len(rows), model.num_classes), np.float32)

        def part(start: int) -> None:
            chunk = slice(start, start + ROWS)
            kernel.logits(rows[chunk], *constants, logits[chunk])

        list(pool.map(part, range(0, len(rows), ROWS)))
        if model.num_classes == 1:
            return expit(logits[:, 0])
        return softmax(logits, axis=1)[:, -model.num_positive :].sum(axis=1)

    return score


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _constants(model: AutoInt) -> tuple:
    """The arguments of `kernel.logits` between the first and the last."""
    table = model.embedding.table.numpy()
    heads, dim = model.num_heads, model.head_dim
    fields, columns = len(model.embedding.field_dims), model.embedding.embed_dim
    if not model.num_layers:
        heads, dim = 1, columns
    wide = _up(dim)

    def split(kernel: np.ndarray) -> np.ndarray:
        """The last axis by heads, each as wide as the next multiple of 4."""
        return padded(kernel.reshape(*kernel.shape[:-1], heads, dim), -1)

    def merged(kernel: np.ndarray) -> np.ndarray:
        return kernel.reshape(len(kernel), -1)

    projections = [
        merged(np.stack([split(kernel.numpy()) for kernel in layer.kernels], axis=2))
        for layer in model.interacting
    ]
    kernels = [merged(split(kernel.T)) for kernel in projections[1:]]
    readout, bias = (weight.numpy() for weight in model.attention_logit.weights)
    readout = split(readout.T.reshape(-1, fields, heads * dim))
    readout = padded(readout.reshape(-1, fields, heads * wide), 0).swapaxes(1, 2)
    units, biases, dense = [], [], []
    sums = pooling = vectors = np.empty((len(table), 0), np.float32)
    if isinstance(model, AutoIntMLP):
        first, *others = (layer for layer in model.mlp.layers if layer.weights)
        kernel = padded(first.kernel.numpy(), 1)
        sums = _by_field(model, table, kernel[: fields * columns])
        if model.pairwise_pooling:
            vectors, pooling = padded(table, 1), padded(kernel[fields * columns :].T, 1)
        units.append(sums.shape[1])
        biases.append(padded(first.bias.numpy(), 0))
        for layer in others:
            dense.append(padded(padded(layer.kernel.numpy().T, 0), 1))
            units.append(len(dense[-1]))
            if layer.use_bias:
                biases.append(padded(layer.bias.numpy(), 0))
    else:
        units.append(len(readout))
    return (
        heads,
        wide,
        table @ projections[0] if projections else merged(split(table)),
        flat(kernels),
        flat([readout]),
        sums,
        flat([pooling]),
        flat(dense),
        flat([*biases, padded(bias, 0)]),
        np.array(units),
        vectors,
    )


def _by_field(model: AutoInt, table: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What every id's vector adds to a dense layer, `kernel` being (fields · dim, units)."""
    ends = np.cumsum(model.embedding.field_dims)[:-1]
    blocks = np.split(kernel, len(ends) + 1)
    return np.concatenate(
        [part @ block for part, block in zip(np.split(table, ends), blocks, strict=True)]
    )


def _up(size: int) -> int:
    return -(-size // 4) * 4


def padded(array: np.ndarray, axis: int) -> np.ndarray:
    """With zeros behind, to the next multiple of 4 of the axis's length."""
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, _up(array.shape[axis]) - array.shape[axis])
    return np.pad(array, widths)


def flat(arrays) -> np.ndarray:
    """One after the other, float32."""
    return np.concatenate([np.empty(0, np.float32), *(np.ravel(array) for array in arrays)])
