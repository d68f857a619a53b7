"""Weights, encoder, manifest and data that do not belong together are refused with a reason."""

import dataclasses
import io
import json
import os
import shutil
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from movierec import files, provenance
from movierec.data import movielens
from movierec.data.dataset import split_by
from movierec.data.encoder import FeatureEncoder
from movierec.models import artifacts
from movierec.sequences import next_movie
from movierec.training import candidates, history
from tests.conftest import spread, write_ml1m

CANNOT_BE_READ, DOES_NOT_FIT = "manifest.json cannot be read", "does not fit the model"


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the trained artifacts, for tests that damage them."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    return artifacts.model_folder("ml-1m", root=tmp_path)


def edit(folder, change, name="autointmlp"):
    """Change a model's manifest entry and update its hash."""
    entries = json.loads(folder.manifest.read_text())
    change(entries[name])
    entries[name] = artifacts._hashed(entries[name])
    folder.manifest.write_text(json.dumps(entries))


def accept_weights(folder):
    """Put the hash of the changed weights into the manifest."""
    digest = files.sha256(folder.weights("autointmlp"))
    edit(folder, lambda entry: entry.update(weights_sha256=digest))


def test_both_models_share_folder_and_encoder(folder, made):
    names = ["autoIntMLP_model_weights.weights.h5", "autoInt_model_weights.weights.h5"]
    assert sorted(path.name for path in folder.path.glob("[!.]*")) == [
        *names,
        "candidates.npz",
        "manifest.json",
        "next_movie.npz",
    ]
    for name in ("autoint", "autointmlp"):
        model, encoder, entry = artifacts.load(folder, name)
        assert model.field_dims == encoder.field_dims
        artifacts.check_data(entry, made, name)
        assert entry["versions"]["keras"] == provenance.versions()["keras"]
        assert entry["compiled"] is True


def assert_refused(folder, message, name="autointmlp"):
    with pytest.raises(artifacts.ArtifactError, match=message) as error:
        artifacts.load(folder, name)
    assert "restore it with git" in str(error.value).lower()
    assert "train" in str(error.value)


def test_a_missing_file_or_another_models_manifest_is_refused(folder):
    folder.encoder.unlink()
    assert_refused(folder, "label_encoders.pkl is missing")
    folder.weights("autointmlp").unlink()
    assert_refused(folder, "weights.h5 is missing")
    folder.manifest.unlink()
    assert_refused(folder, "manifest.json has no entry for autointmlp")
    folder.manifest.write_text(json.dumps({"svd": {}}))
    assert_refused(folder, "there is no model 'svd'")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"autointmlp": 3}'])
def test_a_damaged_manifest_is_refused(folder, content):
    folder.manifest.write_text(content)
    assert_refused(folder, CANNOT_BE_READ)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder_sha256": 3}, CANNOT_BE_READ),
        ({"data": {}}, CANNOT_BE_READ),
        ({"data": None}, CANNOT_BE_READ),
        ({"data": {"fingerprint": {"users": "0"}}}, CANNOT_BE_READ),
        ({"model": 3}, CANNOT_BE_READ),
        ({"model": {"embed_dim": 8}}, DOES_NOT_FIT),
        ({"model": {"num_layers": 2}}, DOES_NOT_FIT),
        ({"model": {"embed_dim": "16"}}, f"{CANNOT_BE_READ} .*embed_dim is '16', expected a whole"),
        ({"model": {"num_layers": 2.5}}, f"{CANNOT_BE_READ} .*num_layers is 2.5"),
        ({"model": {"colour": "red"}}, f"{CANNOT_BE_READ} .*there is no argument 'colour'"),
        ({"setting": 5}, f"{CANNOT_BE_READ} .*setting of autointmlp is 5, expected a name"),
        ({"setting": "a`id`"}, f"{CANNOT_BE_READ} .*expected a name"),
        ({"dataset": "\x1b[2J"}, f"{CANNOT_BE_READ} .*expected a name"),
        ({"protocol": {"name": "x" * 5000}}, f"{CANNOT_BE_READ} .*expected a name"),
        ({"protocol": {"name": "paper; ls"}}, f"{CANNOT_BE_READ} .*expected a name"),
        ({"protocol": "paper"}, f"{CANNOT_BE_READ} .*expected a name"),
    ],
)
def test_a_damaged_entry_is_refused(folder, change, message):
    def damage(entry):
        if isinstance(change.get("model"), dict):
            entry["model"].update(change["model"])
        else:
            entry.update(change)

    edit(folder, damage)
    assert_refused(folder, message)


