"""Train a model on a data set and save its weights, encoder and manifest entry."""

import dataclasses
import datetime
import json
from pathlib import Path

from movierec import files, provenance
from movierec.data.dataset import split_by
from movierec.data.tables import Dataset
from movierec.models import artifacts
from movierec.training import fitting
from movierec.training.named_settings import settings_for, sized
from movierec.training.settings import SEED, TrainingError


def train(
    name: str,
    data: Dataset,
    setting: str = "tuned",
    seed: int = SEED,
    root: Path = files.ROOT,
    protocol: str = "test-rows",
    replace: bool = False,
    **overrides,
) -> dict:
    """Train and save a model.

    Args:
        name: a key of `registry.TITLES`.
        data: the data set to train on.
        setting: a key of `SETTINGS`; also selects the folder.
        seed: random seed.
        root: the folder that contains `model/`.
        protocol: a key of `splits.PROTOCOLS`; also selects the folder.
        replace: whether saved models of other data or with another encoder are deleted.
        **overrides: fields of `Settings` to change.

    Returns:
        The model's manifest entry.

    Raises:
        TrainingError, ArtifactError, OSError: see `loop.fit` and `artifacts.save`; nothing is half
            written. What can be refused is refused before training, as is a model that another
            process is training in the same folder.
    """
    from movierec.training import losses  # slow to import: TensorFlow

    settings = dataclasses.replace(sized(settings_for(setting, protocol), data), **overrides)
    if not 0 <= seed < 2**32:
        raise TrainingError(f"seed is {seed}, expected a whole number from 0 to {2**32 - 1}")
    if data.scale.implicit and not settings.refit:
        raise TrainingError(
            f"{data.name} has no ratings that say what was not liked, so the setting {setting} "
            "has no validation rows to compare: train the setting tuned"
        )
    folder = artifacts.model_folder(data.name, setting, root, protocol)
    dataset = split_by(data, protocol)
    if not replace:
        encoder = dataset.fit_encoder(fitting.rows_to_fit(dataset, settings))
        artifacts.check_replaceable(folder, name, encoder, data)
    description = artifacts.description(data) | {
        "setting": setting,
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "protocol": {"name": protocol, "description": dataset.protocol.description},
        "code": provenance.code_hash(fitting.__name__),
    }
    identity = json.dumps([name, description, provenance.versions()], sort_keys=True)
    with files.locked(folder.path, name, timeout=0):  # two trainings would share the resume file
        resume = folder.path / f"{name}.resume.npz"
        model, encoded, history = fitting.fitted(
            dataset, name, settings, seed, resume=resume, identity=identity
        )
        entry = description | {
            "trained": datetime.date.today().isoformat(),
            "compiled": losses.is_compiled(model),
            "history": history,
        }
        artifacts.save(folder, name, model, encoded.encoder, entry, data, replace)
        resume.unlink(missing_ok=True)
    return entry
