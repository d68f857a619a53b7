"""Training with history: no rating is in its own history, exact gradients, a planted taste."""

import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from movierec.data.dataset import split_by
from movierec.models import artifacts
from movierec.models.history import HistoryModel, known_ratings
from movierec.training import history
from movierec.training.train import train

SMALL = {"epochs": 2, "batch_size": 128, "ema_momentum": 0.5, "embed_dim": 8, "mlp_units": (16,)}


@pytest.fixture(scope="module")
def dataset(made):
    return split_by(made)


@pytest.fixture(scope="module")
def events(dataset):
    found = history._Events(dataset.data, dataset.split.known)
    found.divide(np.random.default_rng(0))
    return found


def test_each_users_ratings_are_divided_into_parts_of_equal_size(events):
    for user in range(40):
        own = events.folds[events.of_users.owners == user]
        assert np.ptp(np.bincount(own, minlength=history.FOLDS)) <= 1


def arguments(events, side, rows):
    """Owners and folds of the ratings at these positions, as tensors."""
    rows = np.asarray(rows)
    return tf.constant(side.owners[rows]), tf.constant(events.folds[rows])


@pytest.mark.parametrize("number", [0, 1], ids=["of movies", "of users"])
def test_the_history_of_a_rating_has_the_owners_ratings_in_the_other_parts(events, number):
    """With one-hot vectors the sums show which ratings they read, and their deviations."""
    side, (other, prior) = (
        events.sides[number],
        [(events.of_users, 10), (events.of_movies, 5)][number],
    )
    rows, size = np.array([0, 17, 500, len(events.rows) - 1]), len(side.means)
    vectors = tf.eye(size)
    sums = history._sums_function(side)(vectors, *arguments(events, side, rows)).numpy()
    for row, (weighted, plain) in zip(rows, sums, strict=True):
        kept = (side.owners == side.owners[row]) & (events.folds != events.folds[row])
        others, count = other.owners[kept], kept.sum()
        expected = np.zeros((2, size))
        expected[1, others] = 1 / np.sqrt(count)
        deviations = events.ratings[kept] - side.means[others]
        deviations -= deviations.sum() / (count + prior)
        expected[0, others] = deviations / np.sqrt(count)
        np.testing.assert_allclose([weighted, plain], expected, atol=1e-5)
        assert plain[other.owners[row]] == 0


def test_the_means_of_movies_are_pulled_more_than_those_of_users(events):
    """The history of a user uses movies' means; the history of a movie uses users' means."""
    for side, owners, prior in (
        (events.of_users, events.of_movies.owners, 10),
        (events.of_movies, events.of_users.owners, 5),
    ):
        first = events.ratings[owners == owners[0]]
        expected = (first.sum() + prior * events.ratings.mean()) / (len(first) + prior)
        assert side.means[owners[0]] == pytest.approx(expected)


@pytest.mark.parametrize("number", [0, 1], ids=["of movies", "of users"])
def test_the_gradient_of_the_sums(events, number):
    """The sums are linear in the vectors, so products with random upstreams must agree."""
    rng, side = np.random.default_rng(1), events.sides[number]
    size = len(side.means)
    vectors, upstream = rng.normal(size=(size, 8)), rng.normal(size=(300, 2, 8))
    given = arguments(events, side, rng.integers(0, len(events.rows), 300))
    vectors, sums = tf.Variable(vectors, dtype=tf.float32), history._sums_function(side)
    with tf.GradientTape() as tape:
        product = tf.reduce_sum(sums(tf.convert_to_tensor(vectors), *given) * upstream)
    gradient = tape.gradient(product, vectors).numpy()
    assert np.sum(gradient * vectors.numpy()) == pytest.approx(float(product), rel=1e-3)
    direction = np.eye(size, 8, dtype=np.float32)
    change = tf.reduce_sum(sums(vectors + direction, *given) * upstream) - product
    assert np.sum(gradient * direction) == pytest.approx(float(change), abs=1e-2)