def test_an_entry_with_a_missing_part_is_refused(folder):
    edit(folder, lambda entry: entry.pop("weights_sha256"))
    assert_refused(folder, f"{CANNOT_BE_READ} .*weights_sha256")


CHANGES = [
    {"model": {"num_heads": 1, "head_dim": 32}},
    {"model": {"num_positive": 1}},
    {"seed": 7},
    {"dataset": "ml-100k"},
    {"entry_sha256": None},
]


@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_that_was_edited_is_refused(folder, change):
    entries = json.loads(folder.manifest.read_text())
    entry = entries["autointmlp"]
    entry |= change | {"model": entry["model"] | change.get("model", {})}
    folder.manifest.write_text(json.dumps(entries))
    assert_refused(folder, "was changed after it was written|entry_sha256 of autointmlp is None")


def test_a_manifest_of_another_data_set_is_refused(folder, made):
    edit(folder, lambda entry: entry.update(dataset="ml-100k"))
    _, _, entry = artifacts.load(folder, "autointmlp")
    with pytest.raises(artifacts.ArtifactError, match="was trained on 'ml-100k', expected ml-1m"):
        artifacts.check_data(entry, made, "autointmlp")


def test_a_key_that_occurs_twice_is_refused(folder):
    text = folder.manifest.read_text()
    folder.manifest.write_text(text.replace('"seed": 42', '"seed": 42, "seed": 43', 1))
    assert_refused(folder, "an object has a key twice")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX's pipes and devices")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "very large"])
def test_what_is_no_plain_file_is_refused_without_being_read(folder, made, kind):
    for path in (
        folder.manifest,
        folder.weights("autointmlp"),
        folder.encoder,
        folder.weights("candidates"),
    ):
        whole = path.read_bytes()
        path.unlink()
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "device":
            path.symlink_to("/dev/zero")
        elif kind == "folder":
            path.mkdir()
        else:
            with path.open("wb") as file:
                file.truncate(2**31)
        with pytest.raises(artifacts.ArtifactError, match=rf"{path.name} cannot be read.*it "):
            artifacts.load(folder, "autointmlp")
            artifacts.load_arrays(folder, "candidates", made)
        path.rmdir() if kind == "folder" else path.unlink()
        path.write_bytes(whole)
    artifacts.load(folder, "autointmlp")


def test_truncated_or_other_weights_are_refused(folder):
    path = folder.weights("autointmlp")
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert_refused(folder, "is damaged or from another run")
    for content in (whole[:1000], folder.weights("autoint").read_bytes()):
        path.write_bytes(content)
        accept_weights(folder)
        assert_refused(folder, DOES_NOT_FIT)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "is all zeros"),
        (np.nan, "not finite"),
        (-np.inf, "not finite"),
        (2e9, "beyond"),
        (None, DOES_NOT_FIT),
    ],
)
def test_weights_that_are_zero_nan_or_absent_are_refused(folder, value, message):
    with h5py.File(folder.weights("autointmlp"), "r+") as file:
        if value is None:
            file.clear()
        else:
            file["embedding/vars/0"][...] = value
    accept_weights(folder)
    assert_refused(folder, message)


def contents(folder):
    return {path: path.read_bytes() for path in [*folder.path.iterdir(), folder.encoder]}


def test_a_model_with_another_encoder_is_saved_only_in_place_of_both(folder, made):
    _, _, entry = artifacts.load(folder, "autointmlp")
    model = artifacts.load_keras(folder, "autointmlp")
    other = FeatureEncoder.fit(made.features().iloc[:50])
    before = contents(folder)
    with pytest.raises(
        artifacts.ArtifactError, match="AutoInt, which has another encoder"
    ) as error:
        artifacts.save(folder, "autointmlp", model, other, entry, made)
    commands = ("--model autointmlp --replace` and then `python", "--model autoint`")
    for command in (*commands, "--model candidates`"):
        assert command in str(error.value)
    assert contents(folder) == before
    artifacts.save(folder, "autointmlp", model, other, entry, made, replace=True)
    assert list(folder.entries()) == ["autointmlp"]
    assert not folder.weights("autoint").exists()


