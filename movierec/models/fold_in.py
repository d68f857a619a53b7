"""Fold-in: learn an embedding for a new user from a few ratings.

Only the vector that replaces the user id's embedding is learnt; the model stays unchanged. The
vector is `u + S z`. It starts at the unknown user's embedding `u`, and `S Sᵀ` is the covariance of
the known users' embeddings. The prior on `z` is standard normal. Full-batch Adam minimises
`Σ loss + precision · ‖z‖² / 2`, summing over the ratings. Adam scales every coordinate separately,
so users that are folded in together do not influence each other.
"""

import numpy as np
from scipy.special import expit, softmax

from movierec.data.rows import UNKNOWN, targets_of
from movierec.data.schema import FIVE_STARS, Scale
from movierec.models import scorer
from movierec.models.numpy_model import NumpyModel

PRIOR_PRECISION = (
    1.0  # 1 gives the mode of the posterior; tuned by `movierec search --grid fold-in`
)
STEPS = 20
LEARNING_RATE = 0.2  # Adam's, in units of z


def fold_in(
    model: NumpyModel,
    ids: np.ndarray,
    ratings: np.ndarray,
    users: np.ndarray,
    prior_precision: float = PRIOR_PRECISION,
    scale: Scale = FIVE_STARS,
) -> np.ndarray:
    """Learn a vector for each new user from their ratings.

    Args:
        model: a trained model; it is not changed.
        ids: encoded rated rows, int32 (rows, fields); field 0, the user id, is ignored.
        ratings: shape (rows,).
        users: the new user of each row, whole numbers from 0, shape (rows,).
        prior_precision: weight of the prior; larger values keep vectors closer to the unknown
            user's.
        scale: of the ratings.

    Returns:
        float32, shape (highest user + 1, embed_dim). A user without rows gets the unknown user's
        vector.

    Raises:
        ValueError: shapes that do not fit each other or the model, ratings that are not on the
            scale, negative users.
    """
    ids, ratings, users = np.asarray(ids), np.asarray(ratings), np.asarray(users)
    vectors = model.embedding(ids)
    if ratings.shape != (len(ids),) or users.shape != (len(ids),):
        raise ValueError(
            f"expected one rating and one user per row, shape ({len(ids)},). "
            f"Received: {ratings.shape} and {users.shape}"
        )
    if (users < 0).any():
        raise ValueError(f"expected users numbered from 0. Received: {users.min()}")
    targets = targets_of(model.num_classes, ratings, scale)
    table = model.table[: model.field_dims[0]]
    known = np.delete(table, UNKNOWN, axis=0)
    covariance = np.cov(known, rowvar=False, bias=True) + 1e-8 * np.eye(known.shape[1])
    spread = np.linalg.cholesky(covariance).T.astype(np.float32)
    z = mean = square = np.zeros((int(users.max(initial=-1)) + 1, len(spread)), np.float32)
    for step in range(1, STEPS + 1):  # Adam
        vectors[:, 0] = (table[UNKNOWN] + z @ spread)[users]
        summed = np.zeros_like(z)
        gradients = model.gradient(vectors, lambda logits: _loss_gradient(targets, logits))[:, 0]
        np.add.at(summed, users, gradients)
        gradient = summed @ spread.T + prior_precision * z
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.99 * square + 0.01 * gradient**2
        root = np.sqrt(square / (1 - 0.99**step)) + 1e-7
        z = z - LEARNING_RATE * mean / (1 - 0.9**step) / root
    return table[UNKNOWN] + z @ spread


def _loss_gradient(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Gradient of `losses.cross_entropy` with respect to the logits."""
    if logits.shape[1] == 1:
        return expit(logits) - targets[:, None]
    return softmax(logits, axis=1) - (targets[:, None] == np.arange(logits.shape[1]))


def score(model: NumpyModel, ids: np.ndarray, vectors: np.ndarray, users: np.ndarray) -> np.ndarray:
    """Probabilities of a rating of 4 or more for new users.

    Args:
        model: a trained model.
        ids: encoded rows, int32 (rows, fields); field 0, the user id, is ignored.
        vectors: the new users' vectors, float32 (users, embed_dim).
        users: the new user of each row, whole numbers from 0, shape (rows,).

    Returns:
        float32, shape (rows,).

    Raises:
        ValueError: ids or vectors that do not fit the model, or users without a vector.
    """
    ids = ids.copy()
    ids[:, 0] = 1 + users
    return scorer.predictor(model.with_users(vectors))(ids)
