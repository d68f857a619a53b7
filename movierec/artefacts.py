"""What a trained model leaves on disk, tied together by one manifest that is checked at load.

A folder holds the weights of both models, and `manifest.json` with one entry a model: the
SHA-256 of weights, encoder and raw data, the library versions, settings, seed and metrics.
"""

import json
import logging
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from movierec import encoding, files, trained
from movierec.datasets import MovieLens
from movierec.encoding import FeatureEncoder
from movierec.preprocess import FEATURES
from movierec.trained import Trained

ROOT = Path(__file__).resolve().parents[1]
WEIGHTS = {
    "autoint": "autoInt_model_weights.weights.h5",
    "autointmlp": "autoIntMLP_model_weights.weights.h5",
}
FINGERPRINT = ("users", "movies", "ratings", "timestamps")
LIBRARIES = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn")

log = logging.getLogger("movierec")


class ArtefactError(Exception):
    """Weights, encoder and manifest that are missing or do not belong together."""


@dataclass(frozen=True)
class Place:
    """Where the artefacts of one data set and setting stand.

    Args:
        folder: weights and manifest.
        encoder: the label encoders.
        command: what makes them anew, up to the model's name.
    """

    folder: Path
    encoder: Path
    command: str

    def weights(self, name: str) -> Path:
        """The weights file of the model `name`."""
        return self.folder / WEIGHTS[name]

    @property
    def manifest(self) -> Path:
        """The manifest file."""
        return self.folder / "manifest.json"

    def entries(self) -> dict[str, dict]:
        """The manifest's entries by model name; empty where there is no manifest yet.

        Raises:
            ArtefactError: when the manifest cannot be read.
        """
        if not self.manifest.exists():
            return {}
        try:
            entries = json.loads(self.manifest.read_text("utf-8"))
            if not isinstance(entries, dict):
                raise ValueError(f"it holds a {type(entries).__name__}")
            for name in entries:
                _check_entry(name, entries[name])
            return entries
        except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
            raise ArtefactError(
                f"{self.manifest} cannot be read ({error}): restore it with git, or delete it "
                f"and run `{self.command} ...`"
            ) from error


def _check_entry(name: str, entry: dict) -> None:
    """Refuse an entry whose parts are not there or not of their kind."""
    if name not in WEIGHTS:
        raise ValueError(f"there is no model {name!r}")
    texts = [entry["encoder_sha256"], entry["weights_sha256"]]
    texts += [entry["data"]["fingerprint"][table] for table in FINGERPRINT]
    if not all(isinstance(text, str) for text in texts):
        raise ValueError(f"a hash of {name} is not text")
    if not isinstance(entry["model"], dict):
        raise ValueError(f"{name}'s model is not a table of arguments")
    if not isinstance(entry["metrics"]["test"].get("auc", 0.0), float):
        raise ValueError(f"{name}'s test AUC is not a number")


