"""Train AutoInt+ with history, see `movierec.models.history`.

A rating must not be predicted from a history that contains it, because then the model reads the
label. So in every epoch each user's ratings are divided at random into `FOLDS` parts of equal size,
and a rating is predicted from the user's and the movie's ratings in the other parts. Leaving out
only that rating is not enough: the model can learn the user's full sum from the user's other rows,
and the difference of the two sums is the rating. A trained model reads all known ratings.
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

from autointmlp import AutoIntMLP
from movierec import files, provenance
from movierec.data.dataset import EncodedDataset, SplitDataset, split_by
from movierec.data.rows import targets_of
from movierec.data.schema import RATING
from movierec.data.tables import Dataset
from movierec.models import artifacts, history_sums
from movierec.models.history import (
    ADDED,
    MOVIE_PRIOR,
    SUMS,
    USER_PRIOR,
    HistoryModel,
    known_ratings,
    mean_ratings,
    sums_of,
)
from movierec.models.history_sums import FOLDS
from movierec.models.numpy_model import NumpyModel
from movierec.training import loop, losses
from movierec.training.fitting import rows_to_fit
from movierec.training.named_settings import settings_for, sized
from movierec.training.settings import SEED, Settings

WIDTH = 32  # of queries and keys
KEYS_START = 0.2  # standard deviation of the keys' initial numbers; the queries start at 0
ATTENTION_PENALTY = 0.05  # of queries, keys and their values, as a share of `l2_embedding`
# It gives six epochs for the protocol test-rows of ML-1M, chosen on validation rows: see
# docs/results.md#other-ratings-as-input
EPOCHS_LESS = 1  # than the tuned setting

log = logging.getLogger("movierec")


def settings_of(dataset: SplitDataset, **changes) -> Settings:
    """The tuned setting without interacting layers and with fewer epochs, with `changes` made."""
    tuned = sized(settings_for("tuned", dataset.protocol.name), dataset.data)
    own = {"num_layers": 0, "epochs": tuned.epochs - EPOCHS_LESS}
    return dataclasses.replace(tuned, **own | changes)


def fit(
    dataset: SplitDataset,
    settings: Settings,
    seed: int = SEED,
    on_epoch_end: Callable[[HistoryModel, EncodedDataset, int], None] | None = None,
    attention: bool = True,
) -> tuple[HistoryModel, EncodedDataset, list[dict]]:
    """Train the model on the rows that the protocol and the settings select, see `fitting.fitted`.

    Args:
        dataset: the data set, split by a protocol.
        settings: see `Settings`, without `patience`. `l2_embedding` is also the weight of the
            penalty on the vectors y, as if the ids that they belong to were fields of their own.
        seed: random seed.
        on_epoch_end: called with the model, the encoded data and the epoch's number from 1.
        attention: whether the queries are trained; otherwise they stay 0, and the sums with
            attention weigh all of a user's movies equally.

    Returns:
        The model, the data encoded with the encoder fitted on the same rows, and one dict per
        epoch: epoch, loss and seconds.

    Raises:
        TrainingError: see `loop.one_epoch`.
    """
    keras.utils.set_random_seed(seed)
    data = dataset.data
    events = _Events(data, rows_to_fit(dataset, settings))
    encoded = dataset.encoded(dataset.fit_encoder(events.rows))
    dims = (*encoded.encoder.field_dims, *[1] * ADDED)
    network = AutoIntMLP(dims, **settings.model_arguments("autointmlp", data.scale))
    start, movies = keras.initializers.RandomNormal(stddev=0.01), len(data.movies)
    vectors = [
        keras.Variable(start((len(side.means), settings.embed_dim)), name="history")
        for side in events.sides
    ]
    keys = keras.initializers.RandomNormal(stddev=KEYS_START)((movies, WIDTH))
    attended = [
        keras.Variable(np.zeros((movies, WIDTH), np.float32), trainable=attention, name="queries"),
        keras.Variable(keys, trainable=attention, name="keys"),
        keras.Variable(start((movies, settings.embed_dim)), name="values"),
    ]
    trainable = [variable for variable in attended if variable.trainable]
    variables = [*network.trainable_variables, *vectors, *trainable]
    optimizer = loop.optimizer_of(settings, variables)
    noise = keras.random.SeedGenerator(seed)
    step = _step_function(
        network, vectors, attended, variables, optimizer, events, encoded, settings, noise
    )
    movie_column = data.fields.movie_columns.start
    history = []

    def by_id(values: np.ndarray) -> np.ndarray:
        """Values of every id of the movie field, from those of every movie; 0 of other ids."""
        found = np.zeros((dims[movie_column], *values.shape[1:]), np.float32)
        found[encoded.movie_ids[:, 0]] = values
        return found

    def current() -> HistoryModel:
        of_users, of_movies = (variable.numpy() for variable in vectors)
        queries, keys, values = (variable.numpy() for variable in attended)
        return HistoryModel(
            NumpyModel.of(network),
            movie_column,
            by_id(events.movie_sums(of_users)),
            by_id(queries),
            keys,
            values,
            of_movies,
            events.of_users.means,
        )

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
    replace: bool = False,
    **changes,
) -> dict:
    """Train AutoInt+ with history and save it next to the AutoInt+ of the same protocol.

    Args:
        data: the data set.
        protocol: a key of `splits.PROTOCOLS`; also selects the folder.
        seed: random seed.
        root: the folder that contains `model/`.
        replace: whether a saved model of other data is replaced.
        **changes: fields of `Settings`.

    Returns:
        The manifest entry.

    Raises:
        DataError, TrainingError, ArtifactError, OSError: see `split_by`, `fit`,
            `artifacts.check_same_data` and `artifacts.save_arrays`.
    """
    folder = artifacts.model_folder(data.name, root=root, protocol=protocol)
    if not replace:
        artifacts.check_same_data(folder, artifacts.HISTORY, data)
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
    artifacts.save_arrays(folder, artifacts.HISTORY, model, entry, encoded.encoder)
    return entry


class _Side:
    """The ratings, grouped by user or by movie, and their division into folds.

    The owners are the users and the others the movies, or the other way round.

    Args:
        owners, others: positions of each rating's owner and other, shape (ratings,).
        ratings: float32, shape (ratings,).
        counts: number of owners and of others.
        priors: ratings that pull an owner's deviation and an other's mean.
    """

    def __init__(self, owners, others, ratings, counts, priors):
        self.owners, self.count, self.prior = owners, counts[0], priors[0]
        self.means = mean_ratings(others, ratings, counts[1], priors[1])
        self.ratings_of_others = np.bincount(others, minlength=counts[1])
        self.deviations = ratings - self.means[others]
        self.order = np.argsort(owners, kind="stable")
        self.starts = np.searchsorted(owners[self.order], np.arange(counts[0] + 1))
        self.arrays = self.starts, others[self.order], self.deviations[self.order]

    def divide(self, folds: np.ndarray) -> None:
        """Keep the folds, and each owner's b and 1 / √n with each fold left out."""
        size = FOLDS * self.count
        part = self.owners * FOLDS + folds
        counts = np.bincount(part, minlength=size).reshape(-1, FOLDS)
        total = np.bincount(part, weights=self.deviations, minlength=size).reshape(-1, FOLDS)
        others = counts.sum(axis=1, keepdims=True) - counts
        bias = (total.sum(axis=1, keepdims=True) - total) / (others + self.prior)
        scale = 1 / np.sqrt(np.maximum(others, 1))
        self.divided = folds[self.order], bias.astype(np.float32), scale.astype(np.float32)


