"""Training a model on a data set and saving it; the original's published numbers."""

import dataclasses
import json
import logging
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import log_loss

from movierec import files
from movierec.data.dataset import split_by
from movierec.evaluation import summary
from movierec.models import artifacts, scorer
from movierec.training import fitting
from movierec.training.fitting import fitted
from movierec.training.named_settings import SETTINGS
from movierec.training.settings import TrainingError
from movierec.training.train import train


def metrics_of_saved(name, data, folder):
    """The test-row metrics of a saved model."""
    model, encoder, _ = artifacts.load(folder, name)
    dataset = split_by(data)
    rows = dataset.split.test
    return summary.of_rows(data, rows, scorer.predictor(model)(dataset.encoded(encoder).ids[rows]))


def test_the_manifest_entry_of_a_model_trained_on_ml100k(ml100k, tmp_path):
    entry = train("autoint", ml100k, root=tmp_path, epochs=1)
    folder = artifacts.model_folder("ml-100k", root=tmp_path)
    saved = json.loads(folder.manifest.read_text("utf-8"))["autoint"]
    assert json.loads(json.dumps(entry)).items() <= saved.items()
    assert entry["seed"] == 42
    assert entry["settings"]["epochs"] == 1
    assert entry["data"]["fingerprint"] == ml100k.fingerprint
    assert entry["data"]["files"] == ml100k.files
    assert entry["compiled"] is True
    assert "metrics" not in entry
    assert not list(folder.path.glob("*.npz"))
    assert metrics_of_saved("autoint", ml100k, folder)["users"] == 920


def test_the_manifest_entry_records_training_by_the_graph(made, tmp_path):
    entry = train("autoint", made, root=tmp_path, epochs=1, embed_dim=6)
    assert entry["compiled"] is False
    assert artifacts.model_folder("ml-1m", root=tmp_path).entries()["autoint"]["compiled"] is False


@pytest.mark.parametrize("name", ["autoint", "autointmlp"])
def test_the_saved_model_scores_as_it_did_in_training(made, tmp_path, name):
    entry = train(name, made, root=tmp_path, epochs=2, refit=False, batch_size=128)
    model, encoder, _ = artifacts.load(artifacts.model_folder("ml-1m", root=tmp_path), name)
    dataset = split_by(made)
    valid = dataset.validation_rows(dataset.encoded(encoder))
    scores = scorer.predictor(model)(valid.ids)
    expected = entry["history"][-1]["valid_logloss"]
    assert log_loss(valid.labels, scores) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs is 0, expected a whole number"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0"),
        ({"seed": 2**32}, "seed is 4294967296, expected a whole number from 0"),
    ],
)
def test_impossible_numbers_overwrite_nothing(made, tmp_path, wrong, message):
    with pytest.raises(TrainingError, match=message):
        train("autoint", made, root=tmp_path, **wrong)
    assert not list(tmp_path.iterdir())


def test_other_data_replace_a_saved_model_only_if_asked(made, tmp_path, monkeypatch):
    train("autoint", made, root=tmp_path, epochs=1)
    folder = artifacts.model_folder("ml-1m", root=tmp_path)
    before = folder.manifest.read_bytes()
    ratings = made.ratings.assign(rating=6 - made.ratings["rating"])
    other = dataclasses.replace(made, ratings=ratings)
    with monkeypatch.context() as patch:
        patch.setattr(fitting, "fitted", None)  # refused before training
        for name in artifacts.WEIGHTS:
            with pytest.raises(artifacts.ArtifactError, match="trained on other data: ratings"):
                train(name, other, root=tmp_path, epochs=1)
    assert folder.manifest.read_bytes() == before
    train("autointmlp", other, root=tmp_path, epochs=1, replace=True)
    assert list(folder.entries()) == ["autointmlp"]


def test_an_unreadable_manifest_fails_before_training(made, tmp_path):
    folder = artifacts.model_folder("ml-1m", root=tmp_path)
    folder.path.mkdir()
    folder.manifest.write_text("{")
    with pytest.raises(artifacts.ArtifactError, match="manifest.json cannot be read"):
        train("autoint", made, root=tmp_path, epochs=1)
    assert list(folder.path.iterdir()) == [folder.manifest]


def test_a_model_is_trained_by_one_process_at_a_time(made, tmp_path):
    folder = artifacts.model_folder("ml-1m", root=tmp_path)
    refused = pytest.raises(OSError, match="another process is training autoint in .*model")
    with files.locked(folder.path, "autoint"), refused:
        train("autoint", made, root=tmp_path, epochs=1)


def test_a_failed_save_keeps_the_training(made, tmp_path):
    folder = artifacts.model_folder("ml-1m", root=tmp_path)
    folder.weights("autoint").mkdir(parents=True)
    with pytest.raises(OSError, match="autoInt_model_weights.weights.h5 is a folder"):
        train("autoint", made, root=tmp_path, epochs=1)
    assert not folder.encoder.exists()
    assert (folder.path / "autoint.resume.npz").exists()


