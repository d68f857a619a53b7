"""Training from the command line, and the original's numbers."""

import dataclasses
import json
import subprocess
import sys

import pytest

from movierec import artefacts, datasets, training
from movierec.prepared import prepare
from tests.conftest import write_ml1m


@pytest.fixture
def at(monkeypatch, tmp_path):
    """Let the command line write below tmp_path."""
    monkeypatch.setattr(training.train, "__defaults__", ("tuned", 42, tmp_path, "test-rows"))
    return tmp_path


def test_command_line_on_ml100k(at, ml100k, capsys):
    training.main(["--dataset", "ml-100k", "--model", "autoint", "--epochs", "1"])
    out = capsys.readouterr().out
    assert "epoch 1" in out
    assert "test ndcg_original: 0." in out
    where = artefacts.place("ml-100k", root=at)
    entry = json.loads(where.manifest.read_text())["autoint"]
    assert entry["seed"] == 42
    assert entry["settings"]["epochs"] == 1
    assert entry["data"]["fingerprint"] == ml100k.fingerprint
    assert set(entry["data"]["files"].values())
    assert entry["metrics"]["test"]["users"] == 920
    assert not list(where.folder.glob("*.npz"))
    artefacts.load(where, "autoint")


def test_errors_are_one_clear_line(monkeypatch, tmp_path, capsys):
    write_ml1m(tmp_path, ratings=["1::1::9::978300760"])
    monkeypatch.setattr(datasets.load, "__defaults__", (tmp_path, False))
    with pytest.raises(SystemExit) as stop:
        training.main([])
    assert stop.value.code == 1
    assert "ratings.dat, line 1: rating is '9'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["--model", "svd"], ["--setting", "best"], ["--seed", "x"], ["--protocol", "new"]],
)
def test_unknown_choices(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        training.main(arguments)
    assert stop.value.code == 2
    assert "invalid" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--epochs", "-1"], ["--seed", "-1"]])
def test_impossible_numbers_overwrite_nothing(at, ml100k, arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        training.main(["--dataset", "ml-100k", *arguments])
    assert stop.value.code == 1
    assert f"is {arguments[1]}, expected a whole number" in capsys.readouterr().err
    assert not list(at.rglob("*.h5"))


def test_a_failed_save_keeps_the_training(at, made, monkeypatch):
    where = artefacts.place("ml-1m", root=at)
    where.weights("autoint").mkdir(parents=True)
    with pytest.raises(OSError, match="autoInt_model_weights.weights.h5 is a folder"):
        training.train("autoint", made, root=at, epochs=1)
    assert not where.encoder.exists()
    assert (where.folder / "autoint.resume.npz").exists()


def test_too_few_ratings_to_split(tmp_path):
    write_ml1m(tmp_path, ratings=["1::1::5::978300760", "1::2::5::978300761"])
    data = datasets.load("ml-1m", tmp_path)
    with pytest.raises(training.TrainingError, match="2 ratings are too few"):
        training.train("autoint", data, root=tmp_path)


def test_one_label_only(tmp_path):
    users = [f"{user}::F::25::1::10000" for user in range(1, 21)]
    ratings = [f"{user}::1::5::978300760" for user in range(1, 21)]
    write_ml1m(tmp_path, users=users, ratings=ratings)
    data = datasets.load("ml-1m", tmp_path)
    with pytest.raises(training.TrainingError, match="all 14 train rows have the label 1"):
        training.train("autoint", data, root=tmp_path)


def test_other_protocols_have_folders_of_their_own(made, tmp_path):
    entry = training.train("autoint", made, "unseen", 1, tmp_path, "full-ranking", epochs=1)
    where = artefacts.place("ml-1m", "unseen", tmp_path, "full-ranking")
    assert where.folder == tmp_path / "model" / "unseen" / "full-ranking"
    assert 0 <= entry["metrics"]["test"]["hit_ratio"][0] <= 1
    model, encoder, _ = artefacts.load(where, "autoint")
    assert model.num_classes == 6
    assert encoder.field_dims == model.field_dims


def test_refit_knows_what_validation_rows_hold(made):
    """The encoder of the final fit knows films that stand in validation rows only."""
    ready = prepare(made)
    settings = dataclasses.replace(training.SETTINGS["tuned"], epochs=1)
    _, final, history = training.fitted(ready, "autoint", settings, 1)
    assert final.encoder.field_dims == ready.fitted_on(ready.split.known).encoder.field_dims
    assert "valid_logloss" not in history[0]
    watched = dataclasses.replace(settings, refit=False)
    _, same, history = training.fitted(ready, "autoint", watched, 1)
    assert same is ready
    assert history[0]["valid_logloss"] > 0


KILLED = """
import sys
from pathlib import Path
from movierec import datasets, training
data = datasets.load("ml-100k")
training.train("autoint", data, root=Path(sys.argv[1]), epochs=3, batch_size=8192)
"""


def test_kill_9_and_run_again(ml100k, tmp_path):
    """The second run goes on after the last whole epoch and ends like an undisturbed one."""
    command = [sys.executable, "-c", KILLED, str(tmp_path / "killed")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as first:
        for line in first.stdout:
            if line.startswith(b"epoch 2"):
                break
        first.kill()
    where = artefacts.place("ml-100k", root=tmp_path / "killed")
    assert [path.name for path in where.folder.iterdir()] == ["autoint.resume.npz"]
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "resuming after epoch 2" in again.stdout
    whole = training.train("autoint", ml100k, root=tmp_path / "whole", epochs=3, batch_size=8192)
    resumed = where.entries()["autoint"]
    assert [row["loss"] for row in resumed["history"]] == pytest.approx(
        [row["loss"] for row in whole["history"]], rel=1e-3
    )
    assert resumed["metrics"]["test"]["auc"] == pytest.approx(
        whole["metrics"]["test"]["auc"], abs=1e-3
    )


def test_the_original_setting_gives_the_original_numbers(ml1m, tmp_path):
    """The published NDCG@10 0.6617 and HitRate@10 0.6302, within 0.003, on 5,994 users."""
    entry = training.train("autointmlp", ml1m, "original", root=tmp_path)
    test = entry["metrics"]["test"]
    assert test["users"] == 5994
    assert test["ndcg_original"][0] == pytest.approx(0.6617, abs=0.003)
    assert test["recall"][0] == pytest.approx(0.6302, abs=0.003)
