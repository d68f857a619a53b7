"""Encoded sessions, their training windows, and the prefixes from which next items are ranked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from movierec.evaluation import metrics
from movierec.sequences.sessions import Sessions, session_indices

PADDING = 0
BLOCK_SIZE = 512  # prefixes scored at a time


@dataclass(frozen=True)
class EncodedSessions:
    """Sessions whose items are ids of a vocabulary.

    Args:
        ids: id of each event's item, from 1 to `items`, or 0 for an item that is not in the
            vocabulary; int32, shape (events,).
        starts: see `Sessions`.
        items: size of the vocabulary.
    """

    ids: np.ndarray
    starts: np.ndarray
    items: int

    @property
    def target_events(self) -> np.ndarray:
        """Positions of all events but the first of each session."""
        return np.setdiff1d(np.arange(len(self.ids)), self.starts[:-1])


def vocabulary(train: Sessions) -> np.ndarray:
    """The distinct items of the training sessions, sorted; the item at index i has the id i + 1."""
    return np.unique(train.items)


def encode(sessions: Sessions, items: np.ndarray) -> EncodedSessions:
    """Replace items by their ids in a `vocabulary`."""
    indices = np.minimum(np.searchsorted(items, sessions.items), len(items) - 1)
    ids = np.where(items[indices] == sessions.items, indices + 1, PADDING)
    return EncodedSessions(ids.astype(np.int32), sessions.starts, len(items))


@dataclass(frozen=True)
class Prefixes:
    """Events to predict, each with the items that come before it in its session.

    Args:
        ids: ids of the last known items before the event, oldest first, then padding; int32,
            shape (events, length).
        counts: number of ids before the padding, shape (events,).
        targets: id of the event's item, 0 if it is not in the vocabulary, shape (events,).
        sessions: index of the event's session, shape (events,).
    """

    ids: np.ndarray
    counts: np.ndarray
    targets: np.ndarray
    sessions: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows) -> "Prefixes":
        """Selected rows, by index, mask or slice."""
        return Prefixes(*(value[rows] for value in vars(self).values()))

    @property
    def last(self) -> np.ndarray:
        """Id of the last known item before each event, 0 if there is none; shape (events,)."""
        rows = np.arange(len(self))
        return np.where(self.counts > 0, self.ids[rows, np.maximum(self.counts, 1) - 1], PADDING)


def make_prefixes(sessions: EncodedSessions, length: int, only_last: bool = False) -> Prefixes:
    """One prefix for every event but the first of its session.

    Items outside the vocabulary are left out of prefixes. As targets they are kept, and no ranker
    can predict them. Prefixes have at most `length` items. With `only_last` only the last event of
    each session is predicted.
    """
    known = sessions.ids != PADDING
    known_ids = sessions.ids[known]
    known_before = np.concatenate([[0], np.cumsum(known)])  # number of known items before an event
    if only_last:
        events = sessions.starts[1:] - 1
        events = events[np.diff(sessions.starts) > 1]
    else:
        events = sessions.target_events
    session = session_indices(sessions.starts)[events]
    end = known_before[events]
    begin = np.maximum(known_before[sessions.starts[session]], end - length)
    positions = begin[:, None] + np.arange(length)
    inside = positions < end[:, None]
    ids = np.where(inside, known_ids[np.minimum(positions, len(known_ids) - 1)], PADDING)
    return Prefixes(ids.astype(np.int32), end - begin, sessions.ids[events], session)


def windows(sessions: EncodedSessions, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut sessions into training windows of at most `length` + 1 known items.

    Neighbouring windows of a session share one item, so that every event but the first is a
    target exactly once. Cutting begins at the end: only a session's first window can be shorter.

    Returns the position of each window's first item among the known items, and the window's
    length; both of shape (windows,).
    """
    known = sessions.ids != PADDING
    known_before = np.concatenate([[0], np.cumsum(known)])
    first, end = known_before[sessions.starts[:-1]], known_before[sessions.starts[1:]]
    targets = end - first - 1
    windows_per_session = np.maximum(-(-targets // length), 0)
    session = np.repeat(np.arange(len(windows_per_session)), windows_per_session)
    offsets = np.cumsum(windows_per_session) - windows_per_session
    number = np.arange(len(session)) - np.repeat(offsets, windows_per_session)  # from the end
    stop = end[session] - number * length
    start = np.maximum(first[session], stop - length - 1)
    return start, stop - start


def batches(
    sessions: EncodedSessions, length: int, size: int, seed: tuple[int, ...]
) -> Iterator[np.ndarray]:
    """Yield batches of `size` training windows in random order, see `windows`.

    Windows of similar length share a batch, so that there is little padding. A batch has ids with
    padding at the end, int32, shape (windows, length of the longest window).
    """
    known_ids = sessions.ids[sessions.ids != PADDING]
    starts, lengths = windows(sessions, length)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(starts))
    pool = np.arange(len(order)) // (size * 50)  # windows are sorted by length within a pool
    order = order[np.lexsort((lengths[order], pool))]
    for first in rng.permutation(np.arange(0, len(order), size)):
        rows = order[first : first + size]
        offsets = np.arange(lengths[rows].max())
        inside = offsets < lengths[rows][:, None]
        positions = np.minimum(starts[rows][:, None] + offsets, len(known_ids) - 1)
        yield np.where(inside, known_ids[positions], PADDING).astype(np.int32)


Scorer = Callable[[Prefixes], np.ndarray]  # returns the score of every id: (prefixes, items + 1)


def ranks(prefixes: Prefixes, scorer: Scorer, unseen_only: bool = False) -> np.ndarray:
    """Rank of each target among all items, from 1; int64, shape (events,).

    Among equal scores, the item with the lower id comes first. A target outside the vocabulary
    gets the rank after the last item's.

    Args:
        prefixes: events to predict.
        scorer: returns scores of every id, float32, shape (prefixes, items + 1).
        unseen_only: leave out the items of the prefix, as nobody rates a movie twice.

    Raises:
        ValueError: a score that is not a finite number.
    """
    result = np.empty(len(prefixes), np.int64)
    for start in range(0, len(prefixes), BLOCK_SIZE):
        block = prefixes.take(slice(start, start + BLOCK_SIZE))
        scores = np.array(scorer(block), np.float32)
        excluded = np.zeros(scores.shape, bool)
        excluded[:, PADDING] = True
        if unseen_only:
            np.put_along_axis(excluded, block.ids.astype(np.int64), True, axis=1)
        target_ranks = metrics.target_ranks(scores, block.targets, excluded)
        unknown = block.targets == PADDING
        result[start : start + BLOCK_SIZE] = np.where(unknown, scores.shape[1], target_ranks)
    return result
