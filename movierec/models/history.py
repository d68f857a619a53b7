"""AutoInt+ that also reads the other ratings of the user and of the movie, as four more fields.

Of a user's n known ratings r_j of movies j, the model reads the sums

    Σ_j (r_j - m_j - b) y_j / √n    and    Σ_j y_j / √n

with a learnt vector y_j and the mean rating m_j of every movie, and the user's mean deviation b.
They are the sums of asymmetric SVD and SVD++ (Koren 2008,
https://doi.org/10.1145/1401890.1401944, equations 13 and 15). Of a movie's ratings it reads the
same sums, with a learnt vector and the mean rating of every user who gave one and the movie's mean
deviation; reading both sides is the idea of graph convolution (van den Berg, Kipf & Welling 2017,
https://arxiv.org/abs/1706.02263). A movie's mean is pulled to the mean of all ratings as if by
`MOVIE_PRIOR` more ratings and a user's as if by `USER_PRIOR`; the deviations are pulled to 0
likewise. Each sum is added to a learnt vector of its own, and the result is one more field of
AutoInt+.

A trained model keeps the movies' sums over its training ratings. A user's sums need no training, so
the model serves new users from their first ratings on.
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

SUMS = 2  # fields that a user's history adds, and as many that a movie's adds
MOVIE_PRIOR, USER_PRIOR = 10, 5  # ratings that pull a movie's and a user's mean and deviation

_SIZES = ("num_heads", "num_positive", "pairwise_pooling")


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


def sums_of(
    ratings: sparse.csr_array, vectors: np.ndarray, means: np.ndarray, prior: int
) -> np.ndarray:
    """Each user's two sums, float32, shape (users, 2, dim); 0 for users without ratings.

    Args:
        ratings: the known ratings, float32, shape (users, movies).
        vectors: y, float32, shape (movies, dim).
        means: m, float32, shape (movies,).
        prior: ratings that pull the user's mean deviation b to 0.

    For the sums of movies, users and movies change places.
    """
    counts = np.diff(ratings.indptr)
    users = np.repeat(np.arange(len(counts)), counts)
    deviations = ratings.data - means[ratings.indices]
    b = np.bincount(users, weights=deviations, minlength=len(counts)) / (counts + prior)
    scale = 1 / np.sqrt(np.maximum(counts, 1))
    values = [(deviations - b[users]) * scale[users], scale[users]]
    parts = (ratings.indices, ratings.indptr)
    found = [
        sparse.csr_array((value.astype(np.float32), *parts), ratings.shape) @ vectors
        for value in values
    ]
    return np.stack(found, axis=1)


@dataclass(frozen=True)
class HistoryModel:
    """A trained AutoInt+ with history.

    Args:
        model: AutoInt+ with 2 · `SUMS` more fields. The first `SUMS` of them have the ids of the
            movie field: the movies' sums. The others have one id each: the vectors that are added
            to the user's sums.
        movie_column: number of the movie field.
        vectors: y of the movies, float32, shape (movies, embed_dim).
        means: m of the movies, float32, shape (movies,).
    """

    model: NumpyModel
    movie_column: int
    vectors: np.ndarray
    means: np.ndarray

    @classmethod
    def of(
        cls, model: NumpyModel, movie_sums: np.ndarray, movie_column: int, *of_movies: np.ndarray
    ) -> "HistoryModel":
        """Make the model from a trained AutoInt+ in which each added field has one id.

        Args:
            model: AutoInt+ whose last 2 · `SUMS` vectors are added to the movies' sums and to the
                users' sums.
            movie_sums: the sums of every id of the movie field, shape (ids, 2, embed_dim).
            movie_column: number of the movie field.
            *of_movies: y and m, see the class.
        """
        dims, ids = model.field_dims[: -2 * SUMS], len(movie_sums)
        table, own, of_users = np.split(model.table, [-2 * SUMS, -SUMS])
        table = np.concatenate([table, _by_field(own + movie_sums), of_users])
        dims = (*dims, *[ids] * SUMS, *[1] * SUMS)
        return cls(
            dataclasses.replace(model, table=table, field_dims=dims), movie_column, *of_movies
        )

    def for_users(self, ratings: sparse.csr_array) -> Predictor:
        """A function from encoded rows and users to the probability of a rating of 4 or more.

        Args:
            ratings: the known ratings, float32, shape (users, movies).

        Returns:
            Function of int32 ids (rows, fields), without those of the history, and of each row's
            user, its row in `ratings`; it returns float32, shape (rows,).
        """
        dims = self.model.field_dims[:-SUMS]
        table, own = np.split(self.model.table, [-SUMS])
        of_users = own + sums_of(ratings, self.vectors, self.means, USER_PRIOR)
        model = dataclasses.replace(
            self.model,
            table=np.concatenate([table, _by_field(of_users)]),
            field_dims=(*dims, *[ratings.shape[0]] * SUMS),
        )
        predict = predictor(model)

        def predict_rows(ids: np.ndarray, rows: np.ndarray) -> np.ndarray:
            columns = np.column_stack([ids[:, self.movie_column], rows]).astype(np.int32)
            return predict(np.hstack([ids, np.repeat(columns, SUMS, axis=1)]))

        return predict_rows

    def arrays(self) -> dict[str, np.ndarray]:
        """What is saved of the model, by name."""
        model = self.model
        lists = {"layer": model.layers, "dense": model.dense, "dense_bias": model.biases}
        sizes = [*(getattr(model, name) for name in _SIZES), *map(len, lists.values())]
        sizes.append(self.movie_column)
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
        header = array_file.read(path, {"sizes": ("<i4", 100), "field_dims": ("<i4", 1000)})
        sizes, dims = header["sizes"].tolist(), header["field_dims"].tolist()
        if len(sizes) != len(_SIZES) + 4 or not all(0 <= size <= 100 for size in sizes):
            raise ValueError(f"it has sizes {sizes}")
        heads, positive, pooling, *counts, movie_column = sizes
        added = dims[: -2 * SUMS][movie_column : movie_column + 1] * SUMS + [1] * SUMS
        if dims[-2 * SUMS :] != added or not all(0 < dim <= 10**8 for dim in dims):
            raise ValueError(f"it has {dims} ids per field")
        lists = dict(zip(("layer", "dense", "dense_bias"), counts, strict=True))
        lists = {name: [f"{name}_{n}" for n in range(count)] for name, count in lists.items()}
        single = ("table", "readout", "bias", "vectors", "means")
        names = [*single, *(name for found in lists.values() for name in found)]
        most = 1024 * max(sum(dims), movies, 1024)
        arrays = array_file.read(path, dict.fromkeys(names, ("<f4", most)))
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
        return cls(model, movie_column, vectors, means)


def _by_field(vectors: np.ndarray) -> np.ndarray:
    """Table rows from vectors (ids, fields, dim): all ids of one field, then of the next."""
    return vectors.swapaxes(0, 1).reshape(-1, vectors.shape[2])
