"""AutoInt+ with history: the sums by hand, new users, saving and reading."""

import numpy as np
import pytest
from scipy import sparse

from autointmlp import AutoIntMLP
from movierec.models import history_sums
from movierec.models.history import ADDED, HistoryModel, deviations_of, mean_ratings, sums_of
from movierec.models.numpy_model import NumpyModel
from tests.conftest import spread

DIMS = (4, 5, *[1] * ADDED)  # user, movie, and the vectors that are added to the sums
MOVIE_COLUMN = 1
RATINGS = sparse.csr_array(np.array([[5, 0, 2], [0, 0, 0], [0, 3, 0]], np.float32))
MEANS = np.float32([3.5, 3, 2.5])
Y = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
MOVIE_SUMS = np.random.default_rng(1).normal(size=(5, 2, 4)).astype(np.float32)
QUERIES, KEYS = (np.random.default_rng(n).normal(size=(5 - 2 * n, 6)) for n in (0, 1))
QUERIES, KEYS = QUERIES.astype(np.float32), KEYS.astype(np.float32)
VALUES = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def network():
    made = spread(AutoIntMLP(DIMS, embed_dim=4, num_layers=1, mlp_units=(8,), num_classes=5))
    return NumpyModel.of(made)


@pytest.fixture(scope="module")
def model(network):
    return HistoryModel(network, MOVIE_COLUMN, MOVIE_SUMS, QUERIES, KEYS, VALUES, Y, MEANS)


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


def attended(movie: int, user: int) -> np.ndarray:
    """The two sums with attention, computed by hand."""
    ratings = RATINGS[[user]]
    deviations = deviations_of(ratings, MEANS, prior=5)
    weights = np.exp(KEYS[ratings.indices] @ QUERIES[movie])
    weights /= 1 + weights.sum()
    values = VALUES[ratings.indices]
    return np.stack([(weights * deviations) @ values, weights @ values])


def test_attention_without_queries_weighs_all_ratings_alike():
    """Two ratings have the weights 1 / 3; with a large product one of them has nearly all."""
    sums = np.empty((2, 2, 3), np.float32)
    queries = np.float32([[0, 0], [50, 0]])
    keys, values = np.float32([[1, 0], [0, 1], [-1, 0]]), np.eye(3, dtype=np.float32)
    start, others = np.array([0, 2]), np.int32([0, 2])
    zeros = np.zeros(2, np.int32)
    history_sums.attend(
        *(queries, keys, values, np.int32([0, 1]), zeros, zeros),
        *(start, others, np.float32([1.5, -0.5]), zeros + 1, np.float32([[0.5]]), sums),
    )
    np.testing.assert_allclose(sums[0], [[1 / 3, 0, -1 / 3], [1 / 3, 0, 1 / 3]], atol=1e-6)
    np.testing.assert_allclose(sums[1], [[1, 0, 0], [1, 0, 0]], atol=1e-6)


def test_the_sums_are_added_to_the_last_fields(network, model, monkeypatch):
    monkeypatch.setattr("movierec.models.history.ROWS_PER_CALL", 2)
    ids = np.array([[1, 4], [2, 0], [1, 4]], np.int32)
    users = np.array([0, 1, 2])
    found = model.for_users(RATINGS)(ids, users)
    vectors = network.embedding(np.hstack([ids, np.zeros((3, ADDED), np.int32)]))
    vectors[:, 2:4] += MOVIE_SUMS[ids[:, MOVIE_COLUMN]]
    vectors[:, 4:6] += sums_of(RATINGS, Y, MEANS, prior=5)[users]
    vectors[:, 6:] += [attended(4, 0), attended(0, 1), attended(4, 2)]
    expected = network.probabilities(network.logits_of(vectors)[0])[:, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert abs(found[0] - found[2]) > 1e-4  # the same ids, another history
    assert len(model.for_users(RATINGS)(ids[:0], users[:0])) == 0


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
        ({"sizes": np.array([2, 1, 0, 1, 2, 1, 2], "<i4")}, "movies in field 2"),
        ({"field_dims": np.array([4, 5, 1], "<i4")}, "ids per field"),
        ({"means": np.full(3, np.inf, "<f4")}, "not finite"),
        ({"queries": np.zeros((4, 6), "<f4")}, "do not fit 3 movies"),
        ({"keys": np.zeros((3, 5), "<f4")}, "do not fit 3 movies"),
        ({"values": np.zeros(3, "<f4")}, "do not fit 3 movies"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(model, tmp_path, change, message):
    path = tmp_path / "history.npz"
    np.savez_compressed(path, **model.arrays() | change)
    with pytest.raises(ValueError, match=message):
        HistoryModel.read(path, 3)
