"""Save and load trained models: weights, encoder and a manifest that ties them together.

A folder has the weights of some of the models (AutoInt, AutoInt+, AutoInt+ with history, the
candidate model, the next-movie model) and `manifest.json` with an entry for each. `load` checks
that weights, encoder and entry have the hashes that the entry records and that the model's
arguments fit them; `check_data` checks the data. Library versions, settings and seed are only
recorded.
"""

import contextlib
import errno
import json
import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from movierec import files, provenance
from movierec.data import encoder_file
from movierec.data.encoder import EncoderError, FeatureEncoder
from movierec.data.tables import Dataset
from movierec.errors import MovieRecError, quoted
from movierec.models import registry, weights_file
from movierec.models.candidates import CandidateModel
from movierec.models.history import HistoryModel
from movierec.models.next_movie import NextMovieModel
from movierec.models.numpy_model import NumpyModel

WEIGHTS = {
    "autoint": "autoInt_model_weights.weights.h5",
    "autointmlp": "autoIntMLP_model_weights.weights.h5",
}
CANDIDATES, NEXT_MOVIE, HISTORY = "candidates", "next-movie", "history"
FIRST_STAGES = {CANDIDATES: CandidateModel, NEXT_MOVIE: NextMovieModel}
ARRAY_MODELS = FIRST_STAGES | {HISTORY: HistoryModel}  # saved as arrays
TITLES = registry.TITLES | {HISTORY: "AutoInt+ with history"}
ArrayModel = CandidateModel | NextMovieModel | HistoryModel
FINGERPRINT = ("users", "movies", "ratings", "timestamps")

MANIFEST_BYTES = 2**20  # at most
NAME = re.compile(r"[\w.-]{1,100}")  # of a data set, setting or protocol
SHA256 = re.compile("[0-9a-f]{64}")
UNUSED = ("name", "dtype")  # entries of a model's config that the manifest leaves out

log = logging.getLogger("movierec")


class ArtifactError(MovieRecError):
    """Weights, encoder, manifest or tables that are missing or do not belong together."""


