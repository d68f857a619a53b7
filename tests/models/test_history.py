"""AutoInt+ with history: the sums by hand, new users, saving and reading."""

import numpy as np
import pytest
from scipy import sparse

from autointmlp import AutoIntMLP
from movierec.models.history import HistoryModel, mean_ratings, sums_of
from movierec.models.numpy_model import NumpyModel
from tests.conftest import spread

DIMS = (4, 5, 1, 1, 1, 1)  # user, movie, and the vectors added to the movie's and user's sums
MOVIE_COLUMN = 1
RATINGS = sparse.csr_array(np.array([[5, 0, 2], [0, 0, 0], [0, 3, 0]], np.float32))
MEANS = np.float32([3.5, 3, 2.5])
Y = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
MOVIE_SUMS = np.random.default_rng(1).normal(size=(5, 2, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    made = spread(AutoIntMLP(DIMS, embed_dim=4, num_layers=1, mlp_units=(8,), num_classes=5))
    return NumpyModel.of(made)


@pytest.fixture(scope="module")
def model(network):
    return HistoryModel.of(network, MOVIE_SUMS, MOVIE_COLUMN, Y, MEANS)


def test_means_are_pulled_to_the_mean_by_further_ratings():
    """Mean 3; movie 0 has 5 and 3, movie 1 has 1, movie 2 has none."""
    found = mean_ratings(np.array([0, 0, 1]), np.array([5, 3, 1]), 3, prior=10)
    np.testing.assert_allclose(found, [38 / 12, 31 / 11, 3], rtol=1e-6)


def test_the_sums_by_hand():
    """User 0 deviates by 1.5 and -0.5, so b = 1 / 7."""
    root = np.sqrt(2)
    weighted = ((1.5 - 1 / 7) * Y[0] + (-0.5 - 1 / 7) * Y[2]) / root
    found = sums_of(RATINGS, Y, MEANS, prior=5)
    np.testing.assert_allclose(found[0], [weighted, (Y[0] + Y[2]) / root], rtol=1e-5)
    np.testing.assert_allclose(found[1], 0)
    np.testing.assert_allclose(found[2], [0 * Y[1], Y[1]], atol=1e-6)


def test_the_sums_of_movie_and_user_are_added_to_the_last_fields(network, model):
    ids = np.array([[1, 4], [2, 0], [1, 4]], np.int32)
    users = np.array([0, 1, 2])
    found = model.for_users(RATINGS)(ids, users)
    vectors = network.embedding(np.hstack([ids, np.zeros((3, 4), np.int32)]))
    vectors[:, 2:4] += MOVIE_SUMS[ids[:, MOVIE_COLUMN]]
    vectors[:, 4:] += sums_of(RATINGS, Y, MEANS, prior=5)[users]
    expected = network.probabilities(network.logits_of(vectors)[0])[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert abs(found[0] - found[2]) > 1e-4  # the same ids, another history


def test_it_is_read_as_it_was_written(model, tmp_path):
    path = tmp_path / "history.npz"
    np.savez_compressed(path, **model.arrays())
    read = HistoryModel.read(path, 3)
    for name, array in model.arrays().items():
        assert np.array_equal(read.arrays()[name], array), name
    assert (read.model.num_heads, read.model.pairwise_pooling) == (2, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": np.zeros((2, 4), "<f4")}, "do not fit 3 movies"),
        ({"table": np.zeros((9, 4), "<f4")}, "do not fit"),
        ({"readout": np.zeros((7, 5), "<f4")}, "do not fit each other"),
        ({"sizes": np.array([2, 1, 0, 1, 2, 1, 200], "<i4")}, "it has sizes"),
        ({"sizes": np.array([2, 1, 0, 1, 2, 1, 2], "<i4")}, "ids per field"),  # movie column 2
        ({"field_dims": np.array([4, 5, 1], "<i4")}, "ids per field"),
        ({"means": np.full(3, np.inf, "<f4")}, "not finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model, tmp_path, change, message):
    path = tmp_path / "history.npz"
    np.savez_compressed(path, **model.arrays() | change)
    with pytest.raises(ValueError, match=message):
        HistoryModel.read(path, 3)
