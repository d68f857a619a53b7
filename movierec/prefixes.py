"""Encoded sessions: windows to train on, prefixes to be asked about, and ranks of the answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from movierec.sessiondata import Sessions, owners

PADDING = 0
BLOCK = 512  # prefixes scored at a time


@dataclass(frozen=True)
class Encoded:
    """Sessions with the ids of a vocabulary.

    Args:
        ids: of every event, 1 to `items`, 0 for an item that training has not seen; int32,
            shape (events,).
        starts: as in `Sessions`.
        items: size of the vocabulary.
    """

    ids: np.ndarray
    starts: np.ndarray
    items: int

    @property
    def followers(self) -> np.ndarray:
        """The events that are not the first of their session."""
        return np.setdiff1d(np.arange(len(self.ids)), self.starts[:-1])


def vocabulary(train: Sessions) -> np.ndarray:
    """The items of the training sessions, sorted: item `v[i]` has the id i + 1."""
    return np.unique(train.items)


def encode(sessions: Sessions, items: np.ndarray) -> Encoded:
    """Sessions in the ids of a vocabulary."""
    places = np.minimum(np.searchsorted(items, sessions.items), len(items) - 1)
    known = items[places] == sessions.items
    return Encoded(
        np.where(known, places + 1, PADDING).astype(np.int32), sessions.starts, len(items)
    )


@dataclass(frozen=True)
class Prefixes:
    """Questions: what comes after these items?

    Args:
        ids: the last known items before the event, first to last, then padding; int32, shape
            (events, length).
        counts: how many of them there are, shape (events,).
        targets: the event's item, 0 where training has not seen it, shape (events,).
        owners: the event's session, shape (events,).
    """

    ids: np.ndarray
    counts: np.ndarray
    targets: np.ndarray
    owners: np.ndarray

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, rows) -> "Prefixes":
        """Some of the questions."""
        return Prefixes(*(value[rows] for value in vars(self).values()))

    @property
    def last(self) -> np.ndarray:
        """The last known item before each event, 0 where there is none; shape (events,)."""
        rows = np.arange(len(self))
        return np.where(self.counts > 0, self.ids[rows, np.maximum(self.counts, 1) - 1], PADDING)


def prefixes(sessions: Encoded, length: int, only_last: bool = False) -> Prefixes:
    """A question for every event but the first of its session, or for the last events only.

    Items that training has not seen are left out of the prefix. They stay as targets, which no
    ranker can hit.
    """
    known = sessions.ids != PADDING
    flat = sessions.ids[known]
    before = np.concatenate([[0], np.cumsum(known)])  # known events before each place
    if only_last:
        events = sessions.starts[1:] - 1
        events = events[np.diff(sessions.starts) > 1]
    else:
        events = sessions.followers
    owner = owners(sessions.starts)[events]
    end = before[events]
    begin = np.maximum(before[sessions.starts[owner]], end - length)
    places = begin[:, None] + np.arange(length)
    inside = places < end[:, None]
    ids = np.where(inside, flat[np.minimum(places, len(flat) - 1)], PADDING)
    return Prefixes(ids.astype(np.int32), end - begin, sessions.ids[events], owner)


def windows(sessions: Encoded, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Where to cut sessions into windows of at most `length` + 1 known items.

    Windows of a session overlap by one item, so that every event but the first is a target once;
    the last one is full.

    Returns:
        First event and length of each window among the known items, both of shape (windows,).
    """
    known = sessions.ids != PADDING
    before = np.concatenate([[0], np.cumsum(known)])
    first, end = before[sessions.starts[:-1]], before[sessions.starts[1:]]
    targets = end - first - 1
    pieces = np.maximum(-(-targets // length), 0)
    owner = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    stop = end[owner] - number * length
    start = np.maximum(first[owner], stop - length - 1)
    return start, stop - start


def batches(
    sessions: Encoded, length: int, size: int, seed: tuple[int, ...]
) -> Iterator[np.ndarray]:
    """Windows in random order, those of like length together; int32, shape (size, longest).

    Args:
        sessions: to train on.
        length: see `windows`.
        size: windows a batch.
        seed: of the order.
    """
    flat = sessions.ids[sessions.ids != PADDING]
    starts, lengths = windows(sessions, length)
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(starts))
    pool = np.arange(len(order)) // (size * 50)
    order = order[np.lexsort((lengths[order], pool))]
    cuts = np.arange(0, len(order), size)
    for cut in rng.permutation(cuts):
        rows = order[cut : cut + size]
        places = np.arange(lengths[rows].max())
        inside = places < lengths[rows][:, None]
        found = np.minimum(starts[rows][:, None] + places, len(flat) - 1)
        yield np.where(inside, flat[found], PADDING).astype(np.int32)


Scorer = Callable[[Prefixes], np.ndarray]  # scores (prefixes, items + 1), of ids


def ranks(questions: Prefixes, scorer: Scorer, unseen_only: bool = False) -> np.ndarray:
    """The rank of each event's item among all items, from 1.

    Among equal scores the lower id comes first. An item that training has not seen has the rank
    after the last.

    Args:
        questions: events to predict.
        scorer: scores of every id, `(prefixes, items + 1)`, from a block of questions.
        unseen_only: leave out the items of the prefix: nobody rates a film twice.

    Returns:
        int64, shape (events,).

    Raises:
        ValueError: a score that is not a finite number.
    """
    found = np.empty(len(questions), np.int64)
    for start in range(0, len(questions), BLOCK):
        block = questions.take(slice(start, start + BLOCK))
        scores = np.array(scorer(block), np.float32)
        if not np.isfinite(scores).all():
            raise ValueError(f"scores must be finite numbers. Received others in block {start}")
        if unseen_only:
            np.put_along_axis(scores, block.ids.astype(np.int64), -np.inf, axis=1)
        scores[:, PADDING] = -np.inf
        targets = block.targets.astype(np.int64)[:, None]
        mine = np.take_along_axis(scores, targets, axis=1)
        earlier = (scores == mine) & (np.arange(scores.shape[1]) < targets)
        above = np.sum((scores > mine) | earlier, axis=1) + 1
        found[start : start + BLOCK] = np.where(block.targets == PADDING, scores.shape[1], above)
    return found
