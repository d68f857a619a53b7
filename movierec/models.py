"""The models by name, and their scores for encoded rows."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import scoring
from movierec.rows import check_ids
from movierec.trained import Trained

MODELS = {"autoint": AutoInt, "autointmlp": AutoIntMLP}
ROWS_PER_CALL = 8192


def predictor(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """A function from int32 ids `(rows, fields)` to probabilities, float32 `(rows,)`.

    The numbers are those of `model.predict` with the weights that the model has now; call this
    again when they have changed. It raises ValueError for ids that do not fit the model. AutoInt
    and AutoInt+ are scored by `movierec.scoring`, other models by their graph.
    """
    if type(model) in MODELS.values():
        return scoring.predictor(Trained.of(model))
    return functools.partial(_by_graph, model)


def _by_graph(model: keras.Model, ids: np.ndarray) -> np.ndarray:
    """Probabilities from the model's own graph, float32 `(rows,)`."""
    check_ids(ids, model.embedding.field_dims)
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


def mean_attention(model: AutoInt | Trained, ids: np.ndarray) -> np.ndarray:
    """Each interacting layer's attention, averaged over heads and rows.

    Args:
        model: a trained model, as Keras has it or as `artefacts.load` gives it.
        ids: encoded rows, shape (rows, fields), one at least.

    Returns:
        float32, shape (layers, fields, fields): how much the field of a row of the matrix looks
        at the field of a column; rows sum to 1.

    Raises:
        ValueError: no rows, or ids that do not fit the model.
    """
    if not len(ids):
        raise ValueError("expected one row of ids at least. Received: none")
    model = model if isinstance(model, Trained) else Trained.of(model)
    sums = 0
    for start in range(0, len(ids), ROWS_PER_CALL):
        _, layers = model.logits_of(model.embedding(ids[start : start + ROWS_PER_CALL]))
        sums += np.array([np.sum(np.mean(layer, axis=1), axis=0) for layer in layers])
    return (sums / len(ids)).astype(np.float32)
