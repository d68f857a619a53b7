"""Somebody's vector is learnt, nobody else's, and the model stays as it is."""

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import foldin, scoring
from movierec.trained import Trained

FIELDS = (30, 4, 50)


@pytest.fixture(scope="module", params=[AutoInt, AutoIntMLP])
def model(request):
    """A model with random weights that are large enough to tell films apart."""
    keras.utils.set_random_seed(3)
    return Trained.of(request.param(FIELDS, embed_dim=8, init_std=0.4))


@pytest.fixture(scope="module")
def rows():
    """Forty rated rows of five people, eight each."""
    rng = np.random.default_rng(5)
    ids = np.stack([rng.integers(0, size, 40) for size in FIELDS], axis=1).astype(np.int32)
    return ids, rng.integers(1, 6, 40), np.repeat(np.arange(5), 8)


def test_ratings_are_learnt(model, rows):
    ids, ratings, owner = rows
    vectors = foldin.fold_in(model, ids, ratings, owner)
    assert vectors.shape == (5, 8)
    assert vectors.dtype == np.float32
    liked = ratings >= 4
    nobody = np.tile(model.table[:1], (5, 1))
    before, after = (foldin.score(model, ids, people, owner) for people in (nobody, vectors))
    for person in range(5):
        mine = owner == person
        losses = [log_loss(liked[mine], scores[mine], labels=[0, 1]) for scores in (before, after)]
        assert losses[1] < losses[0]


def test_the_model_stays_as_it_is(model, rows):
    before = model.table.copy()
    foldin.score(model, rows[0], foldin.fold_in(model, *rows), rows[2])
    assert np.array_equal(before, model.table)


def test_people_do_not_touch_each_other(model, rows):
    ids, ratings, owner = rows
    together = foldin.fold_in(model, ids, ratings, owner)
    for person in range(5):
        mine = owner == person
        alone = foldin.fold_in(model, ids[mine], ratings[mine], np.zeros(8, int))
        np.testing.assert_allclose(alone[0], together[person], atol=1e-4)


def test_the_order_of_rows_and_the_user_field_do_not_matter(model, rows):
    ids, ratings, owner = rows
    order = np.random.default_rng(1).permutation(40)
    other = ids[order].copy()
    other[:, 0] = 7
    np.testing.assert_allclose(
        foldin.fold_in(model, other, ratings[order], owner[order]),
        foldin.fold_in(model, ids, ratings, owner),
        atol=1e-4,
    )


def test_somebody_without_ratings_is_the_unknown_user(model, rows):
    ids, ratings, owner = rows
    vectors = foldin.fold_in(model, ids, ratings, owner + 1)
    np.testing.assert_allclose(vectors[0], model.table[0], atol=1e-6)
    nothing = foldin.fold_in(model, ids[:0], ratings[:0], owner[:0])
    assert nothing.shape == (0, 8)


def test_score_with_the_models_own_vectors_is_its_own(model, rows):
    ids = rows[0]
    own = model.embedding(ids)[:, 0]
    scores = foldin.score(model, ids, own, np.arange(40))
    np.testing.assert_allclose(scores, scoring.predictor(model)(ids), atol=1e-6)
    assert foldin.score(model, ids[:0], own[:0], np.arange(0)).shape == (0,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ids": np.full((40, 3), 99, np.int32)}, "ids of field 0 must be in 0..29"),
        ({"ids": np.zeros((40, 2), np.int32)}, r"expected ids of shape \(rows, 3\)"),
        ({"ratings": np.ones(39)}, r"one rating and one owner a row, shape \(40,\)"),
        ({"ratings": np.full(40, 6)}, "expected ratings of 1 to 5. Received: 6"),
        ({"owner": np.full(40, -1)}, "expected owners of 0 or more. Received: -1"),
    ],
)
def test_bad_input(model, rows, change, message):
    arguments = dict(zip(("ids", "ratings", "owner"), rows, strict=True)) | change
    with pytest.raises(ValueError, match=message):
        foldin.fold_in(model, **arguments)


def test_vectors_that_do_not_fit(model, rows):
    with pytest.raises(ValueError, match=r"vectors of shape \(people, 8\). Received: \(5, 7\)"):
        foldin.score(model, rows[0], np.zeros((5, 7), np.float32), rows[2])
    with pytest.raises(ValueError, match=r"ids of field 0 must be in 0..4. Received: 1..5"):
        foldin.score(model, rows[0], np.zeros((4, 8), np.float32), rows[2])
