"""Rankers of the next item that learn nothing but counts; the rows every table starts with.

Each takes training sessions and returns a scorer for `prefixes.ranks`. Where counts say nothing,
the popular items come first.
"""

import numpy as np
from scipy import sparse

from movierec.prefixes import PADDING, Encoded, Prefixes, Scorer
from movierec.sessiondata import owners


def _share(train: Encoded) -> np.ndarray:
    """How often each id was chosen, of all choices, below 1; float32, shape (items + 1,)."""
    counts = np.bincount(train.ids, minlength=train.items + 1).astype(np.float32)
    counts[PADDING] = 0
    return counts / (counts.sum() + 1)


def random_order(train: Encoded, seed: int = 0) -> Scorer:
    """Items in random order, another one for every question."""
    rng = np.random.default_rng(seed)
    return lambda block: rng.random((len(block), train.items + 1), np.float32)


def popularity(train: Encoded) -> Scorer:
    """The items chosen most often."""
    share = _share(train)
    return lambda block: np.broadcast_to(share, (len(block), len(share)))


def session_popularity(train: Encoded) -> Scorer:
    """The items chosen most often in this session so far, then the popular ones."""
    share = _share(train)

    def scores(block: Prefixes) -> np.ndarray:
        counts = np.broadcast_to(share, (len(block), len(share))).copy()
        rows, places = np.nonzero(block.ids != PADDING)
        np.add.at(counts, (rows, block.ids[rows, places]), 1)
        return counts

    return scores


def markov_chain(train: Encoded) -> Scorer:
    """What most often came directly after the last item: counts of first-order transitions."""
    follows = train.followers
    pairs = (train.ids[follows - 1], train.ids[follows])
    counts = sparse.coo_array(
        (np.ones(len(follows), np.float32), pairs), (train.items + 1,) * 2
    ).tocsr()
    return _rows_of(counts, _share(train))


def item_knn(train: Encoded) -> Scorer:
    """Items that stand in the same sessions as the last item: cosine of their session vectors.

    `cos(i, j) = n_ij / √(n_i n_j)`, with n the sessions that hold one or both (Hidasi et al. 2016).
    An item is no neighbour of itself.
    """
    known = train.ids != PADDING
    shape = (len(train.starts) - 1, train.items + 1)
    held = sparse.coo_array(
        (np.ones(known.sum(), np.float32), (owners(train.starts)[known], train.ids[known])), shape
    ).tocsr()
    held.data[:] = 1  # counts of repeated items
    norm = 1 / np.sqrt(np.maximum(held.sum(axis=0), 1))
    held = (held @ sparse.diags_array(norm.astype(np.float32))).tocsr()
    similar = (held.T @ held).tocsr()
    similar.setdiag(0)
    return _rows_of(similar, _share(train) * 1e-6)


def _rows_of(matrix: sparse.csr_array, share: np.ndarray) -> Scorer:
    return lambda block: matrix[block.last].toarray() + share