def test_models_of_another_protocol_have_another_folder(made, tmp_path):
    train("autoint", made, "unseen", 1, tmp_path, "full-ranking", epochs=1)
    folder = artifacts.model_folder("ml-1m", "unseen", tmp_path, "full-ranking")
    assert folder.path == tmp_path / "model" / "unseen" / "full-ranking"
    model, encoder, entry = artifacts.load(folder, "autoint")
    assert entry["protocol"]["name"] == "full-ranking"
    assert model.num_classes == 6
    assert encoder.field_dims == model.field_dims


def test_refit_uses_the_validation_rows_for_the_encoder_too(made):
    dataset = split_by(made)
    split = dataset.split
    settings = dataclasses.replace(SETTINGS["tuned"], epochs=1)
    _, encoded, history = fitted(dataset, "autoint", settings, 1)
    assert encoded.encoder.to_bytes() == dataset.fit_encoder(split.known).to_bytes()
    assert "valid_logloss" not in history[0]
    settings = dataclasses.replace(settings, refit=False)
    _, encoded, history = fitted(dataset, "autoint", settings, 1)
    assert encoded.encoder.to_bytes() == dataset.fit_encoder(split.train).to_bytes()
    assert history[0]["valid_logloss"] > 0


KILLED = """
import os, signal, sys
from pathlib import Path
from movierec.data import movielens
from movierec.training import loop
from movierec.training.train import train
epoch_of = loop.one_epoch
def one_epoch(train_batches, rows, settings, seed, epoch):
    loss = epoch_of(train_batches, rows, settings, seed, epoch)
    if epoch == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return loss
loop.one_epoch = one_epoch
data = movielens.load("ml-1m", Path(sys.argv[1]))
train("autoint", data, root=Path(sys.argv[2]), epochs=4, batch_size=128)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_run_killed_with_kill_9_continues_after_the_last_whole_epoch(
    made, made_folder, tmp_path, caplog
):
    """The second run ends like an uninterrupted one."""
    root, other = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-c", KILLED, str(made_folder), str(root)]
    child = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.returncode == -9, child.stderr.decode()
    folder = artifacts.model_folder("ml-1m", root=root)
    assert [path.name for path in folder.path.glob("[!.]*")] == ["autoint.resume.npz"]
    arguments = {"epochs": 4, "batch_size": 128}
    with caplog.at_level(logging.INFO, "movierec"):
        resumed = train("autoint", made, root=root, **arguments)
        assert "resuming after epoch 2" in caplog.text
        caplog.clear()
        whole = train("autoint", made, root=other, **arguments)
        assert "resuming" not in caplog.text
    assert [row["loss"] for row in resumed["history"]] == pytest.approx(
        [row["loss"] for row in whole["history"]], rel=1e-3
    )
    dataset = split_by(made)
    ids = dataset.encoded(artifacts.load(folder, "autoint")[1]).ids
    folders = (artifacts.model_folder("ml-1m", root=path) for path in (root, other))
    models = (artifacts.load(folder, "autoint")[0] for folder in folders)
    scores = [scorer.predictor(model)(ids) for model in models]
    np.testing.assert_allclose(*scores, atol=1e-3)


AGAIN = """
import sys
from pathlib import Path
from movierec.data import movielens
from movierec.training.train import train
train(sys.argv[1], movielens.load("ml-100k"), root=Path(sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", artifacts.WEIGHTS)
def test_training_again_gives_the_committed_weights(ml100k, tmp_path, name):
    """The same file on the processor that trained it; elsewhere, sums are rounded differently.

    It is trained in a process of its own, as the command does: models that the process has built
    before change the result.
    """
    command = [sys.executable, "-c", AGAIN, name, str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=files.ROOT)
    again, committed = (
        artifacts.model_folder("ml-100k", root=root) for root in (tmp_path, files.ROOT)
    )
    ours, theirs = (folder.entries()[name] for folder in (again, committed))
    assert ours["encoder_sha256"] == theirs["encoder_sha256"]
    if all(ours[what] == theirs[what] for what in ("versions", "processor")):
        assert ours["weights_sha256"] == theirs["weights_sha256"]
    ours, theirs = (metrics_of_saved(name, ml100k, folder) for folder in (again, committed))
    assert ours["auc"] == pytest.approx(theirs["auc"], abs=3e-3)
    assert ours["logloss"] == pytest.approx(theirs["logloss"], abs=3e-3)


@pytest.mark.slow
def test_the_original_setting_gives_the_original_numbers(ml1m, tmp_path):
    """The published NDCG@10 0.6617 and HitRate@10 0.6302, within 0.003, on 5,994 users."""
    train("autointmlp", ml1m, "original", root=tmp_path)
    folder = artifacts.model_folder("ml-1m", "original", root=tmp_path)
    values = metrics_of_saved("autointmlp", ml1m, folder)
    assert values["users"] == 5994
    assert values["ndcg_original@10"][0] == pytest.approx(0.6617, abs=0.003)
    assert values["recall@10"][0] == pytest.approx(0.6302, abs=0.003)
