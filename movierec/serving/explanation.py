"""Explain a recommendation: attention between fields, and the score without each field.

Attention shows how much a layer mixed the fields, not what caused the score. So the second view
re-computes the probability with one field unknown (id 0) at a time.
`movierec.evaluation.explanation_agreement` measures how far the two views agree.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.data.rows import UNKNOWN
from movierec.data.schema import MOVIE, RATING
from movierec.serving.recommender import Candidates, Recommender

NEAREST = 5
REASONS = 3


@dataclass(frozen=True)
class Explanation:
    """The explanation of one score.

    Args:
        field_values: the value of each field as text; "" where it is unknown to the model.
        attention: attention weights, float32 (layers, heads, fields, fields): row = query field,
            column = key field; rows sum to 1. Shape (0,) if the model has no layers.
        probability: of a rating of 4 or more.
        without: the probability with each field unknown, float32 (fields,).
    """

    field_values: tuple[str, ...]
    attention: np.ndarray
    probability: float
    without: np.ndarray

    @property
    def received(self) -> np.ndarray:
        """Attention that each key field receives, averaged over layers, heads and query fields.

        Shape (fields,); (0,) if the model has no layers.
        """
        return self.attention.mean(axis=(0, 1, 2)) if self.attention.size else self.attention

    @property
    def changes(self) -> np.ndarray:
        """Decrease of the log-odds when each field becomes unknown, shape (fields,)."""
        return log_odds(self.probability) - log_odds(self.without)


def log_odds(probability) -> np.ndarray:
    """`log(p / (1 − p))`.

    >>> float(log_odds(0.5))
    0.0
    """
    p = np.clip(np.asarray(probability, np.float64), 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p))


def explain(recommender: Recommender, candidates: Candidates, movie_id: int) -> Explanation:
    """Explain the score of one movie.

    Args:
        recommender: the recommender.
        candidates: the movies, encoded for a user, see `Recommender.candidates`.
        movie_id: a movie of the data set.

    Raises:
        RequestError: unknown movie.
    """
    ids = candidates.ids[recommender.lookups.movie_position(movie_id)]
    model = recommender.model
    # row 0 has all fields; in row f + 1, field f is unknown
    variants = np.tile(ids, (len(ids) + 1, 1))
    if candidates.user_vector is not None:
        model = model.with_users(candidates.user_vector[None])
        variants[:, 0] = 1
    np.fill_diagonal(variants[1:], UNKNOWN)
    logits, attention = model.logits_of(model.embedding(variants))
    probability = model.probabilities(logits)[:, 0]
    known = recommender.encoder.classes.values()
    return Explanation(
        field_values=tuple(str(values[i]) for values, i in zip(known, ids, strict=True)),
        attention=np.array([layer[0] for layer in attention]),
        probability=float(probability[0]),
        without=probability[1:],
    )


def reasons(recommender: Recommender, movie_id: int, rated: pd.DataFrame) -> pd.DataFrame:
    """The liked movies that add most to the probability that the user turns to a movie.

    Args:
        recommender: the recommender.
        movie_id: a movie of the data set.
        rated: the user's movie_id and rating.

    Returns:
        At most `REASONS` rows of liked movies: movie_id, rating and added, what the movie adds to
        the logarithm of P(turn to it), if that is more than 0; the largest first.

    Raises:
        RequestError: unknown movie.
    """
    likes = rated[RATING] >= recommender.data.scale.liked
    liked = rated.loc[likes & (rated[MOVIE] != movie_id), [MOVIE, RATING]]
    positions = recommender.lookups.movie_positions([movie_id, *liked[MOVIE]])
    added = recommender.candidate_model.reasons(positions[1:], positions[0])
    liked = liked.assign(added=added).query("added > 0")
    return liked.nlargest(REASONS, "added").reset_index(drop=True)


def nearest(recommender: Recommender, movie_id: int, rated: pd.DataFrame) -> pd.DataFrame:
    """The rated movies that are most similar to a movie in the model's embedding space.

    Args:
        recommender: the recommender.
        movie_id: a movie of the data set.
        rated: movie_id and rating.

    Returns:
        At most `NEAREST` rows: movie_id, rating and similarity, the cosine of the two movies'
        embeddings (all movie fields concatenated); most similar first.

    Raises:
        RequestError: unknown movie.
    """
    positions = recommender.lookups.movie_positions([movie_id, *rated[MOVIE]])
    ids = recommender.new_user_ids({})[positions]
    columns = recommender.data.fields.movie_columns
    vectors = recommender.model.embedding(ids)[:, columns].reshape(len(positions), -1)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    similarity = vectors[1:] @ vectors[0]
    movies = rated[[MOVIE, RATING]].assign(similarity=similarity)
    return movies.nlargest(NEAREST, "similarity").reset_index(drop=True)
