"""Fold-in: give the model somebody it has never met, from a few of their ratings.

Only this person's embedding vector is learnt, the one that stands in place of the user id's; the
model stays as it is. The vector is `u + S z`: it starts as the unknown user's, `u`, and the known
users' vectors say how far and which way people differ (`S Sᵀ` is their covariance). With `z`
standard normal a priori, `Σ loss + pull · ‖z‖² / 2` is minimised, one loss a rating, by Adam over
the whole batch. Adam scales every coordinate by itself, so people folded in together do not touch
each other.
"""

import functools

import numpy as np
import tensorflow as tf

from autoint import AutoInt
from movierec.encoding import UNKNOWN
from movierec.fitting import targets_of
from movierec.losses import cross_entropy
from movierec.models import ROWS_PER_CALL, check_ids

PULL = 1.0  # the posterior's mode; chosen by `movierec.newcomers`
STEPS = 20
RATE = 0.2  # Adam's, in units of z


def embedded(model: AutoInt, ids: np.ndarray, vectors):
    """The model's embeddings of `ids`, with `vectors` (rows, embed_dim) in place of field 0's."""
    return tf.concat([vectors[:, None, :], model.embedding(ids)[:, 1:]], axis=1)


def unknown(model: AutoInt) -> np.ndarray:
    """The unknown user's vector, float32 (embed_dim,)."""
    return _users(model)[UNKNOWN]


def _users(model: AutoInt) -> np.ndarray:
    """The vectors of all ids of field 0, float32 (users, embed_dim)."""
    ids = np.zeros((model.embedding.field_dims[0], len(model.embedding.field_dims)), np.int32)
    ids[:, 0] = np.arange(len(ids))
    return model.embedding(ids).numpy()[:, 0]


def fold_in(
    model: AutoInt, ids: np.ndarray, ratings: np.ndarray, owner: np.ndarray, pull: float = PULL
) -> np.ndarray:
    """A vector for each person, learnt from their ratings.

    Args:
        model: a trained model; it is not changed.
        ids: encoded rows that were rated, int32 (rows, fields); field 0, the user, is not read.
        ratings: 1 to 5, shape (rows,).
        owner: whose row it is, whole numbers from 0, shape (rows,).
        pull: how strongly to hold on to the average person.

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
    if (owner < 0).any():
        raise ValueError(f"expected owners of 0 or more. Received: {owner.min()}")
    users = _users(model)
    known = np.delete(users, UNKNOWN, axis=0)
    spread = np.cov(known, rowvar=False, bias=True) + 1e-8 * np.eye(known.shape[1])
    spread = np.linalg.cholesky(spread).T.astype(np.float32)
    z = first = second = tf.zeros((int(owner.max(initial=-1)) + 1, known.shape[1]))
    gradient = _gradient(model) if len(ids) else lambda z, *_: tf.zeros_like(z)
    rows = [tf.constant(part) for part in (ids, targets_of(model, ratings), owner.astype(np.int32))]
    for step in range(1, STEPS + 1):  # Adam
        slope = gradient(z, users[UNKNOWN], spread, np.float32(pull), *rows)
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * tf.square(slope)
        size = tf.sqrt(second / (1 - 0.99**step)) + 1e-7
        z -= RATE * first / (1 - 0.9**step) / size
    return users[UNKNOWN] + z.numpy() @ spread


@functools.lru_cache(maxsize=4)
def _gradient(model: AutoInt):
    """A graph for the gradient of the objective in z, traced once a model."""
    dim = model.embedding.embed_dim
    shapes = [(None, dim), (dim,), (dim, dim), ()]
    signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
    signature += [tf.TensorSpec((None, len(model.embedding.field_dims)), tf.int32)]
    target = tf.float32 if model.num_classes == 1 else tf.int32
    signature += [tf.TensorSpec((None,), target), tf.TensorSpec((None,), tf.int32)]

    @tf.function(input_signature=signature, autograph=False)
    def gradient(z, start, spread, pull, ids, targets, owner):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(z)
            vectors = tf.gather(start + z @ spread, owner)
            logits, _ = model.logits_of(embedded(model, ids, vectors))
            total = tf.reduce_sum(cross_entropy(targets, logits)) + pull * tf.reduce_sum(z**2) / 2
        return tape.gradient(total, z)

    return gradient.get_concrete_function()


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
        chunks.append(model.probabilities(logits).numpy()[:, 0])
    return np.concatenate(chunks)
