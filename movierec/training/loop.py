"""The training loop: fits a model to encoded rows and can resume after every epoch."""

import contextlib
import json
import logging
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from autoint import AutoInt
from movierec import files
from movierec.data.rows import UNKNOWN, Rows, check_ids, targets_of
from movierec.models.scorer import predictor
from movierec.training import losses
from movierec.training.settings import SEED, Settings, TrainingError

STEPS_PER_CALL = 32

log = logging.getLogger("movierec")


def fit(
    model: AutoInt,
    train: Rows,
    valid: Rows | None,
    settings: Settings,
    seed: int = SEED,
    resume: Path | None = None,
    identity: str = "",
) -> list[dict]:
    """Train `model` in place with Adam on the cross-entropy of its label or classes.

    The order of the rows in an epoch depends on `(seed, epoch)`. After every epoch the validation
    rows are scored. With `settings.patience` the model ends with the weights of the epoch with
    the lowest validation LogLoss, otherwise with those of the last epoch.

    Args:
        model: a newly built model.
        train: rows to fit on.
        valid: rows for early stopping; None if nothing is left to choose.
        settings: see `Settings`.
        seed: random seed of the order of the rows.
        resume: file that stores the state after every epoch. If it exists and was written by a
            run with the same `identity`, training continues from it. The caller deletes it when
            the result is saved.
        identity: text that distinguishes this run from others (data, settings, versions).

    Returns:
        One dict per epoch: epoch, loss, seconds, and with validation rows valid_logloss and
        valid_auc.

    Raises:
        TrainingError: no rows, no ratings for a model with several classes, or a loss that is not
            finite; the message names the epoch and batch.
        ValueError: ids that do not fit the model.
    """
    for rows, purpose in ((train, "train"), (valid, "validate")):
        if rows is not None and not len(rows.labels):
            raise TrainingError(f"expected rows to {purpose} on. Received: 0")
        if rows is not None:
            check_ids(rows.ids, model.embedding.field_dims)
    if valid is None and settings.patience is not None:
        raise TrainingError("patience needs validation rows. Received: none")
    if settings.unrated_per_row and train.movies is None:
        raise TrainingError("drawing unrated movies needs `movies`. Received: none")
    optimizer = optimizer_of(settings, model.trainable_variables)
    noise = keras.random.SeedGenerator(seed)
    state = _State(model, [*optimizer.variables, noise.state], resume, identity)
    train_batches = step_function(model, optimizer, train, settings, noise)
    while not _finished(state.history, settings):
        epoch = len(state.history) + 1
        start = time.perf_counter()
        loss = one_epoch(train_batches, len(train.labels), settings, seed, epoch)
        row = {"epoch": epoch, "loss": loss}
        with averaged_weights(model.trainable_variables, optimizer):
            if valid is not None:
                row |= validation_metrics(valid.labels, predictor(model)(valid.ids))
            if settings.patience is None or best_epoch([*state.history, row]) == epoch:
                state.keep()
        row["seconds"] = round(time.perf_counter() - start, 2)
        state.add(row)
        log.info("  ".join(f"{key} {value:.5g}" for key, value in row.items()))
    state.restore_kept()
    return state.history


def validation_metrics(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """LogLoss and AUC of validation rows, under their names in the history."""
    from sklearn.metrics import log_loss, roc_auc_score  # not needed without validation rows

    return {
        "valid_logloss": float(log_loss(labels, scores)),
        "valid_auc": float(roc_auc_score(labels, scores)),
    }


def optimizer_of(settings: Settings, variables: list) -> keras.optimizers.Adam:
    """Adam with the settings' learning rate and moving average, built for the variables."""
    optimizer = keras.optimizers.Adam(
        settings.learning_rate,
        use_ema=settings.ema_momentum > 0,
        ema_momentum=settings.ema_momentum,
    )
    optimizer.build(variables)
    return optimizer


@contextlib.contextmanager
def averaged_weights(variables: list, optimizer: keras.Optimizer) -> Iterator[None]:
    """Give the variables their averaged values, if the optimizer keeps any, inside the block."""
    if not optimizer.use_ema:
        yield
        return
    current = [variable.numpy() for variable in variables]
    optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, current, strict=True):
            variable.assign(value)


def _finished(history: list[dict], settings: Settings) -> bool:
    if len(history) >= settings.epochs:
        return True
    if settings.patience is None or not history:
        return False
    return len(history) - best_epoch(history) >= settings.patience


def best_epoch(history: list[dict]) -> int:
    """The epoch, counted from 1, with the lowest validation LogLoss."""
    return 1 + int(np.argmin([row["valid_logloss"] for row in history]))