@dataclass(frozen=True)
class ModelFolder:
    """The files of one data set, setting and protocol.

    Args:
        path: the folder of weights and manifest.
        encoder: path of the label encoders.
        command: the command that trains the models again, without the model's name.
    """

    path: Path
    encoder: Path
    command: str

    def weights(self, name: str) -> Path:
        """Path of the weights of the model `name`."""
        return self.path / WEIGHTS.get(name, f"{name.replace('-', '_')}.npz")

    @property
    def manifest(self) -> Path:
        """Path of the manifest."""
        return self.path / "manifest.json"

    def entries(self) -> dict[str, dict]:
        """The manifest's entries of AutoInt and AutoInt+, as far as they are saved.

        Raises:
            ArtifactError: the manifest cannot be read.
        """
        return {name: entry for name, entry in self.content().items() if name in WEIGHTS}

    def content(self) -> dict[str, dict]:
        """All entries of the manifest; empty if there is no manifest.

        Raises:
            ArtifactError: the manifest cannot be read.
        """
        weights = [self.weights(name) for name in (*WEIGHTS, *ARRAY_MODELS)]
        try:
            files.finish_moves(self.encoder, *weights, self.manifest)
            return _entries(files.read(self.manifest, MANIFEST_BYTES))
        except FileNotFoundError:
            return {}
        except (OSError, ArtifactError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ArtifactError(
                f"{self.manifest} cannot be read ({reason}): restore it with git, or delete it "
                f"and run `{self.command} ...`"
            ) from error


def _entries(content: bytes) -> dict[str, dict]:
    """The entries of a manifest with this content.

    Raises:
        ArtifactError: what is wrong with it.
    """
    try:
        entries = json.loads(content, object_pairs_hook=_without_repeated_keys)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ArtifactError(f"it is not JSON: the first fault is in {where}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, a number with thousands of digits
        raise ArtifactError("it is not JSON that a manifest can contain") from error
    if not isinstance(entries, dict):
        raise ArtifactError(f"it contains {quoted(entries)}, expected an object")
    for name, entry in entries.items():
        _check_entry(name, entry)
    return entries


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ArtifactError(f"an object has a key twice, of {quoted([key for key, _ in pairs])}")
    return found


def _check_entry(name: str, entry: Any) -> None:
    """Refuse an entry with missing parts, parts of the wrong type, or that was changed."""
    if name not in (*WEIGHTS, *ARRAY_MODELS):
        raise ArtifactError(f"there is no model {quoted(name)}")
    data = entry.get("data") if isinstance(entry, dict) else None
    fingerprint = data.get("fingerprint") if isinstance(data, dict) else None
    if not isinstance(fingerprint, dict):
        raise ArtifactError(f"the entry {name} has no fingerprint of its data")
    hashes = {f"data.fingerprint.{table}": fingerprint.get(table) for table in FINGERPRINT}
    keys = ["weights_sha256", "encoder_sha256", "entry_sha256"]
    if name in FIRST_STAGES:
        keys.remove("encoder_sha256")
    hashes |= {key: entry.get(key) for key in keys}
    for key, value in hashes.items():
        if not isinstance(value, str) or not SHA256.fullmatch(value):
            raise ArtifactError(f"{key} of {name} is {quoted(value)}, expected a SHA-256")
    protocol = entry.get("protocol", {})
    protocol = protocol.get("name", "test-rows") if isinstance(protocol, dict) else None
    names = {"dataset": entry.get("dataset"), "setting": entry.get("setting", "tuned")}
    for key, value in (names | {"protocol": protocol}).items():
        if not isinstance(value, str) or not NAME.fullmatch(value):
            raise ArtifactError(f"{key} of {name} is {quoted(value)}, expected a name")
    if name in WEIGHTS:
        if not isinstance(entry.get("model"), dict):
            raise ArtifactError(f"{name} has no arguments of a model")
        try:
            weights_file.check_arguments(entry["model"])
        except weights_file.WeightsError as error:
            raise ArtifactError(f"an argument of {name} is wrong: {error}") from error
    if entry["entry_sha256"] != _hashed(entry)["entry_sha256"]:
        raise ArtifactError(f"the entry {name} was changed after it was written")


def _hashed(entry: dict) -> dict:
    """A manifest entry with the SHA-256 of all its other parts."""
    rest = {key: value for key, value in entry.items() if key != "entry_sha256"}
    return rest | {"entry_sha256": files.digest(json.dumps(rest, sort_keys=True).encode())}


def model_folder(
    dataset: str, setting: str = "tuned", root: Path = files.ROOT, protocol: str = "test-rows"
) -> ModelFolder:
    """Where the files of a data set, setting and protocol are.

    Those of ML-1M, the setting `tuned` and the protocol `test-rows` are directly in `model/`, as
    in the course project. The others are in subfolders named after what differs.
    """
    path = root / "model"
    for value, usual in ((dataset, "ml-1m"), (setting, "tuned"), (protocol, "test-rows")):
        if value != usual:
            path /= value
    encoder = (root if path == root / "model" else path) / "label_encoders.pkl"
    command = f"python -m movierec train --dataset {dataset}"
    command += f" --setting {setting}" * (setting != "tuned")
    command += f" --protocol {protocol}" * (protocol != "test-rows")
    return ModelFolder(path, encoder, f"{command} --model")


def description(data: Dataset) -> dict:
    """What a manifest entry records of the data set."""
    parts = {"files": data.files, "fingerprint": data.fingerprint, "source": data.source}
    return {"dataset": data.name, "data": parts}


def check_replaceable(
    folder: ModelFolder, name: str, encoder: FeatureEncoder, data: Dataset
) -> None:
    """Refuse to save a model over, or next to, models that it does not belong to.

    Args:
        folder: see `model_folder`.
        name: a key of `WEIGHTS`.
        encoder: the encoder of the model to save.
        data: the data set it is trained on.

    Raises:
        ArtifactError: a saved model was trained on other data, or the other model has another
            encoder; the message gives the commands that train all models of the folder again.
    """
    digest = files.digest(encoder.to_bytes())
    for saved, entry in folder.content().items():
        if saved in FIRST_STAGES:
            continue
        if differing := _other_tables(entry, data):
            reason = f"was trained on other data: {' and '.join(differing)} differ"
        elif saved != name and entry["encoder_sha256"] != digest:
            reason = "has another encoder, and the folder has room for one"
        else:
            continue
        commands = [f"`{folder.command} {name} --replace`"]
        others = [other for other in folder.content() if other != name]
        commands += [f"`{folder.command} {other}`" for other in others]
        raise ArtifactError(
            f"{folder.path} holds {TITLES[saved]}, which {reason}. Nothing was replaced. "
            f"To replace it, run {' and then '.join(commands)}"
        )


def check_same_data(folder: ModelFolder, name: str, data: Dataset) -> None:
    """Refuse to save a model that is saved as arrays over one that was trained on other data.

    Args:
        folder: see `model_folder`.
        name: a key of `ARRAY_MODELS`.
        data: the data set that the new model is trained on.

    Raises:
        ArtifactError: the saved model was trained on other data.
    """
    entry = folder.content().get(name)
    if entry is not None and (differing := _other_tables(entry, data)):
        raise ArtifactError(
            f"{folder.weights(name)} was trained on other data: {' and '.join(differing)} differ. "
            f"Nothing was replaced. To replace it, run `{folder.command} {name} --replace`"
        )


def save(
    folder: ModelFolder,
    name: str,
    model,
    encoder: FeatureEncoder,
    entry: dict,
    data: Dataset,
    replace: bool = False,
) -> None:
    """Write encoder, weights and manifest: all or none, even if the process dies.

    Args:
        folder: see `model_folder`.
        name: a key of `WEIGHTS`.
        model: the fitted Keras model.
        encoder: the encoder it was fitted with.
        entry: what the manifest records in addition to hashes, versions and the model's arguments.
        data: the data set it was trained on.
        replace: whether models that it does not belong to are deleted.

    Raises:
        ArtifactError: see `check_replaceable`.
        OSError: see `files.replacing` and `files.locked`.
    """
    encoder_content = encoder.to_bytes()
    digest = files.digest(encoder_content)
    targets = (folder.encoder, folder.weights(name), folder.manifest)
    with files.locked(folder.path):
        entries = folder.content()
        if replace:
            for other in set(entries) - {name, *FIRST_STAGES}:
                saved = entries[other]
                if saved["encoder_sha256"] != digest or _other_tables(saved, data):
                    del entries[other]
        else:
            check_replaceable(folder, name, encoder, data)
        with files.replacing(*targets) as (encoder_part, weights_part, manifest_part):
            encoder_part.write_bytes(encoder_content)
            _save_weights(model, weights_part)
            config = model.get_config()
            arguments = {key: config[key] for key in sorted(config) if key not in UNUSED}
            entry = entry | {"model": arguments, "encoder_sha256": digest}
            _write_manifest(manifest_part, entries, name, entry, weights_part)
        for other in {*WEIGHTS, HISTORY} - {*entries, name}:
            with contextlib.suppress(OSError):  # without an entry they are not used
                folder.weights(other).unlink(missing_ok=True)


def _save_weights(model, path: Path) -> None:
    """Write a Keras model's weights.

    HDF5 may crash the process on a full disk, so a file as large is written first: it fails with
    an error.
    """
    path.write_bytes(bytes(4 * model.count_params() + weights_file.OVERHEAD))
    try:
        model.save_weights(path)
    except RuntimeError as error:
        raise OSError(errno.EIO, "HDF5 could not write the weights") from error


def save_arrays(
    folder: ModelFolder,
    name: str,
    model: ArrayModel,
    entry: dict,
    encoder: FeatureEncoder | None = None,
) -> None:
    """Write a model that is saved as arrays and its manifest entry: both or none.

    Args:
        folder: see `model_folder`.
        name: a key of `ARRAY_MODELS`.
        model: the model.
        entry: what the manifest records in addition to hashes and versions.
        encoder: the encoder it was fitted with, if it has one.

    Raises:
        ArtifactError: the manifest cannot be read, or the folder's encoder is another one.
        OSError: see `files.replacing` and `files.locked`.
    """
    with files.locked(folder.path):
        entries = folder.content()
        if encoder is not None:
            digest = files.digest(encoder.to_bytes())
            if entries.get("autointmlp", {}).get("encoder_sha256") != digest:
                raise ArtifactError(
                    f"{folder.path} holds no AutoInt+ with the same encoder. Nothing was written. "
                    f"Run `{folder.command} autointmlp` and then `{folder.command} {name}`"
                )
            entry = entry | {"encoder_sha256": digest}
        with files.replacing(folder.weights(name), folder.manifest) as (part, manifest_part):
            with part.open("wb") as file:
                np.savez_compressed(file, **model.arrays())
            _write_manifest(manifest_part, entries, name, entry, part)


def _write_manifest(path: Path, entries: dict, name: str, entry: dict, weights: Path) -> None:
    """Write the manifest with `entry`, its hash, that of its weights, versions and processor."""
    from llvmlite import binding  # not needed to load a model

    saved = {"weights_sha256": files.sha256(weights), "versions": provenance.versions()}
    saved["processor"] = binding.get_host_cpu_name()
    entries = entries | {name: _hashed(entry | saved)}
    text = json.dumps(entries, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", "utf-8")


def load_arrays(folder: ModelFolder, name: str, data: Dataset) -> ArrayModel:
    """A model that is saved as arrays, after checking that it belongs to manifest and data.

    Args:
        folder: see `model_folder`.
        name: a key of `ARRAY_MODELS`.
        data: the data set.

    Raises:
        ArtifactError: a file is missing, damaged or was fitted on other data; the message gives the
            command that restores it.
    """
    entry, path, remedy = _saved(folder, name)
    check_data(entry, data, name)
    try:
        return ARRAY_MODELS[name].read(path, len(data.movies))
    except ValueError as error:
        raise ArtifactError(f"{path} cannot be read: {error}. {remedy}") from error


def _saved(folder: ModelFolder, name: str) -> tuple[dict, Path, str]:
    """A model's manifest entry, its checked file, and the sentence on how to restore the file.

    Raises:
        ArtifactError: there is no entry; the file is missing, not a plain file or another one.
    """
    path, remedy = folder.weights(name), f"Restore it with git, or run `{folder.command} {name}`"
    entry = folder.content().get(name)
    if entry is None:
        raise ArtifactError(f"{folder.manifest} has no entry for {name}. {remedy}")
    try:
        actual = files.sha256(path)
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} is missing. {remedy}") from error
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}. {remedy}") from error
    if actual != entry["weights_sha256"]:
        raise ArtifactError(
            f"{path} is damaged or from another run: its SHA-256 is {actual}, the manifest "
            f"expects {entry['weights_sha256']}. {remedy}"
        )
    return entry, path, remedy


def load(folder: ModelFolder, name: str) -> tuple[NumpyModel, FeatureEncoder, dict]:
    """Model, encoder and manifest entry, after checking that they belong together.

    Raises:
        ArtifactError: a file is missing or does not fit; the message gives the command that
            restores it.
    """
    entry, path, remedy = _saved(folder, name)
    try:
        encoder = encoder_file.load(folder.encoder, entry["encoder_sha256"])
    except EncoderError as error:
        raise ArtifactError(str(error)) from error
    if entry["model"]["field_dims"] != list(encoder.field_dims):
        raise ArtifactError(
            f"{folder.manifest} describes a model with {quoted(entry['model']['field_dims'])} ids "
            f"per field, but the encoder has {encoder.field_dims}. {remedy}"
        )
    try:
        return weights_file.read(path, entry["model"]), encoder, entry
    except (weights_file.WeightsError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArtifactError(
            f"{path} does not fit the model that {folder.manifest.name} describes: {reason}. "
            f"{remedy}"
        ) from error


def load_keras(folder: ModelFolder, name: str):
    """The Keras model of saved weights, to inspect or to train further; serving uses `load`.

    Raises:
        ArtifactError: see `load`.
    """
    _, _, entry = load(folder, name)
    model = registry.keras_class(name)(**entry["model"])
    model.load_weights(folder.weights(name))
    return model


def check_data(entry: dict, data: Dataset, name: str) -> None:
    """Refuse data other than the data the model was trained on.

    If only the timestamps differ, as in some copies of MovieLens, a warning is logged instead.

    Raises:
        ArtifactError: naming the tables that differ.
    """
    differing, protocol = _differing(entry, data), entry.get("protocol", {})
    protocol = protocol.get("name", "test-rows")
    folder = model_folder(data.name, entry.get("setting", "tuned"), protocol=protocol)
    remedy = f"train again with `{folder.command} {name}{' --replace' * (name in WEIGHTS)}`"
    if entry.get("dataset") != data.name:
        raise ArtifactError(
            f"the model was trained on {quoted(entry.get('dataset'))}, expected {data.name}. "
            f"Restore the manifest with git, or {remedy}"
        )
    if differing == ["timestamps"]:
        log.warning(
            "%s: your timestamps differ from those the model was trained with; metrics on your "
            "copy may differ from the committed ones in the third decimal",
            data.name,
        )
    elif differing:
        raise ArtifactError(
            f"the model was trained on another {data.name}: {' and '.join(differing)} differ from "
            f"{data.source}. Restore the data, or {remedy}"
        )


def _other_tables(entry: dict, data: Dataset) -> list[str]:
    """The tables that `_differing` finds, without timestamps: copies may differ in those."""
    return [table for table in _differing(entry, data) if table != "timestamps"]


def _differing(entry: dict, data: Dataset) -> list[str]:
    """The tables in which a data set differs from the one of a manifest entry."""
    trained = entry["data"]["fingerprint"]
    return [table for table, digest in data.fingerprint.items() if digest != trained[table]]
