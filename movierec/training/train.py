"""Train a model on a data set and save its weights, encoder and manifest entry."""

import dataclasses
import datetime
import json
from pathlib import Path

from movierec import files
from movierec.data.dataset import SplitDataset, split_by
from movierec.data.movielens import MovieLens
from movierec.data.rows import Rows
from movierec.models import artifacts, registry
from movierec.training.settings import SEED, Settings, TrainingError, settings_for


def fitted(
    dataset: SplitDataset, name: str, settings: Settings, seed: int, **resume_options
) -> tuple:
    """Train a model on the rows that the protocol and the settings select.

    With `settings.refit` these are the training and validation rows; otherwise the training rows,
    with the validation rows for early stopping.

    Args:
        dataset: the data set, split by a protocol.
        name: one of `registry.NAMES`.
        settings: see `Settings`.
        seed: random seed.
        **resume_options: `resume` and `identity` of `loop.fit`.

    Returns:
        The Keras model; the data encoded with the encoder fitted on the model's training rows; one
        dict per epoch.
    """
    rows = dataset.split.known if settings.refit else dataset.split.train
    encoded = dataset.encoded(dataset.fit_encoder(rows))
    valid = None if settings.refit else dataset.validation_rows(encoded)
    dims, train = encoded.encoder.field_dims, encoded.rows(rows)
    model, history = fit_rows(name, dims, train, valid, settings, seed, **resume_options)
    return model, encoded, history


def fit_rows(
    name: str,
    field_dims: tuple[int, ...],
    train: Rows,
    valid: Rows | None,
    settings: Settings,
    seed: int,
    **resume_options,
) -> tuple:
    """Train a new Keras model on encoded rows; return the model and one dict per epoch.

    Args:
        name: one of `registry.NAMES`.
        field_dims: number of ids of each field.
        train, valid, settings, seed, **resume_options: see `loop.fit`.
    """
    import keras  # TensorFlow takes seconds to import

    from movierec.training import loop

    keras.utils.set_random_seed(seed)
    model = registry.keras_class(name)(field_dims, **settings.model_arguments(name))
    return model, loop.fit(model, train, valid, settings, seed, **resume_options)


def train(
    name: str,
    data: MovieLens,
    setting: str = "tuned",
    seed: int = SEED,
    root: Path = files.ROOT,
    protocol: str = "test-rows",
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
        **overrides: fields of `Settings` to change.

    Returns:
        The model's manifest entry.

    Raises:
        TrainingError, OSError: see `loop.fit` and `artifacts.save`; nothing is half written.
    """
    from movierec.training import losses  # imports TensorFlow

    settings = dataclasses.replace(settings_for(setting, data.name, protocol), **overrides)
    if not 0 <= seed < 2**32:
        raise TrainingError(f"seed is {seed}, expected a whole number from 0 to {2**32 - 1}")
    folder = artifacts.model_folder(data.name, setting, root, protocol)
    folder.entries()  # an unreadable manifest should fail before training, not after
    dataset = split_by(data, protocol)
    description = {
        "dataset": data.name,
        "data": {"files": data.files, "fingerprint": data.fingerprint, "source": data.source},
        "setting": setting,
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "protocol": {"name": protocol, "description": dataset.protocol.description},
    }
    folder.path.mkdir(parents=True, exist_ok=True)
    resume = folder.path / f"{name}.resume.npz"
    identity = json.dumps([name, description, artifacts.versions()], sort_keys=True)
    model, encoded, history = fitted(
        dataset, name, settings, seed, resume=resume, identity=identity
    )
    entry = description | {
        "trained": datetime.date.today().isoformat(),
        "compiled": losses.is_compiled(model),
        "history": history,
    }
    artifacts.save(folder, name, model, encoded.encoder, entry)
    resume.unlink(missing_ok=True)
    return entry
