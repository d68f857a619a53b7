"""Train the next-movie model that serving and evaluation use, and save it."""

import dataclasses
import datetime
from pathlib import Path

import numpy as np

from movierec import files, provenance
from movierec.data.dataset import SplitDataset, split_by
from movierec.data.schema import TIMESTAMP
from movierec.data.tables import Dataset
from movierec.models import artifacts
from movierec.models.next_movie import NextMovieModel
from movierec.sequences.prefixes import EncodedSessions
from movierec.sequences.train import MOVIE_SETTINGS, SETTINGS, NextItemSettings
from movierec.sequences.train import fit as fit_next_item
from movierec.training.settings import SEED


def sessions_of(dataset: SplitDataset, rows: np.ndarray) -> EncodedSessions:
    """Each user's movies in rows of a split data set, by the time of the rating.

    The id of a movie is its position + 1. Ratings of the same second keep the order of the file.
    """
    data = dataset.data
    times = data.ratings[TIMESTAMP].to_numpy()
    rows = np.sort(rows)
    rows = rows[np.lexsort((times[rows], data.rating_users[rows]))]
    starts = np.searchsorted(data.rating_users[rows], np.arange(len(data.users) + 1))
    return EncodedSessions(
        (data.rating_movies[rows] + 1).astype(np.int32), starts, len(data.movies)
    )


def fit(
    dataset: SplitDataset, rows: np.ndarray, settings: NextItemSettings, seed: int = SEED
) -> NextMovieModel:
    """Train a next-movie model on rows of a split data set.

    Args:
        dataset: the data set, split by a protocol.
        rows: row indices.
        settings: of the model and its training: one GRU layer, one head, and a scale.
        seed: random seed.

    Raises:
        TrainingError: see `sequences.train.fit`.
    """
    return as_numpy(fit_next_item(sessions_of(dataset, rows), settings, seed))


def as_numpy(model) -> NextMovieModel:
    """The weights of a Keras `NextItem` with one GRU layer, one head and a scale."""
    (layer,) = model.encoder_layers
    vectors = np.array(model.embeddings)[1:]
    weights = [*layer.weights, model.attention.kernel, *model.projection.weights]
    return NextMovieModel(
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        *(np.array(weight) for weight in weights),
        model.scale,
    )


def train(
    data: Dataset,
    protocol: str = "test-rows",
    seed: int = SEED,
    root: Path = files.ROOT,
    epochs: int | None = None,
    replace: bool = False,
) -> dict:
    """Train the next-movie model of a protocol and save it.

    The one of the protocol `test-rows` is for serving and learns from all ratings. The others learn
    from the protocol's training and validation rows.

    Args:
        data: the data set.
        protocol: a key of `splits.PROTOCOLS`; also selects the folder.
        seed: random seed.
        root: the folder that contains `model/`.
        epochs: instead of the setting's.
        replace: whether a saved model of other data is replaced.

    Returns:
        The manifest entry.

    Raises:
        DataError, TrainingError, ArtifactError, OSError: see `split_by`, `fit`,
            `artifacts.check_same_data` and `artifacts.save_arrays`.
    """
    folder = artifacts.model_folder(data.name, root=root, protocol=protocol)
    if not replace:
        artifacts.check_same_data(folder, artifacts.NEXT_MOVIE, data)
    dataset = split_by(data, protocol)
    serving = protocol == "test-rows"
    rows = np.arange(len(data.ratings)) if serving else dataset.split.known
    settings = SETTINGS.get(data.name, MOVIE_SETTINGS)
    if epochs is not None:
        settings = dataclasses.replace(settings, epochs=epochs)
    model = fit(dataset, rows, settings, seed)
    entry = artifacts.description(data) | {
        "code": provenance.code_hash(__name__),
        "protocol": {"name": protocol, "description": dataset.protocol.description},
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "trained": datetime.date.today().isoformat(),
    }
    artifacts.save_arrays(folder, artifacts.NEXT_MOVIE, model, entry)
    return entry