def step_function(model: AutoInt, optimizer, train: Rows, settings: Settings, noise):
    """A graph that trains on batches of row indices (steps, batch) and returns their losses."""
    ids, targets = tf.constant(train.ids), tf.constant(_targets(model, train))
    if settings.l2_embedding:
        penalties = tf.constant(embedding_penalties(model, train.ids, settings.l2_embedding))
    if settings.unrated_per_row:
        with_unrated = unrated_sampler(train, settings.unrated_per_row, noise)
    variables, mean_loss = model.trainable_variables, losses.mean_loss(model)

    def step(rows):
        batch, target = tf.gather(ids, rows), tf.gather(targets, rows)
        if settings.unrated_per_row:
            batch, target = with_unrated(batch, target)
        if settings.unknown_rate:
            batch = with_unknown(batch, settings.unknown_rate, noise)
        with tf.GradientTape() as tape:
            vectors = model.embedding(batch)
            loss = mean_loss(vectors, target)
            if settings.l2_embedding:
                loss += mean_penalty(penalties, model.embedding.rows(batch), vectors)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    return over_batches(step)


def with_unknown(batch: tf.Tensor, rate: float, noise) -> tf.Tensor:
    """The batch with a random share `rate` of its ids replaced by the unknown one."""
    kept = keras.random.uniform(tf.shape(batch), seed=noise) >= rate
    return tf.where(kept, batch, UNKNOWN)


def mean_penalty(penalties: tf.Tensor, rows: tf.Tensor, vectors: tf.Tensor) -> tf.Tensor:
    """The mean penalty of a batch's rows; a row's is Σ penalty · (length of the vector)².

    Args:
        penalties: see `embedding_penalties`.
        rows: rows of the embedding table, shape (batch, fields).
        vectors: those rows, shape (batch, fields, embed_dim).
    """
    weights = tf.gather(penalties, rows)
    return tf.reduce_mean(tf.reduce_sum(weights * tf.reduce_sum(tf.square(vectors), -1), -1))


def over_batches(step):
    """A graph that calls `step` on each of the batches (steps, batch) and returns their losses."""

    # map_fn instead of a Python loop: AutoGraph does not convert loops on every Python version
    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)], autograph=False)
    def train_batches(batches):
        return tf.map_fn(step, batches, fn_output_signature=tf.float32)

    return train_batches


def _targets(model: AutoInt, train: Rows) -> np.ndarray:
    if model.num_classes == 1:
        return train.labels
    if train.ratings is None:
        raise TrainingError("the model needs ratings, one per row. Received: none")
    return targets_of(model.num_classes, train.ratings, train.scale)


def embedding_penalties(model: AutoInt, ids: np.ndarray, l2: float) -> np.ndarray:
    """`l2 / √n` for every row of the embedding table, float32; n counts the id's rows."""
    dims = model.embedding.field_dims
    counts = [np.bincount(column, minlength=size) for column, size in zip(ids.T, dims, strict=True)]
    return (l2 / np.sqrt(np.maximum(np.concatenate(counts), 1))).astype(np.float32)


