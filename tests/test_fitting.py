"""The training loop: learns, stops early, resumes, and says what went wrong."""

import dataclasses

import keras
import numpy as np
import pytest
from sklearn.metrics import log_loss

from movierec import fitting
from movierec.fitting import fit
from movierec.rows import Rows
from movierec.settings import Settings, TrainingError, targets_of

DIMS = (20, 20, 3)
QUICK = Settings(
    embed_dim=4, num_layers=1, head_dim=4, mlp_units=(8,), batch_size=64, learning_rate=0.01,
    epochs=4, patience=None, unknown_rate=0.05, dropout=0.1,
)  # fmt: skip


def rows(count, seed):
    rng = np.random.default_rng(seed)
    ids = np.stack([rng.integers(0, size, count) for size in DIMS], axis=1).astype(np.int32)
    labels = (ids[:, 0] < 10) == (ids[:, 1] < 10)
    return Rows(ids, labels.astype(np.float32), np.where(labels, 4, 1) + ids[:, 2] % 2)


TRAIN, VALID = rows(1000, 0), rows(300, 1)


def run(settings=QUICK, train=TRAIN, **options):
    keras.utils.set_random_seed(3)
    model = settings.build("autointmlp", DIMS)
    return model, fit(model, train, VALID, settings, seed=3, **options)


def weights(model):
    return np.concatenate([w.numpy().ravel() for w in model.trainable_variables])


def test_it_learns_and_reports_every_epoch():
    _, history = run(dataclasses.replace(QUICK, epochs=12))
    assert [row["epoch"] for row in history] == list(range(1, 13))
    assert history[-1]["valid_auc"] > 0.9
    assert history[-1]["valid_logloss"] < history[0]["valid_logloss"]


def test_the_seed_decides_everything():
    first, second = weights(run()[0]), weights(run()[0])
    np.testing.assert_allclose(first, second, rtol=1e-4, atol=1e-6)


def test_steps_taken_in_one_call_follow_each_other(monkeypatch):
    together, _ = run()
    monkeypatch.setattr(fitting, "STEPS_PER_CALL", 1)
    one_by_one, _ = run()
    np.testing.assert_allclose(weights(together), weights(one_by_one), rtol=1e-4, atol=1e-6)


def test_patience_goes_back_to_the_best_epoch(monkeypatch):
    losses = iter([0.5, 0.4, 0.45, 0.41, 0.3])
    monkeypatch.setattr(fitting, "validation_metrics", lambda *_: {"valid_logloss": next(losses)})
    kept = []
    add = fitting._State.add

    def remember(state, row):
        kept.append(weights(state.model))
        add(state, row)

    monkeypatch.setattr(fitting._State, "add", remember)
    model, history = run(dataclasses.replace(QUICK, epochs=5, patience=2))
    assert len(history) == 4
    assert np.array_equal(weights(model), kept[1])


def test_patience_none_keeps_the_last_epoch():
    settings = dataclasses.replace(QUICK, epochs=3, learning_rate=0.5)
    model, history = run(settings)
    scores = fitting.predictor(model)(VALID.ids)
    assert log_loss(VALID.labels, scores) == pytest.approx(history[-1]["valid_logloss"])


def test_averaged_weights_are_kept_and_the_others_trained_on():
    settings = dataclasses.replace(QUICK, epochs=3, averaging=0.9)
    averaged, history = run(settings)
    plain, plain_history = run(dataclasses.replace(settings, averaging=0.0))
    losses, plain_losses = ([row["loss"] for row in h] for h in (history, plain_history))
    assert losses == pytest.approx(plain_losses, rel=1e-4)  # the training itself is the same
    assert not np.allclose(weights(averaged), weights(plain), atol=1e-4)
    scores = fitting.predictor(averaged)(VALID.ids)
    assert log_loss(VALID.labels, scores) == pytest.approx(history[-1]["valid_logloss"])


def test_averages_by_hand():
    """Two steps of one batch: 0.9 · (weights after step 1) + 0.1 · (weights after step 2)."""
    one = dataclasses.replace(QUICK, batch_size=1000, dropout=0.0, unknown_rate=0.0)
    after = [weights(run(dataclasses.replace(one, epochs=epochs))[0]) for epochs in (1, 2)]
    averaged = weights(run(dataclasses.replace(one, epochs=2, averaging=0.9))[0])
    np.testing.assert_allclose(averaged, 0.9 * after[0] + 0.1 * after[1], rtol=1e-3, atol=1e-5)


def test_it_learns_from_five_ratings():
    settings = dataclasses.replace(QUICK, epochs=12, five_ratings=True, pairwise_pooling=True)
    model, history = run(settings)
    assert model.num_classes == 5
    assert history[-1]["valid_auc"] > 0.9


def test_classes_end_with_the_ratings():
    ratings = np.array([1, 4, 5])
    for classes, expected in ((1, [0, 1, 1]), (5, [0, 3, 4]), (6, [1, 4, 5])):
        assert targets_of(classes, ratings).tolist() == expected


