"""Damaged and hostile files end in a clear error: a corpus of them, made-up ones, and mutations.

`tests/corpus/` has one file per case, named after what is wrong with it. A new case is one more
file there.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from movierec import files
from movierec.data import encoder_file, movielens
from movierec.data.encoder import EncoderError, FeatureEncoder
from movierec.data.raw_readers import DataError
from movierec.errors import MovieRecError
from movierec.models import artifacts, weights_file
from movierec.models.artifacts import ArtifactError
from movierec.models.weights_file import WeightsError
from tests.conftest import write_ml1m

CORPUS = Path(__file__).parent / "corpus"
ARGUMENTS = {"field_dims": [3, 3], "embed_dim": 2, "num_layers": 0, "num_heads": 1, "head_dim": 1}
ARGUMENTS |= {"num_classes": 1, "num_positive": 1}  # of the model in corpus/weights/ok.h5
REASONS = {  # why the most dangerous cases are refused
    "object-flag-cleared.pkl": r"it has \('\|',\) in the place of",
    "runs-code.pkl": "'mkdir'",
    "external-storage.h5": "is not stored in one piece in the file",
    "virtual.h5": "is not stored in one piece in the file",
    "external-link.h5": "has the shape None",
    "huge.h5": r"has the shape \(1000000000, 1000\)",
    "edited-heads.json": "was changed after it was written",
    "edited-positive.json": "was changed after it was written",
}
PYTHONS = ("object is not", "NoneType", "codec can't", "argument must be", "Expecting value")


def cases(kind: str) -> list:
    """One parameter per file of the corpus."""
    return [pytest.param(path, id=path.stem) for path in sorted((CORPUS / kind).iterdir())]


def assert_clear(error: MovieRecError, path: Path | str) -> None:
    """The message names the file, is not too long and has neither control characters nor jargon."""
    message = str(error)
    assert str(path) in message
    assert message.isprintable()
    assert len(message) < 1000
    assert not any(words in message for words in PYTHONS)


@pytest.mark.parametrize("path", cases("encoders"))
def test_encoders(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EncoderError, match=REASONS.get(path.name)) as error:
        encoder_file.load(path, files.sha256(path))
    assert_clear(error.value, path)
    assert not list(tmp_path.iterdir())
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize("path", cases("manifests"))
def test_manifests(path, tmp_path):
    folder = artifacts.ModelFolder(tmp_path, tmp_path / "a.pkl", "train --model")
    shutil.copy(path, folder.manifest)
    with pytest.raises(ArtifactError, match=REASONS.get(path.name)) as error:
        folder.entries()
    assert_clear(error.value, folder.manifest)


@pytest.mark.parametrize("path", cases("weights"))
def test_weights(path, monkeypatch):
    monkeypatch.chdir(path.parent)
    if path.stem == "ok":
        assert weights_file.read(path, ARGUMENTS).table.tolist() == [[0.5, 0.5]] * 6
        return
    with pytest.raises(WeightsError, match=REASONS.get(path.name)) as error:
        weights_file.read(path, ARGUMENTS)
    assert_clear(error.value, "")


@pytest.mark.parametrize("path", cases("data"))
def test_data(path, tmp_path):
    damaged = write_ml1m(tmp_path) / f"{path.name.split('-')[0]}.dat"
    shutil.copy(path, damaged)
    with pytest.raises(DataError) as error:
        movielens.load("ml-1m", tmp_path)
    assert_clear(error.value, damaged)
    assert "empty the folder" not in str(error.value)


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)


@given(st.dictionaries(WORDS.filter(str.isprintable), st.lists(WORDS), min_size=2, max_size=4))
def test_every_encoder_is_read_as_it_was_written(tmp_path_factory, columns):
    encoder = FeatureEncoder.fit({name: pd.Series(values) for name, values in columns.items()})
    path = tmp_path_factory.getbasetemp() / "label_encoders.pkl"
    path.write_bytes(encoder.to_bytes())
    again = encoder_file.load(path, files.sha256(path))
    assert again.features == encoder.features
    for name, known in encoder.classes.items():
        assert again.classes[name].tolist() == known.tolist()


ENCODER = FeatureEncoder.fit({"a": pd.Series(["x", "y"]), "b": pd.Series([1, 2, 3])}).to_bytes()


@given(st.lists(st.tuples(st.integers(0, len(ENCODER) - 1), st.integers(0, 255)), max_size=9))
def test_a_changed_encoder_is_read_or_refused(tmp_path_factory, changes):
    content = bytearray(ENCODER)
    for place, value in changes:
        content[place] = value
    path = tmp_path_factory.getbasetemp() / "changed.pkl"
    path.write_bytes(content)
    try:
        encoder = encoder_file.load(path, files.sha256(path))
    except EncoderError as error:
        assert_clear(error, path)
    else:
        assert len(encoder.features) == 2


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=10,
)
KEYS = ["autoint", "data", "fingerprint", "model", "weights_sha256", *ARGUMENTS]
ENTRIES = st.dictionaries(
    st.sampled_from(KEYS), JSON | st.dictionaries(st.sampled_from(KEYS), JSON)
)


@given(st.dictionaries(st.sampled_from(["autoint", "candidates"]), ENTRIES, min_size=1) | JSON)
def test_made_up_manifests_are_refused(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    folder = artifacts.ModelFolder(folder, folder / "a.pkl", "train --model")
    folder.manifest.write_text(json.dumps(content))
    if content == {}:
        assert folder.content() == {}
        return
    with pytest.raises(ArtifactError) as error:
        folder.content()
    assert_clear(error.value, folder.manifest)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_changed_byte_of_a_raw_file_is_read_or_refused(raw, data):
    table = data.draw(st.sampled_from(["users", "movies", "ratings"]))
    path = raw / "ml-1m" / f"{table}.dat"
    whole = path.read_bytes()
    place, value = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 255))
    path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
    try:
        loaded = movielens.load("ml-1m", raw)
    except DataError as error:
        assert_clear(error, raw / "ml-1m")
    else:
        assert len(loaded.ratings) == 6
    finally:
        path.write_bytes(whole)


ARTIFACTS = [
    path
    for pattern in ("manifest.json", "*.h5", "*.npz", "*.pkl")
    for path in sorted(files.ROOT.glob(f"model/**/{pattern}"))
] + [files.ROOT / "label_encoders.pkl"]


def assert_mutations_are_found(artifact: Path, places: int, root: Path) -> None:
    """Change one byte at random places of a copy; each is an error or changes nothing.

    Args:
        artifact: a committed file.
        places: how many bytes to try.
        root: an empty folder for the copy.
    """
    home = artifact.parent if artifact.parent != files.ROOT else files.ROOT / "model"
    for saved in home.iterdir():
        if saved.is_file():
            shutil.copy(saved, root)
    encoder = root / "label_encoders.pkl"
    if not encoder.exists():
        shutil.copy(files.ROOT / encoder.name, encoder)
    folder, path = artifacts.ModelFolder(root, encoder, "train --model"), root / artifact.name
    entries = folder.content()

    def load() -> None:
        for name in folder.content():
            if path == folder.weights(name) and name in artifacts.ARRAY_MODELS:
                artifacts.load_arrays(folder, name, None)  # refused before the data are needed
            elif path in (folder.weights(name), encoder) and name in artifacts.WEIGHTS:
                artifacts.load(folder, name)

    rng = np.random.default_rng(0)
    with path.open("r+b", buffering=0) as file:
        whole = file.read()
        for place in rng.integers(0, len(whole), places):
            file.seek(place)
            file.write(bytes([whole[place] ^ rng.integers(1, 256)]))
            try:
                load()
            except ArtifactError as error:
                assert_clear(error, path)
            else:
                assert path == folder.manifest
                assert folder.content() == entries
            file.seek(place)
            file.write(whole[place : place + 1])


@pytest.mark.parametrize("name", ["manifest.json", "label_encoders.pkl", "candidates.npz"])
def test_some_changed_bytes_of_committed_files_are_found(tmp_path, name):
    assert_mutations_are_found(files.ROOT / "model" / "ml-100k" / name, 50, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_2000_changed_bytes_of_committed_files_are_found(tmp_path, artifact):
    assert_mutations_are_found(artifact, 2000, tmp_path)
