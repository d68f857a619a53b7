"""The next-movie model: NumPy against Keras, histories of a data set, saving and loading."""

import dataclasses

import numpy as np
import pytest
from scipy.special import log_softmax

from movierec.data.dataset import split_by
from movierec.models import next_movie as models
from movierec.models.next_movie import NextMovieModel
from movierec.sequences import next_movie, train
from movierec.sequences.next_item import NextItem
from movierec.sequences.prefixes import Prefixes
from tests.conftest import spread

HISTORIES = np.array([[4, 0, 2, 7], [3, 3, -1, -1], [1, -1, -1, -1]])


@pytest.fixture(scope="module")
def keras_model():
    return spread(NextItem(9, dim=8, length=4, scale=5.0), std=0.3)


def test_numpy_agrees_with_keras(keras_model):
    counts = (HISTORIES >= 0).sum(axis=1)
    prefixes = Prefixes((HISTORIES + 1).astype(np.int32), counts, np.zeros(3, int), np.arange(3))
    scores = train.scorer(keras_model)(prefixes)[:, 1:]
    model = next_movie.as_numpy(keras_model)
    found = model.log_probability(HISTORIES, np.ones((3, 9), bool))
    np.testing.assert_allclose(found, log_softmax(scores, axis=1), atol=1e-4)
    unrated = np.ones((3, 9), bool)
    unrated[0, 4] = False
    shares = np.exp(model.log_probability(HISTORIES, unrated))
    assert shares[0, 4] == 0
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)


def test_more_users_than_a_block_get_the_same_answer(keras_model, monkeypatch):
    model, every = next_movie.as_numpy(keras_model), np.ones((3, 9), bool)
    whole = model.log_probability(HISTORIES, every)
    monkeypatch.setattr(models, "BLOCK", 2)
    np.testing.assert_allclose(model.log_probability(HISTORIES, every), whole, atol=1e-5)


def test_without_a_history_all_movies_are_equally_likely(keras_model):
    model = next_movie.as_numpy(keras_model)
    found = model.log_probability(np.full((1, 3), -1), np.ones((1, 9), bool))
    np.testing.assert_allclose(found, -np.log(9), rtol=1e-6)


def test_sessions_are_each_users_rows_in_the_order_of_time(made):
    times = np.random.default_rng(0).permutation(made.ratings["timestamp"])
    mixed = dataclasses.replace(made, ratings=made.ratings.assign(timestamp=times // 90000 * 90000))
    dataset = split_by(mixed)
    rows = np.setdiff1d(dataset.split.known, np.flatnonzero(mixed.rating_users == 3))
    found = next_movie.sessions_of(dataset, rows)
    by_user = mixed.ratings.iloc[np.sort(rows)].sort_values("timestamp", kind="stable")
    for user in (0, 3, 39):
        own = by_user[by_user["user_id"] == mixed.users["user_id"].iloc[user]]
        ids = found.ids[found.starts[user] : found.starts[user + 1]]
        assert np.array_equal(ids, mixed.movie_positions(own["movie_id"]) + 1)
    assert found.starts[3] == found.starts[4]


def test_a_file_of_another_shape_is_refused(keras_model, tmp_path):
    model, path = next_movie.as_numpy(keras_model), tmp_path / "next_movie.npz"
    np.savez_compressed(path, **model.arrays())
    read = NextMovieModel.read(path, 9)
    assert all(np.array_equal(read.arrays()[name], array) for name, array in model.arrays().items())
    with pytest.raises(ValueError, match=r"arrays of shapes \[\(9, 8\), .* expected \[\(8, 8\)"):
        NextMovieModel.read(path, 8)
    np.savez_compressed(path, **model.arrays() | {"bias": np.full((2, 24), np.nan, "<f4")})
    with pytest.raises(ValueError, match="bias has values that are not finite"):
        NextMovieModel.read(path, 9)
