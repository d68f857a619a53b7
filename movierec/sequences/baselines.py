"""Baselines that rank the next item by counts.

Each function takes the training sessions and returns a scorer for `prefixes.ranks`. Items with
equal scores, for example if nothing has followed the last item yet, are ranked by popularity.
"""

import numpy as np
from scipy import sparse

from movierec.sequences.prefixes import PADDING, EncodedSessions, Prefixes, Scorer
from movierec.sequences.sessions import session_indices


def _popularity_shares(train: EncodedSessions) -> np.ndarray:
    """Share of each id in all events and one more, so below 1; float32, shape (items + 1,)."""
    counts = np.bincount(train.ids, minlength=train.items + 1).astype(np.float32)
    counts[PADDING] = 0
    return counts / (counts.sum() + 1)


def random_order(train: EncodedSessions, seed: int = 0) -> Scorer:
    """Random scores, drawn anew for every prefix."""
    rng = np.random.default_rng(seed)
    return lambda prefixes: rng.random((len(prefixes), train.items + 1), np.float32)


def popularity(train: EncodedSessions) -> Scorer:
    """Number of events of each item in the training sessions."""
    shares = _popularity_shares(train)
    return lambda prefixes: np.broadcast_to(shares, (len(prefixes), len(shares)))


def session_popularity(train: EncodedSessions) -> Scorer:
    """Number of events of each item in the current session so far."""
    shares = _popularity_shares(train)

    def scores(prefixes: Prefixes) -> np.ndarray:
        counts = np.broadcast_to(shares, (len(prefixes), len(shares))).copy()
        rows, columns = np.nonzero(prefixes.ids != PADDING)
        np.add.at(counts, (rows, prefixes.ids[rows, columns]), 1)
        return counts

    return scores


def markov_chain(train: EncodedSessions) -> Scorer:
    """Number of times each item directly followed the last item (first-order transitions)."""
    targets = train.target_events
    pairs = (train.ids[targets - 1], train.ids[targets])
    ones = np.ones(len(targets), np.float32)
    counts = sparse.coo_array((ones, pairs), (train.items + 1,) * 2).tocsr()
    return _rows_of_last_items(counts, _popularity_shares(train))


def item_knn(train: EncodedSessions) -> Scorer:
    """Cosine similarity of each item to the last item, from the sessions that contain them.

    `cos(i, j) = n_ij / √(n_i n_j)`, where n counts the sessions with one or both items (Hidasi et
    al. 2016). The similarity of an item to itself is set to 0.
    """
    known = train.ids != PADDING
    sessions, ids = session_indices(train.starts)[known], train.ids[known]
    ones, shape = np.ones(len(ids), np.float32), (len(train.starts) - 1, train.items + 1)
    contains = sparse.coo_array((ones, (sessions, ids)), shape).tocsr()
    contains.data[:] = 1  # an item counts once per session
    inverse_norms = 1 / np.sqrt(np.maximum(contains.sum(axis=0), 1))
    normalised = (contains @ sparse.diags_array(inverse_norms.astype(np.float32))).tocsr()
    similarities = (normalised.T @ normalised).tocsr()
    similarities.setdiag(0)
    return _rows_of_last_items(similarities, _popularity_shares(train) * 1e-6)


def _rows_of_last_items(matrix: sparse.csr_array, tie_breaker: np.ndarray) -> Scorer:
    return lambda prefixes: matrix[prefixes.last].toarray() + tie_breaker
