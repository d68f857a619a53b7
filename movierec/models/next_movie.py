"""The probability that a user rates a movie next, from the movies they rated last, in order.

It is the first stage of a list that carries on from the last movies. The weights are those of a
trained `movierec.sequences.next_item.NextItem` with one GRU layer and one attention head; the same
computation is repeated here in NumPy, so that serving needs no TensorFlow.

Let h_t be the GRU's state after the movie at position t of n, and a_t the weight of that state,
`softmax_t(q · k_t / √d)` with the query of h_n. The score of movie j is

    s · cos(P [h_n ‖ Σ_t a_t v_t], e_j)

with the movie's vector e_j, which is also the GRU's input, the projection P and the factor s.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.special import expit, softmax

from movierec.models import array_file
from movierec.models.candidates import normalised

NAMES = ("vectors", "kernel", "recurrent", "bias", "attention", "projection", "scale")
LENGTH = 200  # movies that are read, the last ones
BLOCK = 256  # histories at a time: with 200 movies and 128 numbers their states take 26 MB


@dataclass(frozen=True)
class NextMovieModel:
    """P(rates it next) for every movie.

    Args:
        vectors: a vector of length 1 for every movie, float32, shape (movies, dim).
        kernel, recurrent: of the GRU, shape (dim, 3 · dim): update gate, reset gate, new state.
        bias: of the GRU, for inputs and for states, shape (2, 3 · dim).
        attention: queries, keys and values, shape (dim, 3 · dim).
        projection: P, shape (2 · dim, dim).
        scale: the factor s.
    """

    vectors: np.ndarray
    kernel: np.ndarray
    recurrent: np.ndarray
    bias: np.ndarray
    attention: np.ndarray
    projection: np.ndarray
    scale: float

    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved of the model, by name."""
        return {name: np.array(getattr(self, name), "<f4") for name in NAMES}

    @classmethod
    def read(cls, path: Path, movies: int) -> "NextMovieModel":
        """The model whose `arrays` were saved in an npz file.

        Args:
            path: the file.
            movies: number of movies of the data set.

        Raises:
            ValueError: the file is damaged, or not a next-movie model for that many movies.
        """
        expected = dict.fromkeys(NAMES, ("<f4", 1024 * max(movies, 3072)))
        *weights, scale = array_file.read(path, expected).values()
        dim = weights[0].shape[-1] if weights[0].ndim else 0
        square, pair = (dim, 3 * dim), (2, 3 * dim)
        shapes = [(movies, dim), square, square, pair, square, (2 * dim, dim), ()]
        found = [array.shape for array in (*weights, scale)]
        if found != shapes:
            raise ValueError(f"it has arrays of shapes {found}, expected {shapes}")
        return cls(*weights, float(scale))

    def log_probability(self, histories: np.ndarray, unrated: np.ndarray) -> np.ndarray:
        """Logarithm of P(rates it next), float32, shape (users, movies).

        It is -inf for rated movies, and NaN everywhere for a user who has rated all of them. For a
        user who has rated nothing all movies are equally likely.

        Args:
            histories: the positions of the movies that a user rated last, oldest first, then -1;
                int, shape (users, length).
            unrated: which movies a user has not rated, bool, shape (users, movies).
        """
        starts = range(0, len(histories), BLOCK)
        states = [self._states(histories[start : start + BLOCK]) for start in starts]
        scores = self.scale * (np.concatenate(states) @ self.vectors.T)
        return normalised(scores, unrated)

    @cached_property
    def _inputs(self) -> np.ndarray:
        """What each movie adds to the GRU's three parts, float32 (movies, 3 · dim)."""
        return self.vectors @ self.kernel + self.bias[0]

    def _states(self, histories: np.ndarray) -> np.ndarray:
        """The projected states of length 1, (users, dim); 0 for an empty history."""
        counts, dim = np.sum(histories >= 0, axis=1), self.vectors.shape[1]
        order = np.argsort(-counts)  # the longest first, so that those still going on are in front
        histories, counts = histories[order], counts[order]
        states = np.zeros((len(histories), max(1, counts.max(initial=0)), dim), np.float32)
        state = np.zeros((len(histories), dim), np.float32)
        for position in range(counts.max(initial=0)):
            left = np.searchsorted(-counts, -position)  # users with a movie at this position
            before = state[:left]
            x = self._inputs[histories[:left, position]]
            u = before @ self.recurrent + self.bias[1]
            gates = expit(x[:, : 2 * dim] + u[:, : 2 * dim])
            update, reset = gates[:, :dim], gates[:, dim:]
            new = np.tanh(x[:, 2 * dim :] + reset * u[:, 2 * dim :])
            state[:left] = states[:left, position] = update * before + (1 - update) * new
        query, key, value = np.split(self.attention, 3, axis=1)
        queries = (state @ query) @ key.T / np.float32(np.sqrt(dim))
        products = np.matmul(states, queries[:, :, None])[:, :, 0]
        products[np.arange(states.shape[1]) >= np.maximum(counts, 1)[:, None]] = -np.inf
        mixed = np.matmul(softmax(products, axis=1)[:, None], states)[:, 0] @ value
        projected = np.hstack([state, mixed]) @ self.projection
        projected /= np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-6)
        result = np.empty_like(projected)
        result[order] = projected
        return result
