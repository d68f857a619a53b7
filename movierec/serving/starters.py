"""Movies for a new user to rate first: well known, and liked by different people."""

import numpy as np

from movierec.data.schema import MOVIE
from movierec.serving.lookups import Lookups

COUNT = 16
POOL = 100  # the movies with the most ratings, of which the starters are chosen


def starters(lookups: Lookups, count: int = COUNT) -> list[int]:
    """Ids of `count` well-known movies that have few fans in common.

    The first is the movie with the most ratings. Each next one is the movie, of the `POOL` with the
    most ratings, whose highest similarity to those already chosen is lowest. The similarity of two
    movies is the cosine of their columns in the matrix of who likes what.
    """
    pool = np.argsort(-lookups.raters, kind="stable")[:POOL]
    likes = lookups.liked_table[:, pool]
    common = (likes.T @ likes).toarray()
    norms = np.sqrt(np.maximum(common.diagonal(), 1))
    similarity = common / np.outer(norms, norms)
    chosen, nearest = [0], similarity[0].copy()
    while len(chosen) < min(count, len(pool)):
        nearest[chosen] = np.inf
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, similarity[chosen[-1]])
    return lookups.movies[MOVIE].iloc[pool[chosen]].tolist()