class _Events:
    """The ratings that are trained on, ordered by user, and how they are divided in an epoch."""

    def __init__(self, data: Dataset, rows: np.ndarray):
        self.rows = np.sort(rows)
        self.rows = self.rows[np.argsort(data.rating_users[self.rows], kind="stable")]
        self.known = known_ratings(data, self.rows)
        self.ratings = data.ratings[RATING].to_numpy(np.float32)[self.rows]
        users = data.rating_users[self.rows].astype(np.int32)
        movies = data.rating_movies[self.rows].astype(np.int32)
        users_movies, priors = self.known.shape, (USER_PRIOR, MOVIE_PRIOR)
        self.of_users = _Side(users, movies, self.ratings, users_movies, priors)
        self.of_movies = _Side(movies, users, self.ratings, users_movies[::-1], priors[::-1])
        self.sides = self.of_movies, self.of_users  # in the order of the fields
        self.folds = np.zeros(len(rows), np.int32)

    def divide(self, rng: np.random.Generator) -> None:
        """Divide each user's ratings into `FOLDS` parts whose sizes differ by at most one."""
        users, starts = self.of_users.owners, self.of_users.starts
        order = np.lexsort((rng.random(len(users)), users))
        place = np.arange(len(order)) - starts[users[order]]
        first = rng.integers(0, FOLDS, len(starts) - 1)  # the part that gets one more
        self.folds[order] = (place + first[users[order]]) % FOLDS
        for side in self.sides:
            side.divide(self.folds)

    def movie_sums(self, vectors: np.ndarray) -> np.ndarray:
        """Each movie's sums over all its ratings, (movies, 2, dim), given the users' vectors."""
        return sums_of(self.known.T.tocsr(), vectors, self.of_movies.means, MOVIE_PRIOR)