def test_unseen_films_are_drawn_and_told_from_rated_ones():
    """Films 0-9 are rated, all 20 exist: the model learns that the others are not watched."""
    rng = np.random.default_rng(0)
    films = np.zeros((20, 6), np.int32) + np.arange(20, dtype=np.int32)[:, None]
    dims = (5,) * 5 + (20,) * 6 + (5,) * 2
    ids = rng.integers(0, 5, (2000, 13), dtype=np.int32)
    ids[:, 5:11] = rng.integers(0, 10, 2000)[:, None]
    train = Rows(ids, np.ones(2000, np.float32), np.full(2000, 5), films, slice(5, 11))
    settings = dataclasses.replace(
        QUICK, epochs=5, five_ratings=True, unseen=2, pairwise_pooling=True
    )
    model = settings.build("autointmlp", dims)
    assert model.num_classes == 6
    fit(model, train, None, settings)
    asked = np.repeat(ids[:1], 20, axis=0)
    asked[:, 5:11] = films
    scores = fitting.predictor(model)(asked)
    assert scores[:10].min() > 2 * scores[10:].max()
    with pytest.raises(TrainingError, match="unseen films can only be drawn"):
        fit(model, Rows(ids, train.labels, train.ratings), None, settings)


def test_penalty_counts_an_id_by_the_root_of_its_rows():
    """Σ over rows of l2/√n · ‖e‖² for each id: by hand from the embedding of an untrained model."""
    settings = dataclasses.replace(QUICK, l2_embedding=0.5)
    model = settings.build("autointmlp", DIMS)
    penalties = fitting._penalties(model, TRAIN.ids, 0.5)
    for field, start in enumerate((0, 20, 40)):
        counts = np.bincount(TRAIN.ids[:, field], minlength=DIMS[field])
        assert penalties[start : start + DIMS[field]] == pytest.approx(0.5 / np.sqrt(counts))
    tight, _ = run(dataclasses.replace(settings, epochs=6, l2_embedding=50.0))
    loose, _ = run(dataclasses.replace(settings, epochs=6, l2_embedding=0.0))
    norms = [np.abs(model.embedding.table.numpy()).mean() for model in (tight, loose)]
    assert norms[0] < 0.5 * norms[1]


def test_refit_and_patience_exclude_each_other():
    with pytest.raises(TrainingError, match="patience is 3, expected None with refit"):
        Settings(refit=True)
    with pytest.raises(TrainingError, match="patience needs validation rows"):
        fit(QUICK.build("autoint", DIMS), TRAIN, None, dataclasses.replace(QUICK, patience=1))


@pytest.mark.parametrize(
    ("ratings", "held"),
    [(None, "none"), (np.zeros(1000, int), "0 to 0"), (TRAIN.ids[:, 0], "0 to")],
)
def test_ratings_that_are_none(ratings, held):
    settings = dataclasses.replace(QUICK, five_ratings=True)
    with pytest.raises(TrainingError, match=f"ratings of 1 to 5. Received: {held}"):
        run(settings, train=Rows(TRAIN.ids, TRAIN.labels, ratings))


def test_a_batch_larger_than_the_data_and_a_short_last_one():
    for size in (1, 999, 5000):
        settings = dataclasses.replace(QUICK, batch_size=size, epochs=1)
        train = rows(40, 0) if size == 1 else TRAIN
        assert len(run(settings, train=train)[1]) == 1


def test_no_rows():
    with pytest.raises(TrainingError, match="expected rows to train on. Received: 0"):
        run(train=rows(0, 0))


def test_a_loss_that_is_not_finite_names_the_batch(tmp_path):
    labels = TRAIN.labels.copy()
    labels[7] = np.nan
    place = int(np.flatnonzero(np.random.default_rng([3, 1]).permutation(1000) == 7)[0])
    with pytest.raises(TrainingError, match=rf"nan in epoch 1, batch {place // 64 + 1} of 16"):
        run(train=Rows(TRAIN.ids, labels), resume=tmp_path / "r.npz")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"patience": 0},
        {"learning_rate": 0},
        {"unknown_rate": 1},
        {"averaging": 1},
        {"l2_embedding": -1},
    ],
)
def test_impossible_settings(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(TrainingError, match=f"{name} is {value}, expected"):
        Settings(**wrong)


class Killed(Exception):
    pass


@pytest.mark.parametrize("after", [1, 3])
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch, capsys, after):
    whole, whole_history = run()
    add = fitting._State.add

    def add_and_die(state, row):
        add(state, row)
        if len(state.history) == after:
            raise Killed

    path = tmp_path / "run.resume.npz"
    with monkeypatch.context() as patch:
        patch.setattr(fitting._State, "add", add_and_die)
        with pytest.raises(Killed):
            run(resume=path, identity="this")
    model, history = run(resume=path, identity="this")
    assert f"resuming after epoch {after}" in capsys.readouterr().out
    assert path.exists()  # until the caller has saved the model
    np.testing.assert_allclose(weights(model), weights(whole), rtol=1e-3, atol=1e-5)
    for key in ("loss", "valid_logloss"):
        assert [row[key] for row in history] == pytest.approx(
            [row[key] for row in whole_history], rel=1e-4
        )


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "cannot be read"), (b"PK\x03\x04half", "cannot be read")]
)
def test_a_damaged_state_is_passed_over(tmp_path, caplog, content, message):
    path = tmp_path / "run.resume.npz"
    path.write_bytes(content)
    assert len(run(resume=path)[1]) == 4
    assert message in caplog.text


def test_the_state_of_another_run_is_passed_over(tmp_path, caplog):
    path = tmp_path / "run.resume.npz"
    run(resume=path, identity="that")
    assert len(run(resume=path, identity="this")[1]) == 4
    assert "belongs to another run: training starts anew" in caplog.text