def attention_arguments(events, rows):
    """Queries, keys and values of random numbers; query, owner and fold of the ratings."""
    rng, movies = np.random.default_rng(3), len(events.of_users.means)
    learnt = [rng.normal(scale=0.5, size=(movies, size)).astype(np.float32) for size in (4, 4, 8)]
    owners = (side.owners[rows] for side in events.sides)
    return [tf.constant(array) for array in (*learnt, *owners, events.folds[rows])]


def test_attention_reads_the_users_ratings_in_the_other_parts(events):
    side, rows = events.of_users, np.array([0, 17, 500, len(events.rows) - 1])
    given = attention_arguments(events, rows)
    queries, keys, values = (array.numpy() for array in given[:3])
    sums = history._attention_function(side)(*given).numpy()
    for row, found in zip(rows, sums, strict=True):
        kept = (side.owners == side.owners[row]) & (events.folds != events.folds[row])
        movies = events.of_movies.owners[kept]
        weights = np.exp(keys[movies] @ queries[events.of_movies.owners[row]])
        weights /= 1 + weights.sum()
        deviations = events.ratings[kept] - side.means[movies]
        deviations -= deviations.sum() / (len(movies) + 5)
        expected = [(weights * deviations) @ values[movies], weights @ values[movies]]
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("number", [0, 1, 2], ids=["queries", "keys", "values"])
def test_the_gradient_of_attention(events, number):
    """A small step along a random direction changes the sums as the gradient says."""
    rng = np.random.default_rng(4)
    given = attention_arguments(events, rng.integers(0, len(events.rows), 200))
    upstream = rng.normal(size=(200, 2, 8)).astype(np.float32)
    attend, point = history._attention_function(events.of_users), given[number]
    with tf.GradientTape() as tape:
        tape.watch(point)
        product = tf.reduce_sum(attend(*given) * upstream)
    gradient = tape.gradient(product, point).numpy().astype(float)
    step = 1e-2 * rng.normal(size=point.shape).astype(np.float32)

    def at(sign):
        moved = [*given[:number], point + sign * step, *given[number + 1 :]]
        return float(np.sum(attend(*moved).numpy().astype(float) * upstream))

    assert np.sum(gradient * step) == pytest.approx((at(1) - at(-1)) / 2, rel=1e-2)


def test_a_trained_model_keeps_the_movies_sums_over_all_ratings(dataset, events):
    """A movie's second sum is over all users who rated it, whatever the fold."""
    vectors = np.eye(len(events.of_movies.means), dtype=np.float32)
    sums = events.movie_sums(vectors)
    movie = events.of_movies.owners[0]
    raters = events.of_users.owners[events.of_movies.owners == movie]
    expected = np.zeros(len(vectors))
    expected[raters] = 1 / np.sqrt(len(raters))
    np.testing.assert_allclose(sums[movie, 1], expected, rtol=1e-6)


def test_it_learns_a_taste_and_serves_users_it_was_not_trained_on(made):
    dataset = split_by(made, "new-users")
    settings = history.settings_of(dataset, **SMALL | {"epochs": 25, "learning_rate": 0.01})
    model, encoded, epochs = history.fit(dataset, settings)
    assert [row["epoch"] for row in epochs] == list(range(1, 26))
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    test = dataset.split.test
    first, rows = test[::2], test[1::2]
    predict = model.for_users(known_ratings(made, first))
    scores = predict(encoded.ids[rows], made.rating_users[rows])
    unknown = model.for_users(known_ratings(made, first[:0]))
    without = unknown(encoded.ids[rows], made.rating_users[rows])
    labels = made.labels[rows]
    assert roc_auc_score(labels, scores) > max(0.8, roc_auc_score(labels, without))


def test_it_is_saved_next_to_the_model_with_the_same_encoder(made, tmp_path):
    with pytest.raises(artifacts.ArtifactError, match="no AutoInt\\+ with the same encoder"):
        history.train(made, root=tmp_path, **SMALL)
    train("autointmlp", made, root=tmp_path, epochs=1)
    entry = history.train(made, root=tmp_path, **SMALL)
    assert len(entry["history"]) == 2
    folder = artifacts.model_folder("ml-1m", root=tmp_path)
    assert isinstance(artifacts.load_arrays(folder, "history", made), HistoryModel)