def place(
    dataset: str, setting: str = "tuned", root: Path = ROOT, protocol: str = "test-rows"
) -> Place:
    """Where artefacts stand.

    Those of ML-1M, the tuned setting and the protocol `test-rows` stand at the top, as in the
    course; all others in folders below, named for what differs.
    """
    folder = root / "model"
    for value, usual in ((dataset, "ml-1m"), (setting, "tuned"), (protocol, "test-rows")):
        if value != usual:
            folder /= value
    encoder = (root if folder == root / "model" else folder) / "label_encoders.pkl"
    command = (
        f"python -m movierec.training --dataset {dataset} --setting {setting} "
        f"--protocol {protocol} --model"
    )
    return Place(folder, encoder, command)


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide a number."""
    return {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}


def save(where: Place, name: str, model, encoder: FeatureEncoder, entry: dict) -> None:
    """Write encoder, weights and manifest, all or none.

    Args:
        where: see `place`.
        name: a key of `WEIGHTS`.
        model, encoder: what was fitted, the model being Keras'.
        entry: what the manifest shall say besides hashes, versions and the model's arguments.
    """
    entries = where.entries()
    encoder_content = encoder.to_bytes()
    digest = files.digest(encoder_content)
    for other in entries:
        if other != name and entries[other]["encoder_sha256"] != digest:
            log.warning("%s was trained with another encoder: train it again too", other)
    targets = (where.encoder, where.weights(name), where.manifest)
    with files.replacing(*targets) as (encoder_part, weights_part, manifest_part):
        encoder_part.write_bytes(encoder_content)
        model.save_weights(weights_part)
        config = model.get_config()
        entries[name] = {
            "model": {key: config[key] for key in sorted(config) if key not in ("name", "dtype")},
            "encoder_sha256": digest,
            "weights_sha256": files.sha256(weights_part),
            "versions": versions(),
        } | entry
        text = json.dumps(entries, indent=1, ensure_ascii=False, sort_keys=True)
        manifest_part.write_text(text + "\n", "utf-8")


def load(where: Place, name: str) -> tuple[Trained, FeatureEncoder, dict]:
    """Model, encoder and manifest entry, after checking that they belong together.

    `load_keras` gives the Keras model.

    Raises:
        ArtefactError: naming what is missing or does not fit, and the command that mends it.
    """
    mend = f"Restore it with git, or run `{where.command} {name}`"
    entry = where.entries().get(name)
    if entry is None:
        raise ArtefactError(f"{where.manifest} has no entry for {name}. {mend}")
    try:
        encoder = encoding.load(where.encoder, entry["encoder_sha256"])
    except encoding.EncoderError as error:
        raise ArtefactError(str(error)) from error
    path = where.weights(name)
    if not path.is_file():
        raise ArtefactError(f"{path} is missing. {mend}")
    actual = files.sha256(path)
    if actual != entry["weights_sha256"]:
        raise ArtefactError(
            f"{path} is damaged or belongs to another run: its SHA-256 is {actual}, the manifest "
            f"says {entry['weights_sha256']}. {mend}"
        )
    if encoder.features != FEATURES:
        raise ArtefactError(
            f"{where.encoder} encodes {', '.join(encoder.features)}, expected "
            f"{', '.join(FEATURES)}. {mend}"
        )
    if entry["model"].get("field_dims") != list(encoder.field_dims):
        raise ArtefactError(
            f"{where.manifest} describes a model of {entry['model'].get('field_dims')} ids a "
            f"field, but the encoder has {encoder.field_dims}. {mend}"
        )
    try:
        return trained.read(path, **entry["model"]), encoder, entry
    except (ValueError, TypeError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ArtefactError(
            f"{path} does not fit the model that {where.manifest.name} describes: {reason}. {mend}"
        ) from error


def load_keras(where: Place, name: str):
    """The Keras model of saved weights, to take apart or to train on; serving does without.

    Raises:
        ArtefactError: see `load`.
    """
    from movierec.models import MODELS  # TensorFlow takes seconds to import

    _, _, entry = load(where, name)
    model = MODELS[name](**entry["model"])
    model.load_weights(where.weights(name))
    return model


def check_data(entry: dict, data: MovieLens) -> None:
    """Refuse data other than what the model was trained on.

    Timestamps alone may differ (copies of MovieLens do); that is only said.

    Raises:
        ArtefactError: naming the tables that differ.
    """
    trained = entry["data"]["fingerprint"]
    differing = [table for table, digest in data.fingerprint.items() if digest != trained[table]]
    if differing == ["timestamps"]:
        log.warning(
            "%s: your timestamps differ from those the model was trained with; the committed "
            "metrics may differ in the third decimal",
            data.name,
        )
    elif differing:
        raise ArtefactError(
            f"the model was trained on another {data.name}: {' and '.join(differing)} differ from "
            f"{data.source}. Restore the data, or train again with "
            f"`make train DATASET={data.name}`"
        )
