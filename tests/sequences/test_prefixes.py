"""Prefixes and training windows cover every event once; targets are ranked among all items."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.sequences import prefixes
from movierec.sequences.prefixes import EncodedSessions, Prefixes
from tests.sequences.test_sessions import make_sessions


def encoded(*sessions, items=9) -> EncodedSessions:
    lengths = [len(session) for session in sessions]
    ids = np.array([i for session in sessions for i in session], np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return EncodedSessions(ids, starts, items)


some_sessions = st.lists(
    st.lists(st.integers(0, 9), min_size=1, max_size=12), min_size=1, max_size=6
).filter(lambda sessions: any(i for session in sessions for i in session))


def test_items_outside_the_vocabulary_have_the_id_0():
    items = prefixes.vocabulary(make_sessions([30, 10], [20, 10]))
    assert items.tolist() == [10, 20, 30]
    assert prefixes.encode(make_sessions([10, 40, 30, 5]), items).ids.tolist() == [1, 0, 3, 0]


def test_prefixes_of_last_events_only():
    made = prefixes.make_prefixes(encoded([3, 1, 2], [7], [4, 5]), length=5, only_last=True)
    assert made.targets.tolist() == [2, 5]
    assert made.ids[0].tolist() == [3, 1, 0, 0, 0]


@given(some_sessions, st.integers(1, 5))
def test_prefixes_agree_with_a_loop(sessions, length):
    made = prefixes.make_prefixes(encoded(*sessions), length)
    expected = [
        (number, [i for i in session[:position] if i][-length:], session[position])
        for number, session in enumerate(sessions)
        for position in range(1, len(session))
    ]
    assert len(made) == len(expected)
    for row, (number, before, target) in enumerate(expected):
        assert made.sessions[row] == number
        assert made.ids[row, : made.counts[row]].tolist() == before
        assert not made.ids[row, made.counts[row] :].any()
        assert made.targets[row] == target
        assert made.last[row] == (before[-1] if before else 0)


@given(some_sessions, st.integers(1, 5), st.integers(1, 3))
def test_every_known_event_but_the_first_is_a_target_once(sessions, length, size):
    pairs, expected = [], []
    for batch in prefixes.batches(encoded(*sessions), length, size, seed=(1, 2)):
        assert batch.dtype == np.int32
        assert batch.shape[0] <= size
        assert batch.shape[1] <= length + 1
        for window in batch:
            items = window[window != 0]
            assert (window[: len(items)] == items).all()  # padding comes last
            pairs += [tuple(pair) for pair in itertools.pairwise(items)]
    for session in sessions:
        expected += list(itertools.pairwise(i for i in session if i))
    assert sorted(pairs) == sorted(expected)


def test_ranks_start_at_one_and_ties_go_to_the_lower_id():
    made = Prefixes(np.array([[1, 0]] * 4), np.ones(4, int), np.array([2, 1, 3, 0]), np.arange(4))
    scores = np.array([9.0, 0.5, 0.5, 0.9])
    ranks = prefixes.ranks(made, lambda block: np.tile(scores, (len(block), 1)))
    assert ranks.tolist() == [3, 2, 1, 4]  # a target outside the vocabulary comes after the last


def test_items_of_the_prefix_can_be_excluded_and_scores_must_be_finite():
    made = Prefixes(np.array([[3, 0]]), np.ones(1, int), np.array([2]), np.arange(1))
    scores = np.array([[9.0, 0.1, 0.5, 0.9]])
    assert prefixes.ranks(made, lambda block: scores).tolist() == [2]
    assert prefixes.ranks(made, lambda block: scores, unseen_only=True).tolist() == [1]
    with pytest.raises(ValueError, match="scores must be finite"):
        prefixes.ranks(made, lambda block: np.full((1, 4), np.nan))
