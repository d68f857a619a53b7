"""Train AutoInt+ with history, see `movierec.models.history`.

A rating must not be predicted from a history that contains it: the model would read it off. So in
every epoch each user's ratings are divided at random into `FOLDS` parts of equal size, and a rating
is predicted from the user's ratings in the other parts. Leaving out only that rating is not enough:
the model can learn the user's full sum from the user's other rows, and the difference gives the
rating away. A trained model reads all known ratings.
"""

import dataclasses
import datetime
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import keras
import numpy as np
import tensorflow as tf
from numba import njit

from autointmlp import AutoIntMLP
from movierec import files, provenance
from movierec.data.dataset import EncodedDataset, SplitDataset, split_by
from movierec.data.rows import targets_of
from movierec.data.schema import RATING
from movierec.data.tables import Dataset
from movierec.models import artifacts
from movierec.models.history import SUMS, USER_PRIOR, HistoryModel, movie_means
from movierec.models.numpy_model import NumpyModel
from movierec.training import loop, losses
from movierec.training.fitting import rows_to_fit
from movierec.training.named_settings import settings_for, sized
from movierec.training.settings import SEED, Settings

FOLDS = 5
EPOCHS = 7  # the best on validation rows, see `search --grid history`

log = logging.getLogger("movierec")
# of its own: Numba would not notice a change in another file
compiled = njit(nogil=True, cache=True, fastmath={"contract", "reassoc", "nsz"})


def settings_of(dataset: SplitDataset, **changes) -> Settings:
    """The tuned setting with `EPOCHS` epochs and without interacting layers, changed."""
    tuned = sized(settings_for("tuned", dataset.protocol.name), dataset.data)
    return dataclasses.replace(tuned, **{"num_layers": 0, "epochs": EPOCHS} | changes)


def fit(
    dataset: SplitDataset,
    settings: Settings,
    seed: int = SEED,
    on_epoch_end: Callable[[HistoryModel, EncodedDataset, int], None] | None = None,
) -> tuple[HistoryModel, EncodedDataset, list[dict]]:
    """Train the model on the rows that the protocol and the settings select, see `fitting.fitted`.

    Args:
        dataset: the data set, split by a protocol.
        settings: see `Settings`, without `patience`. `l2_embedding` is also the weight of the
            penalty on the vectors y, as if every rated movie's id were its own field.
        seed: random seed.
        on_epoch_end: called with the model, the encoded data and the epoch's number from 1.

    Returns:
        The model, the data encoded with the encoder fitted on the same rows, and one dict per
        epoch: epoch, loss and seconds.

    Raises:
        TrainingError: see `loop.one_epoch`.
    """
    keras.utils.set_random_seed(seed)
    events = _Events.of(dataset, rows_to_fit(dataset, settings))
    encoded = dataset.encoded(dataset.fit_encoder(events.rows))
    dims = (*encoded.encoder.field_dims, *[1] * SUMS)
    network = AutoIntMLP(dims, **settings.model_arguments("autointmlp", dataset.data.scale))
    start = keras.initializers.RandomNormal(stddev=0.01)
    shape = (len(dataset.data.movies), settings.embed_dim)
    vectors = keras.Variable(start(shape), name="history")
    variables = [*network.trainable_variables, vectors]
    optimizer = loop.optimizer_of(settings, variables)
    noise = keras.random.SeedGenerator(seed)
    step = _step_function(network, vectors, optimizer, events, encoded, settings, noise)
    history = []

    def current() -> HistoryModel:
        return HistoryModel(NumpyModel.of(network), vectors.numpy(), events.means)

    for epoch in range(1, settings.epochs + 1):
        begin = time.perf_counter()
        events.divide(np.random.default_rng([seed, epoch, FOLDS]))
        loss = loop.one_epoch(step, len(events.rows), settings, seed, epoch)
        seconds = round(time.perf_counter() - begin, 2)
        history.append({"epoch": epoch, "loss": loss, "seconds": seconds})
        log.info("epoch %d  loss %.4f  seconds %.0f", epoch, loss, seconds)
        if on_epoch_end is not None:
            with loop.averaged_weights(variables, optimizer):
                on_epoch_end(current(), encoded, epoch)
    optimizer.finalize_variable_values(variables)
    return current(), encoded, history


