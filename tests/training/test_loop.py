"""The training loop: learning, early stopping, averaged weights, resuming, clear errors."""

import dataclasses
import logging

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from movierec.data.rows import Rows, targets_of
from movierec.models import registry
from movierec.models.numpy_model import NumpyModel
from movierec.models.scorer import predictor
from movierec.training import loop
from movierec.training.fitting import fit_rows
from movierec.training.settings import Settings, TrainingError
from tests.conftest import random_ids

DIMS = (20, 20, 3)
QUICK = Settings(
    embed_dim=4, num_layers=1, head_dim=4, mlp_units=(8,), batch_size=64, learning_rate=0.01,
    epochs=4, patience=None, unknown_rate=0.05, dropout=0.1,
)  # fmt: skip


def rows(count, seed):
    ids = random_ids(DIMS, count, seed)
    labels = (ids[:, 0] < 10) == (ids[:, 1] < 10)
    return Rows(ids, labels.astype(np.float32), np.where(labels, 4, 1) + ids[:, 2] % 2)


TRAIN, VALID = rows(1000, 0), rows(300, 1)


def run(settings=QUICK, train=TRAIN, **options):
    return fit_rows("autointmlp", DIMS, train, VALID, settings, 3, **options)


def build(settings, dims=DIMS):
    return registry.keras_class("autointmlp")(dims, **settings.model_arguments("autointmlp"))


def weights(model):
    return np.concatenate([w.numpy().ravel() for w in model.trainable_variables])


@pytest.mark.parametrize("five_ratings", [False, True])
def test_it_learns_and_reports_every_epoch(five_ratings):
    settings = dataclasses.replace(
        QUICK, epochs=12, five_ratings=five_ratings, pairwise_pooling=five_ratings
    )
    model, history = run(settings)
    assert model.num_classes == (5 if five_ratings else 1)
    assert [row["epoch"] for row in history] == list(range(1, 13))
    assert history[-1]["valid_auc"] > 0.9
    assert history[-1]["valid_logloss"] < history[0]["valid_logloss"]


def test_the_seed_determines_the_weights():
    first, second = weights(run()[0]), weights(run()[0])
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_the_unknown_ids_are_trained_only_if_ids_are_made_unknown(rate):
    settings = dataclasses.replace(QUICK, epochs=1, unknown_rate=rate)
    known = dataclasses.replace(TRAIN, ids=np.maximum(TRAIN.ids, 1))
    keras.utils.set_random_seed(3)
    model = build(settings)
    before = NumpyModel.of(model)
    after = NumpyModel.of(run(settings, known)[0])
    unknown = before.offsets  # the first row of each field
    assert np.array_equal(before.table[unknown], after.table[unknown]) == (rate == 0)


def test_several_steps_per_call_equal_single_steps(monkeypatch):
    several, _ = run()
    monkeypatch.setattr(loop, "STEPS_PER_CALL", 1)
    single, _ = run()
    np.testing.assert_allclose(weights(several), weights(single), rtol=1e-4, atol=1e-6)


def test_patience_returns_to_the_best_epoch(monkeypatch):
    losses = iter([0.5, 0.4, 0.45, 0.41, 0.3])
    monkeypatch.setattr(loop, "validation_metrics", lambda *_: {"valid_logloss": next(losses)})
    kept = []
    add = loop._State.add

    def remember(state, row):
        kept.append(weights(state.model))
        add(state, row)

    monkeypatch.setattr(loop._State, "add", remember)
    model, history = run(dataclasses.replace(QUICK, epochs=5, patience=2))
    assert len(history) == 4
    assert np.array_equal(weights(model), kept[1])


def test_without_patience_the_last_epoch_is_kept():
    model, history = run(dataclasses.replace(QUICK, epochs=3, learning_rate=0.5))
    scores = predictor(model)(VALID.ids)
    assert log_loss(VALID.labels, scores) == pytest.approx(history[-1]["valid_logloss"])


def test_averaged_weights_are_kept_and_do_not_change_the_training():
    settings = dataclasses.replace(QUICK, epochs=3, ema_momentum=0.9)
    averaged, history = run(settings)
    plain, plain_history = run(dataclasses.replace(settings, ema_momentum=0.0))
    losses, plain_losses = ([row["loss"] for row in h] for h in (history, plain_history))
    assert losses == pytest.approx(plain_losses, rel=1e-4)
    assert not np.allclose(weights(averaged), weights(plain), atol=1e-4)
    scores = predictor(averaged)(VALID.ids)
    assert log_loss(VALID.labels, scores) == pytest.approx(history[-1]["valid_logloss"])