def test_a_model_of_other_data_replaces_nothing_unless_asked(folder, made, tmp_path):
    _, encoder, entry = artifacts.load(folder, "autointmlp")
    model = artifacts.load_keras(folder, "autointmlp")
    ratings = made.ratings.assign(rating=6 - made.ratings["rating"])
    other = dataclasses.replace(made, ratings=ratings)
    with pytest.raises(artifacts.ArtifactError, match="trained on other data: ratings differ"):
        artifacts.save(folder, "autointmlp", model, encoder, entry, other)
    later = made.ratings.assign(timestamp=made.ratings["timestamp"] + 1)
    same = dataclasses.replace(made, ratings=later)  # copies of MovieLens differ in timestamps
    artifacts.save(folder, "autointmlp", model, encoder, entry, same)
    assert sorted(folder.entries()) == ["autoint", "autointmlp"]
    artifacts.save(folder, "autointmlp", model, encoder, entry, other, replace=True)
    assert list(folder.entries()) == ["autointmlp"]


@pytest.mark.parametrize("train", [next_movie.train, history.train])
def test_other_data_are_refused_before_training(made, monkeypatch, train):
    def refuse(*_):
        raise artifacts.ArtifactError("other data")

    monkeypatch.setattr(artifacts, "check_same_data", refuse)
    with pytest.raises(artifacts.ArtifactError, match="other data"):
        train(made)


def test_arrays_of_other_data_replace_nothing_unless_asked(made, tmp_path):
    candidates.train(made, tmp_path)
    path = artifacts.model_folder("ml-1m", root=tmp_path).weights("candidates")
    before = path.read_bytes()
    ratings = made.ratings.assign(rating=6 - made.ratings["rating"])
    other = dataclasses.replace(made, ratings=ratings)
    with pytest.raises(artifacts.ArtifactError, match="ratings differ.* --model candidates --rep"):
        candidates.train(other, tmp_path)
    assert path.read_bytes() == before
    candidates.train(other, tmp_path, replace=True)
    assert path.read_bytes() != before


@pytest.mark.parametrize("moved", range(4))
def test_a_save_that_died_between_two_renames_is_finished_by_the_next_load(
    folder, made, moved, monkeypatch, caplog
):
    _, encoder, entry = artifacts.load(folder, "autointmlp")
    model = spread(artifacts.load_keras(folder, "autointmlp"))
    renamed, replace = [], Path.replace

    def dying(path, target):
        if len(renamed) == moved:
            raise KeyboardInterrupt
        renamed.append(target)
        replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying)
        try:
            artifacts.save(folder, "autointmlp", model, encoder, entry | {"seed": 7}, made)
        except KeyboardInterrupt:
            assert moved < 3
    loaded, _, entry = artifacts.load(folder, "autointmlp")
    assert ("finished an interrupted save" in caplog.text) == (moved < 3)
    assert np.array_equal(loaded.table, model.embedding.table)
    assert entry["seed"] == 7
    assert not list(folder.path.glob("*.part.*"))


def test_two_processes_save_one_after_the_other(folder, made):
    _, encoder, entry = artifacts.load(folder, "autointmlp")
    models = {name: artifacts.load_keras(folder, name) for name in artifacts.WEIGHTS}
    with ThreadPoolExecutor() as pool:
        with files.locked(folder.path):
            saves = [
                pool.submit(artifacts.save, folder, name, model, encoder, entry | {"seed": 7}, made)
                for name, model in models.items()
            ]
            time.sleep(0.2)
            assert not any(save.done() for save in saves)
        for save in saves:
            save.result()
    assert {entry["seed"] for entry in folder.entries().values()} == {7}


def test_a_lock_that_is_never_released_is_an_error(folder, monkeypatch):
    monkeypatch.setattr(files, "LOCK_TIMEOUT", 0.1)
    refused = pytest.raises(OSError, match="another process is writing in")
    with files.locked(folder.path), refused, files.locked(folder.path):
        pass


