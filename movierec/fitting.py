"""The training loop: encoded rows in, a fitted model out, resumable after every epoch."""

import json
import logging
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from sklearn.metrics import log_loss, roc_auc_score
from tqdm import tqdm

from autoint import AutoInt
from movierec import files
from movierec.encoding import UNKNOWN
from movierec.models import MODELS, check_ids, predictor

STEPS_PER_CALL = 32

log = logging.getLogger("movierec")


class TrainingError(ValueError):
    """Training that cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides a training run, apart from data and seed.

    Args:
        embed_dim, num_layers, num_heads, head_dim, l2_embedding, init_std: of the model.
        mlp_units, dropout: of AutoInt+'s MLP; AutoInt has none and ignores them.
        learning_rate: Adam's.
        batch_size: rows a step.
        epochs: at most so many passes over the training rows.
        patience: stop after so many epochs without a lower validation LogLoss, and go back to
            the best epoch; None runs all epochs and keeps the last.
        unknown_rate: share of ids replaced by the unknown id in training, so that it means
            something at serving time.
    """

    embed_dim: int = 16
    num_layers: int = 3
    num_heads: int = 2
    head_dim: int = 16
    l2_embedding: float = 0.0
    init_std: float | None = None
    mlp_units: tuple[int, ...] = (32, 32)
    dropout: float = 0.4
    learning_rate: float = 1e-3
    batch_size: int = 2048
    epochs: int = 30
    patience: int | None = 3
    unknown_rate: float = 0.0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= 1) and (name, value) != ("patience", None):
                raise TrainingError(f"{name} is {value!r}, expected a whole number of 1 or more")
        if not self.learning_rate > 0:
            raise TrainingError(f"learning_rate is {self.learning_rate}, expected more than 0")
        if not 0 <= self.unknown_rate < 1:
            raise TrainingError(f"unknown_rate is {self.unknown_rate}, expected 0 up to below 1")

    def build(self, name: str, field_dims: tuple[int, ...]) -> AutoInt:
        """A new model of that name (a key of `MODELS`), with fresh weights."""
        arguments = {
            "embed_dim": self.embed_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "head_dim": self.head_dim,
            "l2_embedding": self.l2_embedding,
            "init_std": self.init_std,
        }
        if name == "autointmlp":
            arguments |= {"mlp_units": self.mlp_units, "dropout": self.dropout}
        return MODELS[name](field_dims, **arguments)


@dataclass(frozen=True)
class Rows:
    """Encoded rows.

    Args:
        ids: int32, shape (rows, fields).
        labels: 0 or 1, float32, shape (rows,).
    """

    ids: np.ndarray
    labels: np.ndarray


def fit(
    model: AutoInt,
    train: Rows,
    valid: Rows,
    settings: Settings,
    seed: int = 42,
    resume: Path | None = None,
    identity: str = "",
) -> list[dict]:
    """Train `model` in place with binary cross-entropy and Adam.

    Every epoch draws its order from `(seed, epoch)`; after it, validation rows are scored. With
    `settings.patience` the model ends with the weights of the epoch that had the lowest
    validation LogLoss.

    Args:
        model: freshly built.
        train: rows to fit on.
        valid: rows to stop by.
        settings: see `Settings`.
        seed: of the order of the rows.
        resume: file that keeps the state after every epoch. When it is there already and was
            written by a run of the same `identity`, training goes on from it. The caller removes
            it when the result is safe.
        identity: text that tells this run from others (data, settings, versions).

    Returns:
        One dict an epoch: epoch, loss, valid_logloss, valid_auc, seconds.

    Raises:
        TrainingError: no rows, or a loss that is not finite, naming the epoch and batch.
    """
    if not len(train.labels) or not len(valid.labels):
        raise TrainingError(
            f"expected rows to train and to validate on. Received: {len(train.labels)} and "
            f"{len(valid.labels)}"
        )
    for rows in (train, valid):
        check_ids(rows.ids, model.embedding.field_dims)
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(model.trainable_variables)
    noise = keras.random.SeedGenerator(seed)
    state = _State(model, [*optimizer.variables, noise.state], resume, identity)
    run = _step_function(model, optimizer, train, settings.unknown_rate, noise)
    predict = predictor(model)
    while not _finished(state.history, settings):
        epoch = len(state.history) + 1
        start = time.perf_counter()
        loss = _one_epoch(run, len(train.labels), settings, seed, epoch)
        scores = predict(valid.ids)
        row = {
            "epoch": epoch,
            "loss": loss,
            "valid_logloss": float(log_loss(valid.labels, scores)),
            "valid_auc": float(roc_auc_score(valid.labels, scores)),
            "seconds": round(time.perf_counter() - start, 2),
        }
        state.add(row)
        print("  ".join(f"{key} {value:.5g}" for key, value in row.items()), flush=True)
    if settings.patience is not None:
        state.restore_best()
    return state.history


