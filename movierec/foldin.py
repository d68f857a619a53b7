"""Fold-in: give the model somebody it has never met, from a few of their ratings.

Only this person's embedding vector is learnt, the one that stands in place of the user id's; the
model stays as it is. The vector is `u + S z`: it starts as the unknown user's, `u`, and the known
users' vectors say how far and which way people differ (`S Sᵀ` is their covariance). With `z`
standard normal a priori, `Σ loss + pull · ‖z‖² / 2` is minimised, one loss a rating, by Adam over
the whole batch. Adam scales every coordinate by itself, so people folded in together do not touch
each other.
"""

import numpy as np
from scipy.special import expit, softmax

from movierec import scoring
from movierec.rows import UNKNOWN
from movierec.settings import targets_of
from movierec.trained import Trained

PULL = 1.0  # the posterior's mode; chosen by `movierec.newcomers`
STEPS = 20
RATE = 0.2  # Adam's, in units of z


def fold_in(
    model: Trained, ids: np.ndarray, ratings: np.ndarray, owner: np.ndarray, pull: float = PULL
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
    vectors = model.embedding(ids)
    if ratings.shape != (len(ids),) or owner.shape != (len(ids),):
        raise ValueError(
            f"expected one rating and one owner a row, shape ({len(ids)},). "
            f"Received: {ratings.shape} and {owner.shape}"
        )
    if (owner < 0).any():
        raise ValueError(f"expected owners of 0 or more. Received: {owner.min()}")
    targets = targets_of(model.num_classes, ratings)
    users = model.table[: model.field_dims[0]]
    known = np.delete(users, UNKNOWN, axis=0)
    spread = np.cov(known, rowvar=False, bias=True) + 1e-8 * np.eye(known.shape[1])
    spread = np.linalg.cholesky(spread).T.astype(np.float32)
    z = first = second = np.zeros((int(owner.max(initial=-1)) + 1, len(spread)), np.float32)
    for step in range(1, STEPS + 1):  # Adam
        vectors[:, 0] = (users[UNKNOWN] + z @ spread)[owner]
        losses = np.zeros_like(z)
        slopes = model.gradient(vectors, lambda logits: _slope(targets, logits))[:, 0]
        np.add.at(losses, owner, slopes)
        slope = losses @ spread.T + pull * z
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        size = np.sqrt(second / (1 - 0.99**step)) + 1e-7
        z = z - RATE * first / (1 - 0.9**step) / size
    return users[UNKNOWN] + z @ spread


def _slope(targets: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """The gradient of `losses.cross_entropy` in the logits."""
    if logits.shape[1] == 1:
        return expit(logits) - targets[:, None]
    return softmax(logits, axis=1) - (targets[:, None] == np.arange(logits.shape[1]))


def score(model: Trained, ids: np.ndarray, people: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Probabilities of a rating of 4 or more, with people's vectors in place of the users'.

    Args:
        model: a trained model.
        ids: encoded rows, int32 (rows, fields); field 0 is not read.
        people: float32 (people, embed_dim).
        owner: whose row it is, whole numbers from 0, shape (rows,).

    Returns:
        float32, shape (rows,).

    Raises:
        ValueError: ids or vectors that do not fit the model, or owners that are not there.
    """
    ids = ids.copy()
    ids[:, 0] = 1 + owner
    return scoring.predictor(model.with_users(people))(ids)