def test_the_candidate_model_is_read_as_it_was_written(folder, made):
    model = artifacts.load_arrays(folder, "candidates", made)
    fitted = candidates.fit(split_by(made, "temporal"), np.arange(len(made.ratings)))
    for name, array in fitted.arrays().items():
        assert np.array_equal(model.arrays()[name], array), name


def test_a_candidate_model_that_does_not_belong_is_refused(folder, made, tmp_path):
    path, whole = folder.weights("candidates"), folder.weights("candidates").read_bytes()

    def refused(message, data=made):
        with pytest.raises(artifacts.ArtifactError, match=message) as error:
            artifacts.load_arrays(folder, "candidates", data)
        assert "train" in str(error.value)

    ratings = made.ratings.assign(rating=6 - made.ratings["rating"])
    refused("ratings differ", dataclasses.replace(made, ratings=ratings))
    path.write_bytes(whole[:-5])
    refused("candidates.npz is damaged or from another run")
    for content, message in (
        (whole[:1000], "candidates.npz cannot be read"),
        (b"", "candidates.npz cannot be read"),
        (npz(data=[1.0], indices=[0], indptr=[0, 1], raters=[1]), "candidates.npz cannot be read"),
        (changed(whole, factors=np.array([1, 2, 1e300])), "factors has values that are not finite"),
        (changed(whole, raters=np.ones(61, "<i4")), "it is damaged or not a file of this model"),
        (negative(whole), "it is damaged or not a file of this model"),
    ):
        path.write_bytes(content)
        digest = files.sha256(path)
        edit(folder, lambda entry, digest=digest: entry.update(weights_sha256=digest), "candidates")
        refused(message)
    path.unlink()
    refused("candidates.npz is missing")
    edit_candidates = json.loads(folder.manifest.read_text())
    del edit_candidates["candidates"]
    folder.manifest.write_text(json.dumps(edit_candidates))
    refused("has no entry for candidates. Restore it with git, or run .*--model candidates")


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **{name: np.array(values) for name, values in arrays.items()})
    return file.getvalue()


def changed(content, **arrays):
    with np.load(io.BytesIO(content)) as saved:
        return npz(**dict(saved) | arrays)


def negative(content):
    """The archive with a header that gives the array "data" a length of -1."""
    file, header = io.BytesIO(), {"descr": "<f4", "fortran_order": False, "shape": (-1,)}
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            array = io.BytesIO(old.read(name))
            if name == "data.npy":
                array = io.BytesIO()
                np.lib.format.write_array_header_1_0(array, header)
                array.write(bytes(4000))
            new.writestr(name, array.getvalue())
    return file.getvalue()


def test_another_encoder_is_refused(folder, made):
    other = FeatureEncoder.fit(made.features().iloc[:50]).to_bytes()
    folder.encoder.write_bytes(other)
    assert_refused(folder, "is not the encoder named in the manifest")
    edit(folder, lambda entry: entry.update(encoder_sha256=files.digest(other)))
    assert_refused(folder, "but the encoder has")


def test_other_data_is_refused(trained, tmp_path, made, caplog):
    entry = artifacts.load(artifacts.model_folder("ml-1m", root=trained), "autointmlp")[2]
    write_ml1m(tmp_path)
    with pytest.raises(
        artifacts.ArtifactError, match=r"users and movies and ratings and timestamps differ"
    ):
        artifacts.check_data(entry, movielens.load("ml-1m", tmp_path), "autointmlp")
    assert "your timestamps" not in caplog.text


def test_other_timestamps_are_only_a_warning(made, caplog):
    fingerprint = made.fingerprint | {"timestamps": "0"}
    entry = {"dataset": "ml-1m", "data": {"fingerprint": fingerprint}}
    artifacts.check_data(entry, made, "autoint")
    assert "your timestamps differ from those the model was trained with" in caplog.text


def test_a_full_disk_keeps_the_old_model(folder, made, monkeypatch):
    before = contents(folder)
    _, encoder, entry = artifacts.load(folder, "autointmlp")
    model = artifacts.load_keras(folder, "autointmlp")

    def full(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_weights", full)
    with pytest.raises(OSError, match=r"could not write .*weights.h5.*No space left on device"):
        artifacts.save(folder, "autointmlp", model, encoder, entry, made)
    assert contents(folder) == before
