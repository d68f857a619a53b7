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
    found = history._Events.of(dataset, dataset.split.known)
    found.divide(np.random.default_rng(0))
    return found


def test_each_users_ratings_are_divided_into_parts_of_equal_size(events):
    for user in range(40):
        own = events.folds[events.users == user]
        assert np.ptp(np.bincount(own, minlength=history.FOLDS)) <= 1


def test_the_history_of_a_rating_has_the_users_ratings_in_the_other_parts(events):
    """With one-hot vectors the second sum counts movies, and the first one their deviations."""
    rows = np.array([0, 17, 500, len(events.rows) - 1])
    sums = np.empty((4, 2, 60), np.float32)
    history.add_sums(np.eye(60, dtype=np.float32), *events.arrays(rows), sums)
    for row, (weighted, plain) in zip(rows, sums, strict=True):
        others = (events.users == events.users[row]) & (events.folds != events.folds[row])
        movies, count = events.movies[others], others.sum()
        expected = np.zeros((2, 60))
        expected[1, movies] = 1 / np.sqrt(count)
        deviations = events.ratings[others] - events.means[movies]
        deviations -= deviations.sum() / (count + 5)
        expected[0, movies] = deviations / np.sqrt(count)
        np.testing.assert_allclose([weighted, plain], expected, atol=1e-5)
        assert plain[events.movies[row]] == 0


def test_the_gradient_of_the_sums(events):
    """The sums are linear in the vectors, so products with random upstreams must agree."""
    rng = np.random.default_rng(1)
    vectors, upstream = rng.normal(size=(60, 8)), rng.normal(size=(300, 2, 8))
    rows = tf.constant(rng.integers(0, len(events.rows), 300), tf.int32)
    vectors = tf.Variable(vectors, dtype=tf.float32)
    with tf.GradientTape() as tape:
        sums = history._sums_function(events)(tf.convert_to_tensor(vectors), rows)
        product = tf.reduce_sum(sums * upstream)
    gradient = tape.gradient(product, vectors).numpy()
    assert np.sum(gradient * vectors.numpy()) == pytest.approx(float(product), rel=1e-3)
    direction = np.eye(60, 8, dtype=np.float32)
    moved = history._sums_function(events)(vectors + direction, rows)
    change = tf.reduce_sum(moved * upstream) - product
    assert np.sum(gradient * direction) == pytest.approx(float(change), abs=1e-2)


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
