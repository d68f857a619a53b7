"""AutoInt+ with history: a user's other ratings as two more field vectors.

Of a user's n known ratings r_j of movies j, the model reads the sums

    Σ_j (r_j - m_j - b) y_j / √n    and    Σ_j y_j / √n

with a learnt vector y_j of every movie, the movie mean m_j, pulled to the mean of all ratings as if
by ten more ratings, and the user's mean deviation b = Σ_j (r_j - m_j) / (n + 5). They
are the sums of asymmetric SVD and SVD++ (Koren 2008, https://doi.org/10.1145/1401890.1401944,
equations 13 and 15). Each is added to a learnt vector of its own, and the result is one more field
of AutoInt+.

The sums need no training for a user, so the model serves new users from their first ratings on.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from movierec.data.schema import RATING
from movierec.data.tables import Dataset
from movierec.models import array_file
from movierec.models.numpy_model import NumpyModel
from movierec.models.scorer import Predictor, predictor

SUMS = 2  # fields that the history adds
MOVIE_PRIOR, USER_PRIOR = 10, 5  # ratings that pull the movie's mean and the user's deviation

_SIZES = ("num_heads", "num_positive", "pairwise_pooling")


def movie_means(movies: np.ndarray, ratings: np.ndarray, count: int) -> np.ndarray:
    """The means m_j, float32, shape (count,).

    Args:
        movies: position of each rating's movie, shape (rows,).
        ratings: 1 to 5, shape (rows,).
        count: number of movies.
    """
    total = np.bincount(movies, weights=ratings, minlength=count) + MOVIE_PRIOR * ratings.mean()
    return (total / (np.bincount(movies, minlength=count) + MOVIE_PRIOR)).astype(np.float32)


def known_ratings(data: Dataset, rows: np.ndarray) -> sparse.csr_array:
    """The ratings of row indices, float32, shape (users, movies), for `HistoryModel.for_users`."""
    return data.matrix(rows, data.ratings[RATING].to_numpy(np.float32)[rows])


@dataclass(frozen=True)
class HistoryModel:
    """A trained AutoInt+ with history.

    Args:
        model: AutoInt+ whose last `SUMS` fields have one id each: the vectors that are added to the
            sums.
        vectors: y, float32, shape (movies, embed_dim).
        means: m, float32, shape (movies,).
    """

    model: NumpyModel
    vectors: np.ndarray
    means: np.ndarray

    def sums(self, ratings: sparse.csr_array) -> np.ndarray:
        """The two sums of every user, float32, shape (users, 2, embed_dim); 0 without ratings.

        Args:
            ratings: the known ratings, 1 to 5, float32, shape (users, movies).
        """
        counts = np.diff(ratings.indptr)
        users = np.repeat(np.arange(len(counts)), counts)
        deviations = ratings.data - self.means[ratings.indices]
        b = np.bincount(users, weights=deviations, minlength=len(counts)) / (counts + USER_PRIOR)
        scale = 1 / np.sqrt(np.maximum(counts, 1))
        values = [(deviations - b[users]) * scale[users], scale[users]]
        parts = (ratings.indices, ratings.indptr)
        sums = [
            sparse.csr_array((value.astype(np.float32), *parts), ratings.shape) @ self.vectors
            for value in values
        ]
        return np.stack(sums, axis=1)

    def for_users(self, ratings: sparse.csr_array) -> Predictor:
        """A function from encoded rows and users to the probability of a rating of 4 or more.

        Args:
            ratings: see `sums`.

        Returns:
            Function of int32 ids (rows, fields), without those of the history, and of each row's
            user, its row in `ratings`; it returns float32, shape (rows,).
        """
        *dims, _, _ = self.model.field_dims
        table, own = np.split(self.model.table, [-SUMS])
        vectors = (own + self.sums(ratings)).swapaxes(0, 1).reshape(-1, self.model.embed_dim)
        users = ratings.shape[0]
        model = dataclasses.replace(
            self.model,
            table=np.concatenate([table, vectors]),
            field_dims=(*dims, *[users] * SUMS),
        )
        predict = predictor(model)

        def predict_rows(ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
            columns = np.repeat(rows[:, None], SUMS, axis=1).astype(np.int32)
            return predict(np.hstack([ids, columns]))

        return predict_rows

    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved of the model, by name."""
        model = self.model
        lists = {"layer": model.layers, "dense": model.dense, "dense_bias": model.biases}
        sizes = [*(getattr(model, name) for name in _SIZES), *map(len, lists.values())]
        saved = {"sizes": np.array(sizes, "<i4"), "field_dims": np.array(model.field_dims, "<i4")}
        parts = {name: getattr(model, name) for name in ("table", "readout", "bias")}
        parts |= {"vectors": self.vectors, "means": self.means}
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
        header = array_file.read(path, {"sizes": "<i4", "field_dims": "<i4"}, 1000)
        sizes, dims = header["sizes"].tolist(), header["field_dims"].tolist()
        if len(sizes) != len(_SIZES) + 3 or not all(0 <= size <= 100 for size in sizes):
            raise ValueError(f"it has sizes {sizes}")
        if dims[-SUMS:] != [1] * SUMS or not all(0 < dim <= 10**8 for dim in dims):
            raise ValueError(f"it has {dims} ids per field")
        heads, positive, pooling, *counts = sizes
        lists = dict(zip(("layer", "dense", "dense_bias"), counts, strict=True))
        lists = {name: [f"{name}_{n}" for n in range(count)] for name, count in lists.items()}
        single = ("table", "readout", "bias", "vectors", "means")
        names = [*single, *(name for found in lists.values() for name in found)]
        most = 1024 * max(sum(dims), movies, 1024)
        arrays = array_file.read(path, dict.fromkeys(names, "<f4"), most)
        layers, dense, biases = (tuple(arrays[n] for n in found) for found in lists.values())
        table, readout, bias, vectors, means = (arrays[name] for name in single)
        model = NumpyModel(
            tuple(dims), heads, positive, bool(pooling), table, layers, readout, bias, dense, biases
        )
        try:
            result = model.logits_of(model.embedding(np.zeros((1, len(dims)), np.int32)))[0]
            fits = result.shape == (1, len(bias)) and len(table) == sum(dims)
        except (ValueError, IndexError, ZeroDivisionError) as error:
            raise ValueError("its arrays do not fit each other") from error
        if not fits or vectors.shape != (movies, table.shape[1]) or means.shape != (movies,):
            raise ValueError(f"its arrays do not fit {movies} movies")
        return cls(model, vectors, means)