def test_averaged_weights_of_two_steps():
    """They are 0.9 · (weights after step 1) + 0.1 · (weights after step 2)."""
    whole = dataclasses.replace(QUICK, batch_size=1000, dropout=0.0, unknown_rate=0.0)
    after = [weights(run(dataclasses.replace(whole, epochs=epochs))[0]) for epochs in (1, 2)]
    averaged = weights(run(dataclasses.replace(whole, epochs=2, ema_momentum=0.9))[0])
    np.testing.assert_allclose(averaged, 0.9 * after[0] + 0.1 * after[1], rtol=1e-3, atol=1e-5)


def test_the_last_classes_are_the_ratings():
    ratings = np.array([1, 4, 5])
    for classes, expected in ((1, [0, 1, 1]), (5, [0, 3, 4]), (6, [1, 4, 5])):
        assert targets_of(classes, ratings).tolist() == expected


def test_the_loss_of_an_epoch_is_the_mean_over_rows():
    """The last batch is shorter and does not count more. Weights hardly move at this rate."""
    settings = dataclasses.replace(
        QUICK, epochs=1, batch_size=900, learning_rate=1e-12, dropout=0.0, unknown_rate=0.0
    )
    model, (epoch,) = run(settings)
    expected = log_loss(TRAIN.labels, predictor(model)(TRAIN.ids))
    assert epoch["loss"] == pytest.approx(expected, rel=1e-6)
    labels = np.ones_like(TRAIN.labels)
    labels[: len(labels) // 2] = 0
    _, (epoch,) = run(settings, dataclasses.replace(TRAIN, labels=labels))
    expected = log_loss(labels, predictor(model)(TRAIN.ids))
    assert epoch["loss"] == pytest.approx(expected, rel=1e-6)


def test_drawn_movies_are_never_rated_and_equally_likely():
    """Ten movies, two of them unknown (id 0); three users rated 3, 1 and 8 of them."""
    known = np.array([1, 2, 3, 4, 5, 6, 7, 8, 0, 0], np.int32)
    movies = np.stack([known, known % 3], axis=1)
    rated = {1: [1, 3, 8], 2: [2], 3: [1, 2, 3, 4, 5, 6, 7, 8]}
    pairs = [(user, movie) for user, own in rated.items() for movie in own]
    ids = np.array([(user, 9, movie, movie % 3, 5) for user, movie in pairs], np.int32)
    train = Rows(ids, np.ones(len(ids), np.float32), None, movies, slice(2, 4))
    with_unrated = loop.unrated_sampler(train, 3000, keras.random.SeedGenerator(0))
    drawn, targets = (np.array(part)[len(ids) :] for part in with_unrated(ids, train.labels))
    assert len(drawn) == 3000 * len(ids)
    assert not targets.any()
    assert np.array_equal(drawn[:, 3], drawn[:, 2] % 3)
    assert (drawn[:, [1, 4]] == [9, 5]).all()
    for user, own in rated.items():
        counts = np.bincount(drawn[drawn[:, 0] == user, 2], minlength=9)
        expected = np.where(np.isin(np.arange(9), own), 0, 1) + (np.arange(9) == 0)
        assert not counts[own].any()
        share = counts / counts.sum()
        np.testing.assert_allclose(share, expected / expected.sum(), atol=0.02)


def test_unrated_movies_are_drawn_and_get_lower_scores():
    """Of 20 movies, only the first ten are rated: the model learns that the others are not."""
    rng = np.random.default_rng(0)
    movies = np.zeros((20, 6), np.int32) + np.arange(20, dtype=np.int32)[:, None]
    dims = (5,) * 5 + (20,) * 6 + (5,) * 2
    ids = rng.integers(0, 5, (2000, 13), dtype=np.int32)
    ids[:, 5:11] = rng.integers(0, 10, 2000)[:, None]
    train = Rows(ids, np.ones(2000, np.float32), np.full(2000, 5), movies, slice(5, 11))
    settings = dataclasses.replace(
        QUICK, epochs=5, five_ratings=True, unrated_per_row=2, pairwise_pooling=True
    )
    model = build(settings, dims)
    assert model.num_classes == 6
    loop.fit(model, train, None, settings)
    candidates = np.repeat(ids[:1], 20, axis=0)
    candidates[:, 5:11] = movies
    scores = predictor(model)(candidates)
    assert scores[:10].min() > 2 * scores[10:].max()
    with pytest.raises(
        TrainingError, match="drawing unrated movies needs `movies`. Received: none"
    ):
        loop.fit(model, Rows(ids, train.labels, train.ratings), None, settings)


def test_the_mean_penalty_by_hand():
    vectors = np.array([[[1, 2], [0, 1]], [[3, 0], [0, 0]]], np.float32)
    rows = np.array([[0, 1], [2, 1]], np.int32)
    found = loop.mean_penalty(np.array([10, 100, 1], np.float32), rows, vectors)
    assert float(found) == (10 * 5 + 100 * 1 + 1 * 9 + 100 * 0) / 2


def test_the_penalty_of_an_id_grows_with_the_root_of_its_rows():
    """Every row adds `l2 / √n · ‖e‖²` for each of its ids."""
    settings = dataclasses.replace(QUICK, l2_embedding=0.5)
    model = build(settings)
    penalties = loop.embedding_penalties(model, TRAIN.ids, 0.5)
    for field, start in enumerate((0, 20, 40)):
        counts = np.bincount(TRAIN.ids[:, field], minlength=DIMS[field])
        assert penalties[start : start + DIMS[field]] == pytest.approx(0.5 / np.sqrt(counts))
    strong, _ = run(dataclasses.replace(settings, epochs=6, l2_embedding=50.0))
    none, _ = run(dataclasses.replace(settings, epochs=6, l2_embedding=0.0))
    norms = [np.abs(model.embedding.table.numpy()).mean() for model in (strong, none)]
    assert norms[0] < 0.5 * norms[1]


def test_refit_and_patience_exclude_each_other():
    with pytest.raises(TrainingError, match="patience is 3, expected None with refit"):
        Settings(refit=True)
    with pytest.raises(TrainingError, match="patience needs validation rows"):
        loop.fit(build(QUICK), TRAIN, None, dataclasses.replace(QUICK, patience=1))


@pytest.mark.parametrize(
    ("ratings", "received"),
    [(None, ", one per row. Received: none"), (np.zeros(1000), " of 1, 2, 3, 4, 5. Received: 0")],
)
def test_missing_or_impossible_ratings_are_refused(ratings, received):
    settings = dataclasses.replace(QUICK, five_ratings=True)
    with pytest.raises(ValueError, match=f"ratings{received}"):
        run(settings, train=Rows(TRAIN.ids, TRAIN.labels, ratings))


def test_a_batch_may_be_larger_than_the_data_and_the_last_one_shorter():
    for size in (1, 999, 5000):
        settings = dataclasses.replace(QUICK, batch_size=size, epochs=1)
        train = rows(40, 0) if size == 1 else TRAIN
        assert len(run(settings, train=train)[1]) == 1


def test_training_without_rows_is_refused():
    with pytest.raises(TrainingError, match="expected rows to train on. Received: 0"):
        run(train=rows(0, 0))


def test_a_loss_that_is_not_finite_names_the_batch(tmp_path):
    labels = TRAIN.labels.copy()
    labels[7] = np.nan
    position = int(np.flatnonzero(np.random.default_rng([3, 1]).permutation(1000) == 7)[0])
    with pytest.raises(TrainingError, match=rf"nan in epoch 1, batch {position // 64 + 1} of 16"):
        run(train=Rows(TRAIN.ids, labels), resume=tmp_path / "r.npz")
    assert list(tmp_path.iterdir()) == []


WRONG = [("epochs", 0), ("epochs", -1), ("epochs", 1.5), ("batch_size", 0), ("patience", 0)]
WRONG += [("learning_rate", 0), ("unknown_rate", 1), ("ema_momentum", 1), ("l2_embedding", -1)]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_impossible_settings_are_refused(name, value):
    with pytest.raises(TrainingError, match=f"{name} is {value}, expected"):
        Settings(**{name: value})


@pytest.mark.parametrize("after", [1, 3])
def test_an_interrupted_run_continues_as_if_uninterrupted(tmp_path, monkeypatch, caplog, after):
    whole, whole_history = run()
    add = loop._State.add

    def add_and_interrupt(state, row):
        add(state, row)
        if len(state.history) == after:
            raise KeyboardInterrupt

    path = tmp_path / "run.resume.npz"
    with monkeypatch.context() as patch:
        patch.setattr(loop._State, "add", add_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(resume=path, identity="this")
    with caplog.at_level(logging.INFO, "movierec"):
        model, history = run(resume=path, identity="this")
    assert f"resuming after epoch {after}" in caplog.text
    assert path.exists()  # until the caller has saved the model
    np.testing.assert_allclose(weights(model), weights(whole), rtol=1e-3, atol=1e-5)
    for key in ("loss", "valid_logloss"):
        assert [row[key] for row in history] == pytest.approx(
            [row[key] for row in whole_history], rel=1e-4
        )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"PK\x03\x04half", "cannot be read"),
        (None, "belongs to another run: training starts from scratch"),
    ],
)
def test_a_state_that_is_damaged_or_of_another_run_is_ignored(tmp_path, caplog, content, message):
    path = tmp_path / "run.resume.npz"
    if content is None:
        run(resume=path, identity="that")
    else:
        path.write_bytes(content)
    assert len(run(resume=path, identity="this")[1]) == 4
    assert message in caplog.text