def unrated_sampler(train: Rows, count: int, noise):
    """A function that adds `count` rows with an unrated movie and the target 0 for each row.

    Every movie that the row's user has not rated in the training rows is equally likely. Let m_0 <
    m_1 < ... be the positions of the user's rated movies: before m_i there are m_i - i unrated
    ones. The unrated movie number r, from 0, is therefore at position r + c, where c counts the i
    with m_i - i ≤ r. A binary search finds c, so no draw is ever repeated.

    Args:
        train: the training rows. The user is the first field, the movie the first movie field.
        count: number of rows to add per row.
        noise: the random seed generator.

    Returns:
        Function from a batch (rows, fields) and its targets (rows,) to both with
        (1 + count) · rows rows: first the batch, then the added rows.

    Raises:
        TrainingError: a user has rated every movie.
    """
    movies, columns = train.movies, train.movie_columns
    size = len(movies)
    position = np.zeros(int(movies[:, 0].max()) + 1, np.int64)  # of each movie id
    position[movies[:, 0]] = np.arange(size)
    users = train.ids[:, 0].astype(np.int64)
    pairs = np.unique(users * size + position[train.ids[:, columns.start]])
    rated = np.bincount(pairs // size)
    starts = np.cumsum(rated) - rated
    if rated.max() >= size:
        raise TrainingError(f"a user has rated all {size} movies: no unrated one can be drawn")
    keys = tf.constant(pairs - (np.arange(len(pairs)) - starts[pairs // size]))
    starts, unrated = tf.constant(starts), tf.constant(size - rated, tf.float64)

    def with_unrated(batch, target):
        drawn = tf.repeat(batch, count, axis=0)
        user = drawn[:, 0]
        left = tf.gather(unrated, user)
        share = keras.random.uniform((tf.shape(drawn)[0],), dtype="float32", seed=noise)
        number = tf.cast(tf.minimum(tf.cast(share, tf.float64) * left, left - 1), tf.int64)
        wanted = tf.cast(user, tf.int64) * size + number
        before = tf.searchsorted(keys, wanted, "right", tf.int64) - tf.gather(starts, user)
        others = tf.gather(movies, number + before)
        parts = [drawn[:, : columns.start], others, drawn[:, columns.stop :]]
        zeros = tf.zeros(tf.shape(drawn)[0], target.dtype)
        rows = tf.concat([batch, tf.concat(parts, axis=1)], axis=0)
        return rows, tf.concat([target, zeros], axis=0)

    return with_unrated


def one_epoch(train_batches, rows: int, settings: Settings, seed: int, epoch: int) -> float:
    """Train on all rows once, in an order drawn from (seed, epoch).

    Returns:
        The mean loss per row.
    """
    order = np.random.default_rng([seed, epoch]).permutation(rows).astype(np.int32)
    size = settings.batch_size
    whole = order[: rows // size * size].reshape(-1, size)
    calls = [
        whole[start : start + STEPS_PER_CALL] for start in range(0, len(whole), STEPS_PER_CALL)
    ]
    if rows % size:
        calls.append(order[None, len(whole) * size :])
    sizes = [size] * len(whole) + [rows % size] * (rows % size > 0)
    means = np.empty(0, np.float32)
    for batches in tqdm(calls, desc=f"epoch {epoch}", unit="call", leave=False, disable=None):
        means = np.append(means, train_batches(batches).numpy())
        if not np.isfinite(means[-1]):
            batch = int(np.argmin(np.isfinite(means))) + 1
            raise TrainingError(
                f"the loss became {means[batch - 1]} in epoch {epoch}, batch {batch} of "
                f"{-(-rows // size)}. Nothing of this epoch was saved; lower the learning rate "
                f"({settings.learning_rate}) and start again"
            )
    return float(np.average(means, weights=sizes))


# what NumPy and zipfile raise for a damaged file
UNREADABLE = (OSError, EOFError, ValueError, LookupError, TypeError, MemoryError, RuntimeError)
UNREADABLE += (zlib.error, zipfile.BadZipFile)


class _State:
    """The state from which an interrupted run continues: variables, history and kept weights."""

    def __init__(self, model: AutoInt, others: list, path: Path | None, identity: str):
        self.variables = [*model.variables, *others]
        self.model, self.path, self.identity = model, path, identity
        self.history: list[dict] = []
        self.keep()
        if path is not None and path.exists():
            self._read()

    def _read(self) -> None:
        try:
            with self.path.open("rb") as file, np.load(file) as saved:
                header = json.loads(str(saved["header"]))
                current = [saved[f"current_{n}"] for n in range(len(self.variables))]
                kept = [saved[f"kept_{n}"] for n in range(len(self.kept))]
                identity, history = header["identity"], header["history"]
        except UNREADABLE as error:
            log.warning("%s cannot be read (%s): training starts from scratch", self.path, error)
            return
        if identity != self.identity:
            log.warning("%s belongs to another run: training starts from scratch", self.path)
            return
        self.history, self.kept = history, kept
        for variable, value in zip(self.variables, current, strict=True):
            variable.assign(value)
        log.info("resuming after epoch %d", len(self.history))

    def keep(self) -> None:
        """Keep a copy of the current weights, to be restored at the end."""
        self.kept = [variable.numpy() for variable in self.model.variables]

    def add(self, row: dict) -> None:
        """Add a finished epoch to the history and write the state to disk."""
        self.history.append(row)
        if self.path is None:
            return
        header = json.dumps({"identity": self.identity, "history": self.history})
        arrays = {f"current_{n}": v.numpy() for n, v in enumerate(self.variables)}
        arrays |= {f"kept_{n}": value for n, value in enumerate(self.kept)}
        with files.replacing(self.path) as (part,), part.open("wb") as file:
            np.savez(file, header=header, **arrays)

    def restore_kept(self) -> None:
        """Give the model the weights that were kept."""
        for variable, value in zip(self.model.variables, self.kept, strict=True):
            variable.assign(value)
