"""Weights, encoder, manifest and data belong together, or are refused with the reason."""

import json

import h5py
import numpy as np
import pytest

from movierec import (
    artefacts,
    datasets,
    encoding,
    files,
    preprocess,
    quality,
    scoring,
    training,
)
from movierec.artefacts import ArtefactError
from movierec.prepared import prepare
from tests.conftest import write_ml1m


@pytest.fixture(scope="session")
def trained(made, tmp_path_factory):
    """Root folder of both models, trained for an epoch on made-up data."""
    root = tmp_path_factory.mktemp("root")
    for name in ("autoint", "autointmlp"):
        training.train(name, made, root=root, epochs=1, batch_size=128)
    return root


@pytest.fixture
def where(trained, tmp_path):
    """A copy of the trained artefacts that a test may spoil."""
    source, copy = (artefacts.place("ml-1m", root=root) for root in (trained, tmp_path))
    copy.folder.mkdir()
    for path in source.folder.iterdir():
        (copy.folder / path.name).write_bytes(path.read_bytes())
    copy.encoder.write_bytes(source.encoder.read_bytes())
    return copy


def edit(where, change):
    """Change the manifest's AutoInt+ entry."""
    entries = json.loads(where.manifest.read_text())
    change(entries["autointmlp"])
    where.manifest.write_text(json.dumps(entries))


def accept_weights(where):
    """Make the manifest name the weights as they are: tampering that keeps the hash right."""
    digest = files.sha256(where.weights("autointmlp"))
    edit(where, lambda entry: entry.update(weights_sha256=digest))


def test_places():
    names = [
        (str(p.folder.relative_to(artefacts.ROOT)), str(p.encoder.relative_to(artefacts.ROOT)))
        for p in (
            artefacts.place("ml-1m"),
            artefacts.place("ml-1m", "original"),
            artefacts.place("ml-100k"),
        )
    ]
    assert names == [
        ("model", "label_encoders.pkl"),
        ("model/original", "model/original/label_encoders.pkl"),
        ("model/ml-100k", "model/ml-100k/label_encoders.pkl"),
    ]


def test_both_models_share_folder_and_encoder(where, made):
    assert sorted(p.name for p in where.folder.iterdir()) == [
        "autoIntMLP_model_weights.weights.h5",
        "autoInt_model_weights.weights.h5",
        "manifest.json",
    ]
    for name in ("autoint", "autointmlp"):
        model, encoder, entry = artefacts.load(where, name)
        assert model.field_dims == encoder.field_dims
        artefacts.check_data(entry, made)
        assert entry["versions"]["keras"] == artefacts.versions()["keras"]
        assert entry["metrics"]["test"]["rows"] == 320


def test_weights_survive(where, made):
    model, encoder, entry = artefacts.load(where, "autointmlp")
    again = quality.of_predictor(scoring.predictor(model), prepare(made, encoder))
    assert again["auc"] == pytest.approx(entry["metrics"]["test"]["auc"], abs=1e-6)


def refused(where, message, name="autointmlp"):
    with pytest.raises(ArtefactError, match=message) as error:
        artefacts.load(where, name)
    assert "restore it with git" in str(error.value).lower()
    assert "train" in str(error.value)


def test_missing_parts(where):
    where.weights("autointmlp").unlink()
    refused(where, "weights.h5 is missing")
    where.encoder.unlink()
    refused(where, "label_encoders.pkl is missing")
    where.manifest.unlink()
    refused(where, "manifest.json has no entry for autointmlp")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"autointmlp": 3}'])
def test_a_damaged_manifest(where, content):
    where.manifest.write_text(content)
    refused(where, "manifest.json cannot be read")


def test_an_entry_that_lacks_something(where):
    edit(where, lambda entry: entry.pop("weights_sha256"))
    refused(where, "manifest.json cannot be read .*weights_sha256")


def test_truncated_weights(where):
    path = where.weights("autointmlp")
    path.write_bytes(path.read_bytes()[:1000])
    refused(where, "is damaged or belongs to another run")
    accept_weights(where)
    refused(where, "does not fit the model")


def test_weights_of_another_model(where):
    where.weights("autointmlp").write_bytes(where.weights("autoint").read_bytes())
    accept_weights(where)
    refused(where, "does not fit the model")


