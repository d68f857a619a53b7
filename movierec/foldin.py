"""Fold-in: give the model somebody it has never met, from a few of their ratings.

Only this person's embedding vector is learnt, the one that stands in place of the user id's; the
model stays as it is. The vector starts as the unknown user's, and a penalty draws it back there,
so that few ratings move it little. With `v` the vector, `u` the unknown user's and one term per
rating, `Σ loss + PULL · ‖v − u‖²` is minimised by Adam over the whole batch. Adam scales every
coordinate by itself, so people folded in together do not touch each other.
"""

import numpy as np
import tensorflow as tf
from keras import ops

from autoint import AutoInt
from movierec.encoding import UNKNOWN
from movierec.models import ROWS_PER_CALL, check_ids
from movierec.preprocess import LIKED

PULL = 1.0
STEPS = 40
RATE = 0.05


def probability(logits):
    """Probability of a rating of `LIKED` or more, `(rows,)`, from what `model.logits_of` gives."""
    return ops.sigmoid(logits[:, 0])


def loss(logits, ratings):
    """How badly the logits foretell ratings of 1 to 5, `(rows,)`: what training minimises."""
    liked = tf.cast(ratings >= LIKED, tf.float32)
    return tf.nn.sigmoid_cross_entropy_with_logits(liked, logits[:, 0])


def embedded(model: AutoInt, ids: np.ndarray, vectors):
    """The model's embeddings of `ids`, with `vectors` (rows, embed_dim) in place of field 0's."""
    return tf.concat([vectors[:, None, :], model.embedding(ids)[:, 1:]], axis=1)


def unknown(model: AutoInt) -> np.ndarray:
    """The unknown user's vector, float32 (embed_dim,)."""
    nobody = np.full((1, len(model.embedding.field_dims)), UNKNOWN, np.int32)
    return model.embedding(nobody)[0, 0].numpy()


def fold_in(model: AutoInt, ids: np.ndarray, ratings: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """A vector for each person, learnt from their ratings.

    Args:
        model: a trained model; it is not changed.
        ids: encoded rows that were rated, int32 (rows, fields); field 0, the user, is not read.
        ratings: 1 to 5, shape (rows,).
        owner: whose row it is, whole numbers from 0, shape (rows,).

    Returns:
        float32, shape (people, embed_dim), people being the highest owner + 1. Somebody without
        rows has the unknown user's vector.

    Raises:
        ValueError: shapes that do not fit each other or the model, ratings outside 1..5, negative
            owners.
    """
    ids, ratings, owner = np.asarray(ids), np.asarray(ratings), np.asarray(owner)
    check_ids(ids, model.embedding.field_dims)
    if ratings.shape != (len(ids),) or owner.shape != (len(ids),):
        raise ValueError(
            f"expected one rating and one owner a row, shape ({len(ids)},). "
            f"Received: {ratings.shape} and {owner.shape}"
        )
    if not ((ratings >= 1) & (ratings <= 5)).all():
        raise ValueError(f"expected ratings from 1 to 5. Received: {np.unique(ratings)[:10]}")
    if (owner < 0).any():
        raise ValueError(f"expected owners of 0 or more. Received: {owner.min()}")
    start = unknown(model)
    vectors = tf.Variable(np.tile(start, (int(owner.max(initial=-1)) + 1, 1)))
    if len(ids):
        _descend(model, vectors, start, ids, ratings, owner)
    return vectors.numpy()


def _descend(model, vectors: tf.Variable, start, ids, ratings, owner) -> None:
    """Adam's `STEPS` steps, written out so that nothing is built for them."""
    ratings = tf.constant(ratings)
    first = second = tf.zeros_like(vectors)
    for step in range(1, STEPS + 1):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(vectors)
            logits, _ = model.logits_of(embedded(model, ids, tf.gather(vectors, owner)))
            away = tf.reduce_sum(tf.square(vectors - start))
            total = tf.reduce_sum(loss(logits, ratings)) + PULL * away
        gradient = tape.gradient(total, vectors)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * tf.square(gradient)
        size = first / (1 - 0.9**step) / (tf.sqrt(second / (1 - 0.99**step)) + 1e-7)
        vectors.assign_sub(RATE * size)


def score(model: AutoInt, ids: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Probabilities of a rating of 4 or more, with `vectors` in place of the user's.

    Args:
        model: a trained model.
        ids: encoded rows, int32 (rows, fields); field 0 is not read.
        vectors: float32 (rows, embed_dim).

    Returns:
        float32, shape (rows,).

    Raises:
        ValueError: ids that do not fit the model, or vectors that do not fit the ids.
    """
    check_ids(ids, model.embedding.field_dims)
    if vectors.shape != (len(ids), model.embedding.embed_dim):
        raise ValueError(
            f"expected vectors of shape ({len(ids)}, {model.embedding.embed_dim}). "
            f"Received: {vectors.shape}"
        )
    chunks = [np.empty(0, np.float32)]
    for start in range(0, len(ids), ROWS_PER_CALL):
        rows = slice(start, start + ROWS_PER_CALL)
        logits, _ = model.logits_of(embedded(model, ids[rows], vectors[rows]))
        chunks.append(probability(logits).numpy())
    return np.concatenate(chunks)
