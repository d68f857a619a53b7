"""Baselines of the next item, on numbers that can be counted by hand."""

import numpy as np
import pytest

from movierec import nextbaselines, prefixes
from tests.test_prefixes import encoded

TRAIN = encoded([1, 2, 3], [1, 2], [2, 1], [4, 1, 1], items=4)
ASKED = prefixes.prefixes(encoded([2, 1, 3], items=4), length=3)


def best(scorer) -> list[int]:
    """The best id for each question."""
    return np.argmax(scorer(ASKED)[:, 1:], axis=1).tolist()


def test_popularity_says_the_same_to_all():
    scores = nextbaselines.popularity(TRAIN)(ASKED)
    assert scores.shape == (2, 5)
    assert np.allclose(scores[0] * 11, [0, 5, 3, 1, 1])
    assert (scores[0] == scores[1]).all()


def test_session_popularity_counts_the_session_first():
    scores = nextbaselines.session_popularity(TRAIN)(ASKED)
    assert np.allclose(scores[0], [0, 5 / 11, 1 + 3 / 11, 1 / 11, 1 / 11])
    assert np.allclose(scores[1], [0, 1 + 5 / 11, 1 + 3 / 11, 1 / 11, 1 / 11])


def test_the_markov_chain_counts_what_came_next():
    scores = nextbaselines.markov_chain(TRAIN)(ASKED)
    assert np.floor(scores).tolist() == [[0, 1, 0, 1, 0], [0, 1, 2, 0, 0]]


def test_item_knn_is_the_cosine_of_sessions():
    scores = nextbaselines.item_knn(TRAIN)(ASKED)
    # item 2 in three sessions, all with item 1, which is in four; with item 3 in one of one
    assert scores[0][1:] == pytest.approx([3 / 12**0.5, 0, 1 / 3**0.5, 0], abs=1e-5)


def test_random_order_is_random():
    scores = nextbaselines.random_order(TRAIN)(ASKED)
    assert scores.shape == (2, 5)
    assert len(np.unique(scores)) == 10


@pytest.mark.parametrize(
    "baseline", [nextbaselines.popularity, nextbaselines.markov_chain, nextbaselines.item_knn]
)
def test_a_question_without_a_known_item_has_an_answer(baseline):
    asked = prefixes.prefixes(encoded([0, 1], items=4), length=3)
    assert np.isfinite(baseline(TRAIN)(asked)).all()