def test_weights_without_parameters(where):
    with h5py.File(where.weights("autointmlp"), "w"):
        pass
    accept_weights(where)
    refused(where, "does not fit the model")


@pytest.mark.parametrize(("value", "message"), [(0, "is all zeros"), (np.nan, "not finite")])
def test_weights_that_cannot_be_meant(where, value, message):
    with h5py.File(where.weights("autointmlp"), "r+") as file:
        file["embedding/vars/0"][...] = value
    accept_weights(where)
    refused(where, message)


def test_another_shape(where):
    edit(where, lambda entry: entry["model"].update(embed_dim=8))
    refused(where, "does not fit the model")


def test_arguments_that_no_model_has(where):
    edit(where, lambda entry: entry["model"].update(colour="red"))
    refused(where, "does not fit the model .*unexpected keyword argument 'colour'")


@pytest.mark.parametrize(
    "change",
    [
        {"data": {}},
        {"data": None},
        {"data": {"fingerprint": {"users": "0"}}},
        {"metrics": {}},
        {"metrics": {"test": {"auc": "high"}}},
        {"model": 3},
        {"encoder_sha256": 3},
    ],
)
def test_an_entry_of_the_wrong_kind(where, change):
    edit(where, lambda entry: entry.update(change))
    refused(where, "manifest.json cannot be read")


def test_an_entry_of_no_model(where):
    where.manifest.write_text(json.dumps({"svd": {}}))
    refused(where, "there is no model 'svd'")


@pytest.mark.parametrize("arguments", [{"num_layers": 2}, {"num_layers": 2.5}, {"embed_dim": "16"}])
def test_another_architecture(where, arguments):
    edit(where, lambda entry: entry["model"].update(arguments))
    refused(where, "does not fit the model")


def test_an_encoder_of_other_features(where, made):
    rows = preprocess.features(made).rename(columns={"gender": "sex"})
    content = encoding.fit(rows).to_bytes()
    where.encoder.write_bytes(content)
    edit(where, lambda entry: entry.update(encoder_sha256=files.digest(content)))
    refused(where, "label_encoders.pkl encodes user_id, sex")


def test_training_one_model_says_when_the_other_no_longer_fits(where, made, caplog):
    _, _, entry = artefacts.load(where, "autointmlp")
    other = encoding.fit(preprocess.features(made).iloc[:50])
    artefacts.save(where, "autointmlp", artefacts.load_keras(where, "autointmlp"), other, entry)
    assert "autoint was trained with another encoder: train it again too" in caplog.text


def test_another_encoder(where, made):
    rows = preprocess.features(made).iloc[:50]
    other = encoding.fit(rows).to_bytes()
    where.encoder.write_bytes(other)
    refused(where, "is not the encoder that the manifest names")
    edit(where, lambda entry: entry.update(encoder_sha256=files.digest(other)))
    refused(where, "but the encoder has")


def test_other_data(trained, tmp_path, made, caplog):
    entry = artefacts.load(artefacts.place("ml-1m", root=trained), "autointmlp")[2]
    write_ml1m(tmp_path)
    with pytest.raises(ArtefactError, match=r"users and movies and ratings and timestamps differ"):
        artefacts.check_data(entry, datasets.load("ml-1m", tmp_path))
    assert "your timestamps" not in caplog.text


def test_other_timestamps_are_only_said(made, caplog):
    fingerprint = made.fingerprint | {"timestamps": "0"}
    artefacts.check_data({"data": {"fingerprint": fingerprint}}, made)
    assert "your timestamps differ from those the model was trained with" in caplog.text


def test_a_full_disk_keeps_the_old_model(where, made, monkeypatch):
    before = {path: path.read_bytes() for path in where.folder.iterdir()}
    _, encoder, entry = artefacts.load(where, "autointmlp")
    model = artefacts.load_keras(where, "autointmlp")

    def full(path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model, "save_weights", full)
    with pytest.raises(OSError, match=r"could not write .*weights.h5.*No space left on device"):
        artefacts.save(where, "autointmlp", model, encoder, entry)
    assert {path: path.read_bytes() for path in where.folder.iterdir()} == before
