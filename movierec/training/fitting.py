"""Fit a model on the rows that a protocol selects."""

import numpy as np

from movierec.data.dataset import SplitDataset
from movierec.data.rows import Rows
from movierec.models import registry
from movierec.training.settings import Settings


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
    rows = rows_to_fit(dataset, settings)
    encoded = dataset.encoded(dataset.fit_encoder(rows))
    valid = None if settings.refit else dataset.validation_rows(encoded)
    dims, train = encoded.encoder.field_dims, encoded.rows(rows)
    model, history = fit_rows(name, dims, train, valid, settings, seed, **resume_options)
    return model, encoded, history


def rows_to_fit(dataset: SplitDataset, settings: Settings) -> np.ndarray:
    """Row indices of the ratings that a model with these settings is fitted on."""
    return dataset.split.known if settings.refit else dataset.split.train


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
    model = registry.keras_class(name)(field_dims, **settings.model_arguments(name, train.scale))
    return model, loop.fit(model, train, valid, settings, seed, **resume_options)
