"""Fold-in learns a new user's vector from their ratings and changes nothing else."""

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec.models import fold_in, scorer
from movierec.models.numpy_model import NumpyModel
from tests.conftest import random_ids, spread

FIELDS = (30, 4, 50)


@pytest.fixture(scope="module", params=[AutoInt, AutoIntMLP])
def model(request):
    """A model with random weights so large that scores differ between movies."""
    keras.utils.set_random_seed(3)
    return NumpyModel.of(spread(request.param(FIELDS, embed_dim=8), 0.3))


@pytest.fixture(scope="module")
def rows():
    """Ids, ratings and users of forty rated rows, eight for each of five users."""
    rng = np.random.default_rng(5)
    return random_ids(FIELDS, 40, rng), rng.integers(1, 6, 40), np.repeat(np.arange(5), 8)


def test_the_ratings_are_learnt(model, rows):
    ids, ratings, users = rows
    vectors = fold_in.fold_in(model, ids, ratings, users)
    assert vectors.shape == (5, 8)
    assert vectors.dtype == np.float32
    liked = ratings >= 4
    unknown = np.tile(model.table[:1], (5, 1))
    before, after = (fold_in.score(model, ids, table, users) for table in (unknown, vectors))
    for user in range(5):
        own = users == user
        losses = [log_loss(liked[own], scores[own], labels=[0, 1]) for scores in (before, after)]
        assert losses[1] < losses[0]


def test_users_do_not_influence_each_other(model, rows):
    ids, ratings, users = rows
    together = fold_in.fold_in(model, ids, ratings, users)
    for user in range(5):
        own = users == user
        alone = fold_in.fold_in(model, ids[own], ratings[own], np.zeros(8, int))
        np.testing.assert_allclose(alone[0], together[user], atol=1e-4)


def test_the_order_of_rows_and_the_user_field_do_not_matter(model, rows):
    ids, ratings, users = rows
    order = np.random.default_rng(1).permutation(40)
    other = ids[order].copy()
    other[:, 0] = 7
    np.testing.assert_allclose(
        fold_in.fold_in(model, other, ratings[order], users[order]),
        fold_in.fold_in(model, ids, ratings, users),
        atol=1e-4,
    )


def test_a_stronger_prior_keeps_vectors_closer_to_the_unknown_users(model, rows):
    weak, strong = (fold_in.fold_in(model, *rows, precision) for precision in (0.1, 100))
    distances = [np.linalg.norm(vectors - model.table[0]) for vectors in (weak, strong)]
    assert distances[1] < 0.5 * distances[0]


def test_a_user_without_ratings_gets_the_unknown_users_vector(model, rows):
    ids, ratings, users = rows
    vectors = fold_in.fold_in(model, ids, ratings, users + 1)
    np.testing.assert_allclose(vectors[0], model.table[0], atol=1e-6)
    empty = fold_in.fold_in(model, ids[:0], ratings[:0], users[:0])
    assert empty.shape == (0, 8)


def test_the_models_own_vectors_give_the_models_own_scores(model, rows):
    ids = rows[0]
    own = model.embedding(ids)[:, 0]
    scores = fold_in.score(model, ids, own, np.arange(40))
    np.testing.assert_allclose(scores, scorer.predictor(model)(ids), atol=1e-6)
    assert fold_in.score(model, ids[:0], own[:0], np.arange(0)).shape == (0,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": np.full((40, 3), 99, np.int32)}, "ids of field 0 must be in 0..29"),
        ({"ids": np.zeros((40, 2), np.int32)}, r"expected ids of shape \(rows, 3\)"),
        ({"ratings": np.ones(39)}, r"one rating and one user per row, shape \(40,\)"),
        ({"ratings": np.full(40, 6)}, "expected ratings of 1, 2, 3, 4, 5. Received: 6"),
        ({"users": np.full(40, -1)}, "expected users numbered from 0. Received: -1"),
    ],
)
def test_bad_input_is_refused(model, rows, change, message):
    arguments = dict(zip(("ids", "ratings", "users"), rows, strict=True)) | change
    with pytest.raises(ValueError, match=message):
        fold_in.fold_in(model, **arguments)


def test_vectors_that_do_not_fit_are_refused(model, rows):
    with pytest.raises(ValueError, match=r"vectors of shape \(users, 8\). Received: \(5, 7\)"):
        fold_in.score(model, rows[0], np.zeros((5, 7), np.float32), rows[2])
    with pytest.raises(ValueError, match=r"ids of field 0 must be in 0..4. Received: 1..5"):
        fold_in.score(model, rows[0], np.zeros((4, 8), np.float32), rows[2])
