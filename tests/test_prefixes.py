"""Every event is asked for once, from what stands before it, and ranked among all items."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec import prefixes
from movierec.prefixes import Encoded, Prefixes
from tests.test_sessiondata import made


def encoded(*sessions, items=9) -> Encoded:
    lengths = [len(session) for session in sessions]
    ids = np.array([i for session in sessions for i in session], np.int32)
    return Encoded(ids, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), items)


some_sessions = st.lists(
    st.lists(st.integers(0, 9), min_size=1, max_size=12), min_size=1, max_size=6
).filter(lambda sessions: any(i for session in sessions for i in session))


def test_unseen_items_get_no_id():
    train = made([30, 10], [20, 10])
    items = prefixes.vocabulary(train)
    assert items.tolist() == [10, 20, 30]
    assert prefixes.encode(made([10, 40, 30, 5]), items).ids.tolist() == [1, 0, 3, 0]


def test_prefixes_hold_the_last_known_items():
    asked = prefixes.prefixes(encoded([3, 0, 1, 2], [4, 4]), length=2)
    assert asked.ids.tolist() == [[3, 0], [3, 0], [3, 1], [4, 0]]
    assert asked.counts.tolist() == [1, 1, 2, 1]
    assert asked.targets.tolist() == [0, 1, 2, 4]
    assert asked.owners.tolist() == [0, 0, 0, 1]
    assert asked.last.tolist() == [3, 3, 1, 4]


def test_the_last_event_alone_can_be_asked_for():
    asked = prefixes.prefixes(encoded([3, 1, 2], [7], [4, 5]), length=5, only_last=True)
    assert asked.targets.tolist() == [2, 5]
    assert asked.ids[0].tolist() == [3, 1, 0, 0, 0]


@given(some_sessions, st.integers(1, 5))
def test_a_prefix_is_what_a_loop_would_take(sessions, length):
    asked = prefixes.prefixes(encoded(*sessions), length)
    expected = [
        ([i for i in session[:place] if i][-length:], session[place])
        for session in sessions
        for place in range(1, len(session))
    ]
    assert len(asked) == len(expected)
    for row, (before, target) in enumerate(expected):
        assert asked.ids[row, : asked.counts[row]].tolist() == before
        assert not asked.ids[row, asked.counts[row] :].any()
        assert asked.targets[row] == target


@given(some_sessions, st.integers(1, 5), st.integers(1, 3))
def test_every_known_event_but_the_first_is_learnt_once(sessions, length, size):
    found = []
    for batch in prefixes.batches(encoded(*sessions), length, size, seed=(1, 2)):
        assert batch.dtype == np.int32
        assert batch.shape[0] <= size
        assert batch.shape[1] <= length + 1
        for window in batch:
            items = window[window != 0]
            assert (window[: len(items)] == items).all()  # padding comes last
            found += [tuple(pair) for pair in itertools.pairwise(items)]
    expected = []
    for session in sessions:
        known = [i for i in session if i]
        expected += list(itertools.pairwise(known))
    assert sorted(found) == sorted(expected)


def test_ranks_count_from_one_and_ties_go_to_the_lower_id():
    asked = Prefixes(np.array([[1, 0]] * 4), np.ones(4, int), np.array([2, 1, 3, 0]), np.arange(4))
    scores = np.array([9.0, 0.5, 0.5, 0.9])
    found = prefixes.ranks(asked, lambda block: np.tile(scores, (len(block), 1)))
    assert found.tolist() == [3, 2, 1, 4]  # an item unseen in training is after the last


def test_what_is_in_the_prefix_can_be_left_out():
    asked = Prefixes(np.array([[3, 0]]), np.ones(1, int), np.array([2]), np.arange(1))
    scores = np.array([[9.0, 0.1, 0.5, 0.9]])
    assert prefixes.ranks(asked, lambda block: scores).tolist() == [2]
    assert prefixes.ranks(asked, lambda block: scores, unseen_only=True).tolist() == [1]


def test_a_score_that_is_no_number_is_refused():
    asked = Prefixes(np.array([[3, 0]]), np.ones(1, int), np.array([2]), np.arange(1))
    with pytest.raises(ValueError, match="scores must be finite"):
        prefixes.ranks(asked, lambda block: np.full((1, 4), np.nan))