def train(
    data: Dataset,
    protocol: str = "test-rows",
    seed: int = SEED,
    root: Path = files.ROOT,
    **changes,
) -> dict:
    """Train AutoInt+ with history and save it next to the AutoInt+ of the same protocol.

    Args:
        data: the data set.
        protocol: a key of `splits.PROTOCOLS`; also selects the folder.
        seed: random seed.
        root: the folder that contains `model/`.
        **changes: fields of `Settings`.

    Returns:
        The manifest entry.

    Raises:
        DataError, TrainingError, ArtifactError, OSError: see `split_by`, `fit` and
            `artifacts.save_arrays`.
    """
    dataset = split_by(data, protocol)
    settings = settings_of(dataset, **changes)
    model, encoded, history = fit(dataset, settings, seed)
    entry = artifacts.description(data) | {
        "code": provenance.code_hash(__name__),
        "protocol": {"name": protocol, "description": dataset.protocol.description},
        "settings": dataclasses.asdict(settings),
        "seed": seed,
        "history": history,
        "trained": datetime.date.today().isoformat(),
    }
    folder = artifacts.model_folder(data.name, root=root, protocol=protocol)
    artifacts.save_arrays(folder, artifacts.HISTORY, model, entry, encoded.encoder)
    return entry


class _Events:
    """The ratings that are trained on, ordered by user, and how they are divided in an epoch."""

    def __init__(self, rows, users, movies, ratings, user_count, movie_count):
        self.rows, self.users, self.movies, self.ratings = rows, users, movies, ratings
        self.means = movie_means(movies, ratings, movie_count)
        self.deviations = ratings - self.means[movies]
        self.starts = np.searchsorted(users, np.arange(user_count + 1)).astype(np.int32)
        self.counts = np.bincount(movies, minlength=movie_count)
        self.folds = np.zeros(len(rows), np.int32)

    @classmethod
    def of(cls, dataset: SplitDataset, rows: np.ndarray) -> "_Events":
        data = dataset.data
        rows = np.sort(rows)
        rows = rows[np.argsort(data.rating_users[rows], kind="stable")]
        columns = (data.rating_users[rows].astype(np.int32), data.rating_movies[rows])
        ratings = data.ratings[RATING].to_numpy(np.float32)[rows]
        return cls(rows, *columns, ratings, len(data.users), len(data.movies))

    def divide(self, rng: np.random.Generator) -> None:
        """Divide each user's ratings into `FOLDS` parts whose sizes differ by at most one."""
        order = np.lexsort((rng.random(len(self.rows)), self.users))
        place = np.arange(len(order)) - self.starts[self.users[order]]
        first = rng.integers(0, FOLDS, len(self.starts) - 1)  # the part that gets one more
        self.folds[order] = (place + first[self.users[order]]) % FOLDS
        part = self.users * FOLDS + self.folds
        size = FOLDS * (len(self.starts) - 1)
        counts = np.bincount(part, minlength=size).reshape(-1, FOLDS)
        sums = np.bincount(part, weights=self.deviations, minlength=size).reshape(-1, FOLDS)
        others = counts.sum(axis=1, keepdims=True) - counts
        bias = (sums.sum(axis=1, keepdims=True) - sums) / (others + USER_PRIOR)
        self.bias = bias.astype(np.float32)
        self.scale = (1 / np.sqrt(np.maximum(others, 1))).astype(np.float32)

    def arrays(self, rows: np.ndarray) -> tuple:
        """The arguments of `add_sums` and `add_gradients` for positions of events."""
        users, folds = self.users[rows], self.folds[rows]
        own = users, folds, self.bias[users, folds], self.scale[users, folds]
        return *own, self.starts, self.movies, self.deviations, self.folds


