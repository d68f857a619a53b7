"""Scores of encoded rows, several times as fast as the model's own graph.

At scoring time weights stand still, so what depends on one id alone is worked out once for every
id: the first interacting layer's projections and what the id adds to the MLP's first layer. A row
then reads those tables, and `movierec.kernel` does the rest on all cores.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np

from movierec.rows import check_ids
from movierec.trained import Trained

ROWS = 2048  # a thread takes at most at a time


def predictor(model: Trained) -> Callable[[np.ndarray], np.ndarray]:
    """A function from int32 ids `(rows, fields)` to probabilities, float32 `(rows,)`.

    It raises ValueError for ids that do not fit the model. The first call on a machine takes some
    seconds, in which Numba compiles the kernel and stores it beside its source.
    """
    from movierec import kernel  # Numba is imported by those who score only

    constants, offsets = _constants(model), model.offsets
    threads = joblib.cpu_count()
    pool = ThreadPoolExecutor(threads)

    def predict(ids: np.ndarray) -> np.ndarray:
        check_ids(ids, model.field_dims)
        logits = np.empty((len(ids), model.num_classes), np.float32)
        parts = threads * max(1, -(-len(ids) // (threads * ROWS)))  # as many for every thread
        size = kernel.BLOCK * max(1, -(-len(ids) // (parts * kernel.BLOCK)))

        def part(start: int) -> None:
            chunk = slice(start, start + size)
            rows = np.add(ids[chunk], offsets, dtype=np.int32, order="C")
            kernel.logits(rows, *constants, logits[chunk])

        list(pool.map(part, range(0, len(ids), size)))
        return model.probabilities(logits)[:, 0]

    return predict


def _constants(model: Trained) -> tuple:
    """The arguments of `kernel.logits` between the first and the last."""
    table, fields = model.table, len(model.field_dims)
    columns, heads = model.embed_dim, model.num_heads if model.layers else 1
    dim = len(model.readout) // fields // heads
    wide = _up(dim)

    def split(kernel: np.ndarray) -> np.ndarray:
        """The last axis by heads, each as wide as the next multiple of 4."""
        return padded(kernel.reshape(*kernel.shape[:-1], heads, dim), -1)

    def merged(kernel: np.ndarray) -> np.ndarray:
        return kernel.reshape(len(kernel), -1)

    projections = [merged(split(kernels).transpose(1, 2, 0, 3)) for kernels in model.layers]
    kernels = [merged(split(kernel.T)) for kernel in projections[1:]]
    readout = split(model.readout.T.reshape(-1, fields, heads * dim))
    readout = padded(readout.reshape(-1, fields, heads * wide), 0).swapaxes(1, 2)
    units, biases, dense = [len(readout)], [], []
    sums = pooling = vectors = np.empty((len(table), 0), np.float32)
    if model.dense:
        first, *others = model.dense
        first = padded(first, 1)
        sums = _by_field(model, first[: fields * columns])
        if model.pairwise_pooling:
            vectors, pooling = padded(table, 1), padded(first[fields * columns :].T, 1)
        dense = [padded(padded(kernel.T, 0), 1) for kernel in others]
        units = [sums.shape[1], *map(len, dense)]
        biases = [padded(bias, 0) for bias in model.biases]
    return (
        heads,
        wide,
        table @ projections[0] if projections else merged(split(table)),
        flat(kernels),
        flat([readout]),
        sums,
        flat([pooling]),
        flat(dense),
        flat([*biases, padded(model.bias, 0)]),
        np.array(units),
        vectors,
    )


def _by_field(model: Trained, kernel: np.ndarray) -> np.ndarray:
    """What every id's vector adds to a dense layer, `kernel` being (fields · dim, units)."""
    tables = np.split(model.table, model.offsets[1:])
    blocks = np.split(kernel, len(tables))
    return np.concatenate([part @ block for part, block in zip(tables, blocks, strict=True)])


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
