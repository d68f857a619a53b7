"""P(turn to it): by hand, against finite differences, and on data with a planted taste."""

import dataclasses

import numpy as np
import pytest
from scipy import sparse

from movierec.models import candidates
from movierec.models.candidates import CandidateModel

WEIGHTS = sparse.csr_array(np.array([[0, 0.5, -0.2], [0.1, 0, 0.3], [0.4, 0, 0]], np.float32))
RATERS, RECENT = np.array([9, 0, 99], np.int32), np.array([3, 0, 1], np.int32)
MODEL = CandidateModel(WEIGHTS, RATERS, RECENT, (2.0, 0.5, 0.3))
POPULARITY = np.array([10**0.5 * 4**0.3, 1, 100**0.5 * 2**0.3])


def test_the_probability_by_hand():
    """The user likes movies 0 and 2, and has rated 2 only: 0 and 1 are left."""
    liked = sparse.csr_array(np.array([[1, 0, 1]], np.float32))
    unrated = np.array([[True, True, False]])
    odds = POPULARITY[:2] * np.exp(2 * np.array([0.4, 0.5]) / np.sqrt(2 + 30))
    found = np.exp(MODEL.log_probability(liked, unrated)[0])
    np.testing.assert_allclose(found, [*odds / odds.sum(), 0], rtol=1e-5)


def test_without_liked_movies_popularity_is_left():
    nothing = sparse.csr_array((1, 3), dtype=np.float32)
    found = np.exp(MODEL.log_probability(nothing, np.ones((1, 3), bool))[0])
    np.testing.assert_allclose(found, POPULARITY / POPULARITY.sum(), rtol=1e-5)


def test_somebody_who_has_rated_everything_turns_to_nothing():
    nothing = sparse.csr_array((1, 3), dtype=np.float32)
    assert np.isnan(MODEL.log_probability(nothing, np.zeros((1, 3), bool))).all()


def test_reasons_add_up_to_the_score():
    for liked, movie, expected in (([0, 2], 1, [1.0, 0.0]), ([1, 2], 0, [0.2, 0.8])):
        found = MODEL.reasons(np.array(liked), movie)
        np.testing.assert_allclose(found, np.array(expected) / np.sqrt(2 + 30), atol=1e-6)


def test_the_largest_weights_of_each_column_are_kept():
    weights = np.array([[3, -1, 0.5], [-4, 2, 0.1], [1, -5, 0.2]], np.float32)
    kept = candidates.keep_largest(weights, 2).toarray()
    assert kept.tolist() == [[3, 0, 0.5], [-4, 2, 0], [0, -5, pytest.approx(0.2)]]
    assert np.array_equal(candidates.keep_largest(weights, 3).toarray(), weights)


@pytest.fixture(scope="module")
def taste():
    """400 users who turn to movies of one of two groups; before and after, (users, movies)."""
    rng = np.random.default_rng(0)
    users, movies = 400, 30
    popularity = np.exp(rng.normal(0, 0.7, movies))
    rated = np.zeros((users, movies), np.float32)
    for user in range(users):
        odds = popularity * np.where(np.arange(movies) % 2 == user % 2, 4, 1)
        rated[user, rng.choice(movies, 6, False, odds / odds.sum())] = 1
    before = rated * (rng.random(rated.shape) < 0.6)
    return before, rated - before


def likelihood(model, before, after):
    logs = model.log_probability(sparse.csr_array(before), before == 0)
    return np.mean([logs[u][after[u] > 0].mean() for u in np.flatnonzero(after.any(axis=1))])


def test_the_factors_have_the_highest_likelihood(taste):
    before, after = taste
    liked = sparse.csr_array(before)
    recent = before[::3].sum(axis=0)
    model = candidates.fit(liked, before.sum(axis=0), recent, l2=10, kept=20)
    model = candidates.calibrated(model, liked, liked, sparse.csr_array(after))
    assert model.factors[0] > 1
    assert 0.5 < sum(model.factors[1:]) < 1.5
    best = likelihood(model, before, after)
    for change in (*np.eye(3), *-np.eye(3)):
        factors = tuple(np.array(model.factors) + 0.1 * change)
        assert likelihood(dataclasses.replace(model, factors=factors), before, after) < best


def test_a_user_turns_to_movies_of_their_taste(taste):
    before, after = taste
    liked = sparse.csr_array(before)
    model = candidates.fit(liked, before.sum(axis=0), before[::3].sum(axis=0), l2=10)
    model = candidates.calibrated(model, liked, liked, sparse.csr_array(after))
    shares = np.exp(model.log_probability(liked, before == 0))
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-4)
    even, known = shares[:, ::2].sum(axis=1), before.sum(axis=1) > 2
    assert even[::2][known[::2]].mean() > even[1::2][known[1::2]].mean() + 0.03
    nothing = ~before.any(axis=1)
    np.testing.assert_allclose(even[nothing], even[nothing].mean(), rtol=1e-5)
