"""The models by name, and their scores for encoded rows."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import scoring

MODELS = {"autoint": AutoInt, "autointmlp": AutoIntMLP}
TITLES = {"autoint": "AutoInt", "autointmlp": "AutoInt+"}
ROWS_PER_CALL = 8192


def check_ids(ids: np.ndarray, field_dims: tuple[int, ...]) -> None:
    """Refuse ids that an embedding table does not hold.

    Raises:
        ValueError: naming the first field and id out of range, or the wrong shape.
    """
    if ids.ndim != 2 or ids.shape[1] != len(field_dims):
        raise ValueError(f"expected ids of shape (rows, {len(field_dims)}). Received: {ids.shape}")
    if not len(ids):
        return
    wrong = (ids.min(axis=0) < 0) | (ids.max(axis=0) >= field_dims)
    if wrong.any():
        field = int(np.argmax(wrong))
        low, high = ids[:, field].min(), ids[:, field].max()
        raise ValueError(
            f"ids of field {field} must be in 0..{field_dims[field] - 1}. Received: {low}..{high}. "
            "Encode the rows with the encoder that belongs to the model"
        )


def predictor(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A function from int32 ids `(rows, fields)` to probabilities, float32 `(rows,)`.

    The numbers are those of `model.predict` with the weights that the model has now; call this
    again when they have changed. It raises ValueError for ids that do not fit the model. AutoInt
    and AutoInt+ are scored by `movierec.scoring`, other models by their graph.
    """
    fast = type(model) in MODELS.values()
    score = scoring.scorer(model) if fast else functools.partial(_by_graph, model)

    def predict(ids: np.ndarray) -> np.ndarray:
        check_ids(ids, model.embedding.field_dims)
        return score(ids)

    return predict


def _by_graph(model: keras.Model, ids: np.ndarray) -> np.ndarray:
    """Probabilities from the model's own graph, float32 `(rows,)`."""
    call = _graph(model)
    starts = range(0, len(ids), ROWS_PER_CALL)
    chunks = [call(tf.constant(ids[s : s + ROWS_PER_CALL], tf.int32)).numpy() for s in starts]
    return np.concatenate([np.empty(0, np.float32), *chunks])


@functools.lru_cache(maxsize=4)
def _graph(model: keras.Model):
    """The forward pass, traced once a model."""
    signature = tf.TensorSpec((None, len(model.embedding.field_dims)), tf.int32)
    forward = tf.function(lambda ids: model(ids)[:, 0], input_signature=[signature])
    return forward.get_concrete_function()  # TensorFlow warns of many models otherwise


def mean_attention(model: AutoInt, ids: np.ndarray) -> np.ndarray:
    """Each interacting layer's attention, averaged over heads and rows.

    Args:
        model: a trained model.
        ids: encoded rows, shape (rows, fields), one at least.

    Returns:
        float32, shape (layers, fields, fields): how much the field of a row of the matrix looks
        at the field of a column; rows sum to 1.

    Raises:
        ValueError: no rows, or ids that do not fit the model.
    """
    check_ids(ids, model.embedding.field_dims)
    if not len(ids):
        raise ValueError("expected one row of ids at least. Received: none")
    sums = np.zeros((model.num_layers, ids.shape[1], ids.shape[1]))
    for start in range(0, len(ids), ROWS_PER_CALL):
        _, layers = model(ids[start : start + ROWS_PER_CALL], return_attention=True)
        sums += [np.sum(np.mean(layer, axis=1), axis=0) for layer in layers]
    return (sums / len(ids)).astype(np.float32)