def _step_function(
    network, vectors, attended, variables, optimizer, events, encoded, settings, noise
):
    """A graph that trains on batches of event positions (steps, batch) and returns their losses."""
    ids = np.hstack([encoded.ids[events.rows], np.zeros((len(events.rows), ADDED), np.int32)])
    targets = tf.constant(targets_of(network.num_classes, events.ratings, encoded.data.scale))
    penalties = loop.embedding_penalties(network, ids, settings.l2_embedding)
    penalties[-ADDED:] = 0  # of the vectors that are added to the sums
    penalties, ids = tf.constant(penalties), tf.constant(ids)
    per_row = settings.l2_embedding / len(events.rows)
    of_vectors = [
        tf.constant((per_row * np.sqrt(side.ratings_of_others)).astype(np.float32))
        for side in events.sides
    ]
    of_attended = ATTENTION_PENALTY * of_vectors[1]  # those of the movies
    functions, mean_loss = [_sums_function(s) for s in events.sides], losses.mean_loss(network)
    attention = _attention_function(events.of_users)
    owners = [tf.constant(side.owners) for side in events.sides]
    fields = ids.shape[1] - ADDED

    def step(rows):
        batch, target = tf.gather(ids, rows), tf.gather(targets, rows)
        folds = tf.numpy_function(lambda some: events.folds[some], [rows], tf.int32)
        if settings.unknown_rate:
            batch = loop.with_unknown(batch, settings.unknown_rate, noise)
        with tf.GradientTape() as tape:
            found = network.embedding(batch)
            loss = loop.mean_penalty(penalties, network.embedding.rows(batch), found)
            added = []
            for side, own in enumerate(owners):
                read = tf.convert_to_tensor(vectors[side])
                added.append(functions[side](read, tf.gather(own, rows), folds))
                loss += _penalty(of_vectors[side], vectors[side])
            movies, users = (tf.gather(own, rows) for own in owners)
            parts = [tf.convert_to_tensor(variable) for variable in attended]
            added.append(attention(*parts, movies, users, folds))
            loss += sum(_penalty(of_attended, part) for part in parts)
            with_sums = found[:, fields:] + tf.concat(added, axis=1)
            loss += mean_loss(tf.concat([found[:, :fields], with_sums], axis=1), target)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return loop.over_batches(step)