def _finished(history: list[dict], settings: Settings) -> bool:
    if len(history) >= settings.epochs:
        return True
    if settings.patience is None or not history:
        return False
    return len(history) - 1 - _best(history) >= settings.patience


def _best(history: list[dict]) -> int:
    return int(np.argmin([row["valid_logloss"] for row in history]))


def _step_function(model: AutoInt, optimizer, train: Rows, unknown_rate: float, noise):
    """A graph that takes row numbers (steps, batch), trains on them and returns every loss."""
    ids, labels = tf.constant(train.ids), tf.constant(train.labels)
    variables = model.trainable_variables

    def step(rows):
        batch = tf.gather(ids, rows)
        if unknown_rate:
            kept = keras.random.uniform(tf.shape(batch), seed=noise) >= unknown_rate
            batch = tf.where(kept, batch, UNKNOWN)
        with tf.GradientTape() as tape:
            logits = model.logits(batch, training=True)[:, 0]
            target = tf.gather(labels, rows)
            entropy = tf.nn.sigmoid_cross_entropy_with_logits(target, logits)
            loss = tf.reduce_mean(entropy) + sum(model.losses)
        optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    # map_fn rather than a Python loop: AutoGraph does not convert loops on every Python version
    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)], autograph=False)
    def run(batches):
        return tf.map_fn(step, batches, fn_output_signature=tf.float32)

    return run


def _one_epoch(run, rows: int, settings: Settings, seed: int, epoch: int) -> float:
    """Train on all rows once, in an order drawn from (seed, epoch); the mean loss."""
    order = np.random.default_rng([seed, epoch]).permutation(rows).astype(np.int32)
    size = settings.batch_size
    whole = order[: rows // size * size].reshape(-1, size)
    calls = [
        whole[start : start + STEPS_PER_CALL] for start in range(0, len(whole), STEPS_PER_CALL)
    ]
    if rows % size:
        calls.append(order[None, len(whole) * size :])
    losses = np.empty(0, np.float32)
    for batches in tqdm(calls, desc=f"epoch {epoch}", unit="call", leave=False, disable=None):
        losses = np.append(losses, run(batches).numpy())
        if not np.isfinite(losses[-1]):
            batch = int(np.argmin(np.isfinite(losses))) + 1
            raise TrainingError(
                f"the loss became {losses[batch - 1]} in epoch {epoch}, batch {batch} of "
                f"{-(-rows // size)}. Nothing was saved from this epoch; lower the learning rate "
                f"({settings.learning_rate}) and start again"
            )
    return float(losses.mean())


class _State:
    """What a killed run needs to go on as if nothing had happened: variables, history, best."""

    def __init__(self, model: AutoInt, others: list, path: Path | None, identity: str):
        self.variables = [*model.variables, *others]
        self.model, self.path, self.identity = model, path, identity
        self.history: list[dict] = []
        self.best = [variable.numpy() for variable in model.variables]
        if path is not None and path.exists():
            self._read()

    def _read(self) -> None:
        try:
            with self.path.open("rb") as file, np.load(file) as saved:
                header = json.loads(str(saved["header"]))
                current = [saved[f"current_{n}"] for n in range(len(self.variables))]
                best = [saved[f"best_{n}"] for n in range(len(self.best))]
                identity, history = header["identity"], header["history"]
        except (OSError, EOFError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
            log.warning("%s cannot be read (%s): training starts anew", self.path, error)
            return
        if identity != self.identity:
            log.warning("%s belongs to another run: training starts anew", self.path)
            return
        self.history, self.best = history, best
        for variable, value in zip(self.variables, current, strict=True):
            variable.assign(value)
        print(f"resuming after epoch {len(self.history)}")

    def add(self, row: dict) -> None:
        """Note a finished epoch and keep everything on disk."""
        self.history.append(row)
        if _best(self.history) == len(self.history) - 1:
            self.best = [variable.numpy() for variable in self.model.variables]
        if self.path is None:
            return
        header = json.dumps({"identity": self.identity, "history": self.history})
        arrays = {f"current_{n}": v.numpy() for n, v in enumerate(self.variables)}
        arrays |= {f"best_{n}": value for n, value in enumerate(self.best)}
        with files.replacing(self.path) as (part,), part.open("wb") as file:
            np.savez(file, header=header, **arrays)

    def restore_best(self) -> None:
        """Give the model the variables of its best epoch."""
        for variable, value in zip(self.model.variables, self.best, strict=True):
            variable.assign(value)