def _step_function(network, vectors, optimizer, events, encoded, settings, noise):
    """A graph that trains on batches of event positions (steps, batch) and returns their losses."""
    ids = np.hstack([encoded.ids[events.rows], np.zeros((len(events.rows), SUMS), np.int32)])
    targets = tf.constant(targets_of(network.num_classes, events.ratings, encoded.data.scale))
    penalties = loop.embedding_penalties(network, ids, settings.l2_embedding)
    penalties[-SUMS:] = 0  # of the two vectors that are added to the sums
    penalties, ids = tf.constant(penalties), tf.constant(ids)
    of_vectors = settings.l2_embedding * np.sqrt(events.counts) / len(events.rows)
    of_vectors = tf.constant(of_vectors.astype(np.float32))
    variables, mean_loss = [*network.trainable_variables, vectors], losses.mean_loss(network)
    sums, fields = _sums_function(events), ids.shape[1] - SUMS

    def step(rows):
        batch, target = tf.gather(ids, rows), tf.gather(targets, rows)
        if settings.unknown_rate:
            batch = loop.with_unknown(batch, settings.unknown_rate, noise)
        with tf.GradientTape() as tape:
            found = network.embedding(batch)
            with_sums = found[:, fields:] + sums(tf.convert_to_tensor(vectors), rows)
            loss = mean_loss(tf.concat([found[:, :fields], with_sums], axis=1), target)
            loss += loop.mean_penalty(penalties, network.embedding.rows(batch), found)
            loss += tf.reduce_sum(of_vectors * tf.reduce_sum(tf.square(vectors), -1))
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return loop.over_batches(step)


def _sums_function(events: _Events):
    """The sums of batches (rows, 2, dim) from the vectors y, with their compiled gradient."""
    threads = joblib.cpu_count()
    pool = ThreadPoolExecutor(threads)

    def in_parts(function, rows: np.ndarray) -> list:
        return list(pool.map(function, np.array_split(np.arange(len(rows)), threads)))

    def forward(vectors, rows):
        result = np.empty((len(rows), SUMS, vectors.shape[1]), np.float32)

        def part(some):
            sums = result[some[0] : some[-1] + 1] if len(some) else result[:0]
            add_sums(vectors, *events.arrays(rows[some]), sums)

        in_parts(part, rows)
        return result

    def backward(upstream, vectors, rows):
        def part(some):
            gradient = np.zeros_like(vectors)
            add_gradients(upstream[some], *events.arrays(rows[some]), gradient)
            return gradient

        return sum(in_parts(part, rows))

    @tf.custom_gradient
    def sums(vectors, rows):
        result = tf.numpy_function(forward, [vectors, rows], tf.float32)
        result.set_shape((None, SUMS, vectors.shape[1]))

        def gradient(upstream):
            found = tf.numpy_function(backward, [upstream, vectors, rows], tf.float32)
            found.set_shape(vectors.shape)
            return found, None

        return result, gradient

    return sums


@compiled
def add_sums(vectors, users, folds, bias, scale, starts, movies, deviations, fold, sums):
    """Write the two sums of each row's user, without the ratings of the row's fold.

    Args:
        vectors: y, (movies, dim).
        users, folds, bias, scale: of each row: user, fold, b and 1 / √n, (rows,).
        starts: where each user's events begin, (users + 1,).
        movies, deviations, fold: of each event, (events,).
        sums: the result, (rows, 2, dim).
    """
    dim = vectors.shape[1]
    weighted, plain = np.empty(dim, np.float32), np.empty(dim, np.float32)
    for row in range(len(users)):
        weighted[:], plain[:] = 0, 0
        for event in range(starts[users[row]], starts[users[row] + 1]):
            if fold[event] != folds[row]:
                movie, weight = movies[event], deviations[event] - bias[row]
                for n in range(dim):
                    weighted[n] += weight * vectors[movie, n]
                    plain[n] += vectors[movie, n]
        for n in range(dim):
            sums[row, 0, n] = weighted[n] * scale[row]
            sums[row, 1, n] = plain[n] * scale[row]


@compiled
def add_gradients(upstream, users, folds, bias, scale, starts, movies, deviations, fold, gradient):
    """Add the gradient with respect to the vectors y, (movies, dim), to `gradient`.

    Args:
        upstream: gradient with respect to the sums, (rows, 2, dim).
        users, folds, bias, scale, starts, movies, deviations, fold: see `add_sums`.
        gradient: the result, (movies, dim).
    """
    dim = gradient.shape[1]
    weighted, plain = np.empty(dim, np.float32), np.empty(dim, np.float32)
    for row in range(len(users)):
        for n in range(dim):
            weighted[n] = upstream[row, 0, n] * scale[row]
            plain[n] = upstream[row, 1, n] * scale[row]
        for event in range(starts[users[row]], starts[users[row] + 1]):
            if fold[event] != folds[row]:
                movie, weight = movies[event], deviations[event] - bias[row]
                for n in range(dim):
                    gradient[movie, n] += weight * weighted[n] + plain[n]
