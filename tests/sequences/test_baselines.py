"""Baselines of the next item agree with counts by hand."""

import numpy as np
import pytest

from movierec.sequences import baselines
from movierec.sequences.prefixes import make_prefixes
from tests.sequences.test_prefixes import encoded

TRAIN = encoded([1, 2, 3], [1, 2], [2, 1], [4, 1, 1], items=4)
PREFIXES = make_prefixes(encoded([2, 1, 3], items=4), length=3)


def test_popularity_is_the_same_for_all_prefixes():
    scores = baselines.popularity(TRAIN)(PREFIXES)
    assert scores.shape == (2, 5)
    assert np.allclose(scores[0] * 11, [0, 5, 3, 1, 1])
    assert (scores[0] == scores[1]).all()


def test_session_popularity_puts_items_of_the_session_first():
    scores = baselines.session_popularity(TRAIN)(PREFIXES)
    assert np.allclose(scores[0], [0, 5 / 11, 1 + 3 / 11, 1 / 11, 1 / 11])
    assert np.allclose(scores[1], [0, 1 + 5 / 11, 1 + 3 / 11, 1 / 11, 1 / 11])


def test_markov_chain_counts_transitions():
    scores = baselines.markov_chain(TRAIN)(PREFIXES)
    assert np.floor(scores).tolist() == [[0, 1, 0, 1, 0], [0, 1, 2, 0, 0]]


def test_item_knn_is_the_cosine_of_session_vectors():
    scores = baselines.item_knn(TRAIN)(PREFIXES)
    # Item 2 is in three sessions, all with item 1, which is in four; item 3 is in one of them.
    assert scores[0][1:] == pytest.approx([3 / 12**0.5, 0, 1 / 3**0.5, 0], abs=1e-5)


@pytest.mark.parametrize(
    "baseline", [baselines.popularity, baselines.markov_chain, baselines.item_knn]
)
def test_a_prefix_without_known_items_has_finite_scores(baseline):
    prefixes = make_prefixes(encoded([0, 1], items=4), length=3)
    assert np.isfinite(baseline(TRAIN)(prefixes)).all()
