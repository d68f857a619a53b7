"""Baselines by hand."""

import numpy as np
import pytest

from movierec import baselines

TRAIN = np.array([0, 0, 0, 2])
LABELS = np.array([1, 1, 0, 0], np.float32)
MOVIES = np.array([0, 1, 2, 3])


def test_popularity():
    assert baselines.popularity(TRAIN, MOVIES).tolist() == [3, 0, 1, 0]


def test_movie_mean():
    scores = baselines.movie_mean(TRAIN, LABELS, MOVIES, smoothing=10)
    expected = [(2 + 10 * 0.5) / 13, 0.5, (0 + 10 * 0.5) / 11, 0.5]
    assert scores == pytest.approx(expected)


def test_random_order_depends_on_the_seed_only():
    assert np.array_equal(baselines.random_order(5, seed=1), baselines.random_order(5, seed=1))
    assert not np.array_equal(baselines.random_order(5, seed=1), baselines.random_order(5, seed=2))