def _penalty(weights, vectors):
    """Σ weight · (length of the vector)², for vectors of the shape (weights, dim)."""
    return tf.reduce_sum(weights * tf.reduce_sum(tf.square(vectors), -1))


def _in_parts(side: _Side) -> Callable[[Callable, np.ndarray], list]:
    """A function that runs another one on slices of the owners, in parallel.

    The owners of each slice have about equally many ratings.
    """
    threads = joblib.cpu_count()
    pool = ThreadPoolExecutor(threads)

    def in_parts(function: Callable, owners: np.ndarray) -> list:
        ends = np.cumsum(side.starts[owners + 1] - side.starts[owners])
        cuts = np.searchsorted(ends, ends[-1] * np.arange(1, threads) / threads)
        cuts = [0, *cuts.tolist(), len(owners)]
        return list(pool.map(function, map(slice, cuts[:-1], cuts[1:])))

    return in_parts


def _sums_function(side: _Side):
    """A function from the vectors y, and owners and folds of rows, to sums (rows, 2, dim)."""
    in_parts = _in_parts(side)

    def forward(vectors, owners):
        result = np.empty((len(owners), FOLDS, SUMS, vectors.shape[1]), np.float32)

        def part(some):
            history_sums.add_sums(vectors, owners[some], *side.arrays, *side.divided, result[some])

        in_parts(part, owners)
        return result

    def backward(upstream, vectors, owners):
        def part(some):
            gradient = np.zeros_like(vectors)
            given = upstream[some], owners[some], *side.arrays, *side.divided
            history_sums.add_gradients(*given, gradient)
            return gradient

        return sum(in_parts(part, owners))

    @tf.custom_gradient
    def of_owners(vectors, owners):
        result = tf.numpy_function(forward, [vectors, owners], tf.float32)
        result.set_shape((None, FOLDS, SUMS, vectors.shape[1]))

        def gradient(upstream):
            found = tf.numpy_function(backward, [upstream, vectors, owners], tf.float32)
            found.set_shape(vectors.shape)
            return found, None

        return result, gradient

    def of_rows(vectors, owners, folds):
        owners, place = tf.unique(owners)
        return tf.gather_nd(of_owners(vectors, owners), tf.stack([place, folds], axis=1))

    return of_rows


def _attention_function(side: _Side):
    """A function from queries, keys and values to the sums with attention (rows, 2, dim).

    Its further arguments are each row's query, owner and fold.
    """
    in_parts = _in_parts(side)

    def ratings() -> tuple:
        folds, bias, _ = side.divided
        return *side.arrays, folds, bias

    def forward(queries, keys, values, *rows):
        sums = np.empty((len(rows[0]), SUMS, values.shape[1]), np.float32)

        def part(some):
            given = (column[some] for column in rows)
            history_sums.attend(queries, keys, values, *given, *ratings(), sums[some])

        in_parts(part, rows[1])
        return sums

    def backward(upstream, *given):
        learnt, rows = given[:3], given[3:]

        def part(some):
            gradients = [np.zeros_like(array) for array in learnt]
            columns = (column[some] for column in rows)
            history_sums.add_attention_gradients(
                upstream[some], *learnt, *columns, *ratings(), *gradients
            )
            return gradients

        return [sum(gradients) for gradients in zip(*in_parts(part, rows[1]), strict=True)]

    @tf.custom_gradient
    def of_rows(queries, keys, values, asked, owners, folds):
        given = queries, keys, values, asked, owners, folds
        sums = tf.numpy_function(forward, given, tf.float32)
        sums.set_shape((None, SUMS, values.shape[1]))

        def gradient(upstream):
            found = tf.numpy_function(backward, [upstream, *given], [tf.float32] * 3)
            for array, like in zip(found, given[:3], strict=True):
                array.set_shape(like.shape)
            return *found, None, None, None

        return sums, gradient

    return of_rows
