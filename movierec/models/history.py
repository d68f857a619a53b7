"""AutoInt+ that also reads the other ratings of the user and of the movie, as six more fields.

Of a user's n known ratings r_j of movies j, the model reads the sums

    Σ_j (r_j - m_j - b) y_j / √n    and    Σ_j y_j / √n

with a learnt vector y_j and the mean rating m_j of every movie, and the user's mean deviation b.
They are the sums of asymmetric SVD and SVD++ (Koren 2008,
https://doi.org/10.1145/1401890.1401944, equations 13 and 15). Of a movie's ratings it reads the
same sums, with a learnt vector and the mean rating of every user who gave one and the movie's mean
deviation; reading both sides is the idea of graph convolution (van den Berg, Kipf & Welling 2017,
https://arxiv.org/abs/1706.02263). A movie's mean is pulled to the mean of all ratings as if by
`MOVIE_PRIOR` more ratings and a user's as if by `USER_PRIOR`; the deviations are pulled to 0
likewise.

The user's sums are the same whichever movie is scored. Two more sums depend on the scored movie i:
they weigh the user's movies by attention, with a learnt query q_i of the scored movie and learnt
keys k_j,

    α_j = exp(q_i · k_j) / (1 + Σ_l exp(q_i · k_l)),
    Σ_j α_j (r_j - m_j - b) v_j    and    Σ_j α_j v_j

with a learnt vector v_j. Attention with the scored item as the query is the idea of the Deep
Interest Network (Zhou et al. 2018, https://arxiv.org/abs/1706.06978); because of the 1 all weights
can be small. Each sum is added to a learnt vector of its own, and the result is one more field of
AutoInt+.

A trained model keeps the movies' sums over its training ratings. A user's sums need no training, so
the model serves new users from their first ratings on.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from movierec.data.schema import RATING
from movierec.data.tables import Dataset
from movierec.models import array_file
from movierec.models.numpy_model import NumpyModel

SUMS = 2  # for each of: the user's history, the movie's history, the user's with attention
ADDED = 3 * SUMS  # fields
MOVIE_PRIOR, USER_PRIOR = 10, 5  # ratings that pull a movie's and a user's mean and deviation

ROWS_PER_CALL = 8192  # rows whose vectors are in memory at a time

RowPredictor = Callable[[np.ndarray, np.ndarray], np.ndarray]

_SIZES = ("num_heads", "num_positive", "pairwise_pooling")
_ARRAYS = ("movie_sums", "queries", "keys", "values", "vectors", "means")


def mean_ratings(owners: np.ndarray, ratings: np.ndarray, count: int, prior: int) -> np.ndarray:
    """Each movie's or each user's mean rating, pulled towards the mean of all ratings.

    Args:
        owners: position of each rating's movie or user, shape (rows,).
        ratings: in the data set's scale, shape (rows,).
        count: number of movies or users.
        prior: as if each had so many more ratings, all equal to the mean.

    Returns:
        float32, shape (count,).
    """
    total = np.bincount(owners, weights=ratings, minlength=count) + prior * ratings.mean()
    return (total / (np.bincount(owners, minlength=count) + prior)).astype(np.float32)


def known_ratings(data: Dataset, rows: np.ndarray) -> sparse.csr_array:
    """The ratings of row indices, float32, shape (users, movies), for `HistoryModel.for_users`."""
    return data.matrix(rows, data.ratings[RATING].to_numpy(np.float32)[rows])


def deviations_of(ratings: sparse.csr_array, means: np.ndarray, prior: int) -> np.ndarray:
    """r - m - b of every rating, float32, in the order of `ratings.data`.

    Args:
        ratings: the known ratings, float32, shape (users, movies).
        means: m, float32, shape (movies,).
        prior: ratings that pull the user's mean deviation b to 0.

    For a movie's deviations, pass the transposed matrix and the users' means.
    """
    counts = np.diff(ratings.indptr)
    users = np.repeat(np.arange(len(counts)), counts)
    deviations = ratings.data - means[ratings.indices]
    b = np.bincount(users, weights=deviations, minlength=len(counts)) / (counts + prior)
    return (deviations - b[users]).astype(np.float32)


def sums_of(
    ratings: sparse.csr_array, vectors: np.ndarray, means: np.ndarray, prior: int
) -> np.ndarray:
    """Each user's two sums, float32, shape (users, 2, dim); 0 for users without ratings.

    Args:
        ratings, means, prior: see `deviations_of`.
        vectors: y, float32, shape (movies, dim).
    """
    counts = np.diff(ratings.indptr)
    scale = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    parts = (ratings.indices, ratings.indptr)
    found = [
        sparse.csr_array((value, *parts), ratings.shape) @ vectors
        for value in (deviations_of(ratings, means, prior) * scale, scale)
    ]
    return np.stack(found, axis=1)


@dataclass(frozen=True)
class HistoryModel:
    """A trained AutoInt+ with history.

    Args:
        model: AutoInt+ with `ADDED` more fields of one id each: the vectors that are added to the
            movie's sums, the user's sums, and the user's sums with attention.
        movie_column: number of the movie field.
        movie_sums: the sums of every id of the movie field, float32, shape (ids, 2, embed_dim).
        queries: q of every id of the movie field, float32, shape (ids, width).
        keys, values: k and v of the movies, float32, shapes (movies, width) and (movies,
            embed_dim).
        vectors: y of the movies, float32, shape (movies, embed_dim).
        means: m of the movies, float32, shape (movies,).
    """

    model: NumpyModel
    movie_column: int
    movie_sums: np.ndarray
    queries: np.ndarray
    keys: np.ndarray
    values: np.ndarray
    vectors: np.ndarray
    means: np.ndarray

    def for_users(self, ratings: sparse.csr_array) -> RowPredictor:
        """A function from encoded rows and users to the probability of a liked movie.

        Args:
            ratings: the known ratings, float32, shape (users, movies).

        Returns:
            Function of int32 ids (rows, fields), without those of the history, and of each row's
            user, its row in `ratings`; it returns float32, shape (rows,).
        """
        sums = sums_of(ratings, self.vectors, self.means, USER_PRIOR)
        deviations = deviations_of(ratings, self.means, USER_PRIOR)

        def part(ids: np.ndarray, users: np.ndarray) -> np.ndarray:
            movies = ids[:, self.movie_column]
            added = [self.movie_sums[movies], sums[users]]
            added.append(self._attended(movies, users, ratings, deviations))
            ids = np.hstack([ids, np.zeros((len(ids), ADDED), ids.dtype)])
            vectors = self.model.embedding(ids)
            vectors[:, -ADDED:] += np.concatenate(added, axis=1)
            return self.model.probabilities(self.model.logits_of(vectors)[0])[:, 0]

        def predict_rows(ids: np.ndarray, users: np.ndarray) -> np.ndarray:
            starts = range(0, len(ids), ROWS_PER_CALL)
            chunks = [slice(start, start + ROWS_PER_CALL) for start in starts]
            found = [part(ids[chunk], users[chunk]) for chunk in chunks]
            return np.concatenate([np.empty(0, np.float32), *found])

        return predict_rows

    def _attended(
        self, movies: np.ndarray, users: np.ndarray, ratings: sparse.csr_array, deviations
    ) -> np.ndarray:
        """The sums with attention, float32 (rows, 2, embed_dim); all of a user's ratings count."""
        from movierec.models import history_sums  # Numba is slow to import

        sums = np.empty((len(users), SUMS, self.values.shape[1]), np.float32)
        none_left_out, fold = np.ones(len(deviations), np.int32), np.zeros(len(users), np.int32)
        history_sums.attend(
            *(self.queries, self.keys, self.values),
            *(movies.astype(np.int32), users.astype(np.int32), fold),
            *(ratings.indptr.astype(np.int64), ratings.indices.astype(np.int32), deviations),
            *(none_left_out, np.zeros((ratings.shape[0], 1), np.float32)),
            sums,
        )
        return sums

    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved of the model, by name."""
        model = self.model
        lists = {"layer": model.layers, "dense": model.dense, "dense_bias": model.biases}
        sizes = [*(getattr(model, name) for name in _SIZES), *map(len, lists.values())]
        sizes.append(self.movie_column)
        saved = {"sizes": np.array(sizes, "<i4"), "field_dims": np.array(model.field_dims, "<i4")}
        parts = {name: getattr(model, name) for name in ("table", "readout", "bias")}
        parts |= {name: getattr(self, name) for name in _ARRAYS}
        for name, arrays in lists.items():
            parts |= {f"{name}_{number}": array for number, array in enumerate(arrays)}
        return saved | {name: np.ascontiguousarray(part, "<f4") for name, part in parts.items()}

    @classmethod
    def read(cls, path: Path, movies: int) -> "HistoryModel":
        """The model whose `arrays` were saved in an npz file.

        Args:
            path: the file.
            movies: number of movies of the data set.

        Raises:
            ValueError: the file is damaged, or not a model with history for that many movies.
        """
        header = array_file.read(path, {"sizes": ("<i4", 100), "field_dims": ("<i4", 1000)})
        sizes, dims = header["sizes"].tolist(), header["field_dims"].tolist()
        if len(sizes) != len(_SIZES) + 4 or not all(0 <= size <= 100 for size in sizes):
            raise ValueError(f"it has sizes {sizes}")
        heads, positive, pooling, *counts, movie_column = sizes
        if not 0 <= movie_column < len(dims) - ADDED or dims[-ADDED:] != [1] * ADDED:
            raise ValueError(f"it has {dims} ids per field, and movies in field {movie_column}")
        if not all(0 < dim <= 10**8 for dim in dims):
            raise ValueError(f"it has {dims} ids per field")
        lists = dict(zip(("layer", "dense", "dense_bias"), counts, strict=True))
        lists = {name: [f"{name}_{n}" for n in range(count)] for name, count in lists.items()}
        single = ("table", "readout", "bias", *_ARRAYS)
        names = [*single, *(name for found in lists.values() for name in found)]
        most = 1024 * max(sum(dims), movies, 1024)
        arrays = array_file.read(path, dict.fromkeys(names, ("<f4", most)))
        layers, dense, biases = (tuple(arrays[n] for n in found) for found in lists.values())
        table, readout, bias, *own = (arrays[name] for name in single)
        model = NumpyModel(
            tuple(dims), heads, positive, bool(pooling), table, layers, readout, bias, dense, biases
        )
        try:
            result = model.logits_of(model.embedding(np.zeros((1, len(dims)), np.int32)))[0]
            fits = result.shape == (1, len(bias)) and len(table) == sum(dims)
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise ValueError("its arrays do not fit each other") from error
        ids, dim, width = dims[movie_column], table.shape[1], own[1].size // dims[movie_column]
        shapes = [(ids, SUMS, dim), (ids, width), (movies, width), *[(movies, dim)] * 2, (movies,)]
        if not fits or [array.shape for array in own] != shapes:
            raise ValueError(f"its arrays do not fit {movies} movies")
        return cls(model, movie_column, *own)
