"""Probabilities of encoded rows, several times as fast as the Keras model's own graph.

The weights are constant when scoring, so everything that depends on a single id is computed once
per id: the first interacting layer's projections and the id's contribution to the MLP's first
layer. A row reads these tables, and `movierec.models.kernels` computes the rest on all cores.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from movierec.data.rows import check_ids
from movierec.models import registry
from movierec.models.numpy_model import NumpyModel

ROWS = 2048  # rows per task, at most
ROWS_PER_CALL = 8192  # rows per call of a Keras graph

Predictor = Callable[[np.ndarray], np.ndarray]


def predictor(model) -> Predictor:
    """A function from int32 ids `(rows, fields)` to probabilities, float32 `(rows,)`.

    It raises ValueError for ids that do not fit the model. Call `predictor` again after the
    weights have changed. The first call on a machine takes some seconds, in which Numba compiles
    the kernels and stores them.

    Args:
        model: a `NumpyModel` or a Keras model. AutoInt and AutoInt+ are scored by the compiled
            kernels, other Keras models by their own graph.
    """
    if not isinstance(model, NumpyModel):
        if not registry.has_compiled_kernels(model):
            return _graph_predictor(model)
        model = NumpyModel.of(model)
    return _kernel_predictor(model)


def _kernel_predictor(model: NumpyModel) -> Predictor:
    from movierec.models import kernels  # Numba is slow to import

    constants, offsets = _constants(model), model.offsets
    threads = joblib.cpu_count()
    pool = ThreadPoolExecutor(threads)

    def predict(ids: np.ndarray) -> np.ndarray:
        check_ids(ids, model.field_dims)
        logits = np.empty((len(ids), model.num_classes), np.float32)
        parts = threads * max(1, -(-len(ids) // (threads * ROWS)))  # the same number per thread
        size = kernels.BLOCK * max(1, -(-len(ids) // (parts * kernels.BLOCK)))

        def part(start: int) -> None:
            chunk = slice(start, start + size)
            rows = np.add(ids[chunk], offsets, dtype=np.int32, order="C")
            kernels.logits(rows, *constants, logits[chunk])

        list(pool.map(part, range(0, len(ids), size)))
        return model.probabilities(logits)[:, 0]

    return predict


def _graph_predictor(model) -> Predictor:
    import tensorflow as tf

    dims = model.embedding.field_dims
    signature = [tf.TensorSpec((None, len(dims)), tf.int32)]
    forward = tf.function(lambda ids: model(ids)[:, 0], input_signature=signature)
    graph = forward.get_concrete_function()  # no warning about retracing with many models

    def predict(ids: np.ndarray) -> np.ndarray:
        check_ids(ids, dims)
        starts = range(0, len(ids), ROWS_PER_CALL)
        chunks = [graph(tf.constant(ids[s : s + ROWS_PER_CALL], tf.int32)).numpy() for s in starts]
        return np.concatenate([np.empty(0, np.float32), *chunks])

    return predict


@threadpool_limits.wrap(limits=1, user_api="blas")  # rounding may depend on the number of threads
def _constants(model: NumpyModel) -> tuple:
    """The arguments of `kernels.logits` between the first and the last."""
    table, fields = model.table, len(model.field_dims)
    columns, heads = model.embed_dim, model.num_heads if model.layers else 1
    dim = len(model.readout) // fields // heads
    padded_dim = _up(dim)

    def split(kernel: np.ndarray) -> np.ndarray:
        """Split the last axis into heads, each padded to the next multiple of 4."""
        return padded(kernel.reshape(*kernel.shape[:-1], heads, dim), -1)

    def merged(kernel: np.ndarray) -> np.ndarray:
        return kernel.reshape(len(kernel), -1)

    projections = [merged(split(kernels).transpose(1, 2, 0, 3)) for kernels in model.layers]
    kernels = [merged(split(kernel.T)) for kernel in projections[1:]]
    readout = split(model.readout.T.reshape(-1, fields, heads * dim))
    readout = padded(readout.reshape(-1, fields, heads * padded_dim), 0).swapaxes(1, 2)
    units, biases, dense = [len(readout)], [], []
    sums = pooling = vectors = np.empty((len(table), 0), np.float32)
    if model.dense:
        first, *others = model.dense
        first = padded(first, 1)
        sums = _contributions(model, first[: fields * columns])
        if model.pairwise_pooling:
            vectors, pooling = padded(table, 1), padded(first[fields * columns :].T, 1)
        dense = [padded(padded(kernel.T, 0), 1) for kernel in others]
        units = [sums.shape[1], *map(len, dense)]
        biases = [padded(bias, 0) for bias in model.biases]
    return (
        heads,
        padded_dim,
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


def _contributions(model: NumpyModel, kernel: np.ndarray) -> np.ndarray:
    """Every id's contribution to a dense layer with the kernel (fields · dim, units)."""
    tables = np.split(model.table, model.offsets[1:])
    blocks = np.split(kernel, len(tables))
    return np.concatenate([part @ block for part, block in zip(tables, blocks, strict=True)])


def _up(size: int) -> int:
    """The next multiple of 4."""
    return -(-size // 4) * 4


def padded(array: np.ndarray, axis: int) -> np.ndarray:
    """`array` with zeros appended along `axis` up to the next multiple of 4."""
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, _up(array.shape[axis]) - array.shape[axis])
    return np.pad(array, widths)


def flat(arrays) -> np.ndarray:
    """The arrays' elements concatenated, float32."""
    return np.concatenate([np.empty(0, np.float32), *(np.ravel(array) for array in arrays)])
