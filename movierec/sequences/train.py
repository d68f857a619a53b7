"""Settings of the `NextItem` model, its training and its scorer."""

import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from movierec.models import next_movie
from movierec.sequences.next_item import NextItem
from movierec.sequences.prefixes import PADDING, EncodedSessions, Prefixes, Scorer, batches
from movierec.training.loop import averaged_weights, optimizer_of
from movierec.training.settings import TrainingError

log = logging.getLogger("movierec")


@dataclass(frozen=True)
class NextItemSettings:
    """Hyperparameters of a `NextItem` model and its training.

    Args:
        encoder, dim, num_layers, num_heads, length, dropout, scale: see `NextItem`; `length` is
            also the maximum number of targets in a training window.
        learning_rate: of Adam.
        batch_size: windows per step.
        epochs: passes over all windows.
        ema_momentum: momentum of the exponential moving average (EMA) of the weights, which become
            the trained model's; 0 keeps the weights of the last step.
    """

    encoder: str = "gru"
    dim: int = 100
    num_layers: int = 1
    num_heads: int = 1
    length: int = 20
    dropout: float = 0.25
    scale: float | None = 16.0
    learning_rate: float = 2e-3
    batch_size: int = 256
    epochs: int = 7
    ema_momentum: float = 0.99

    def __post_init__(self):
        if self.epochs < 1:
            raise TrainingError(f"epochs is {self.epochs}, expected a whole number of at least 1")

    def build(self, items: int) -> NextItem:
        """A new model with random weights for `items` items."""
        names = ("encoder", "dim", "num_layers", "num_heads", "length", "dropout", "scale")
        return NextItem(items, **{name: getattr(self, name) for name in names})


# Tuned on validation events, see notebooks/recommender_system/.
MOVIE_SETTINGS = NextItemSettings(
    dim=128, length=next_movie.LENGTH, dropout=0.3, batch_size=32, epochs=10
)
SETTINGS = {
    "yoochoose1_64": NextItemSettings(),
    "yoochoose": NextItemSettings(),
    "completejourney": NextItemSettings(epochs=3),
    "ml-1m": dataclasses.replace(MOVIE_SETTINGS, epochs=28),
    "ml-100k": dataclasses.replace(MOVIE_SETTINGS, batch_size=16),
}


def fit(
    sessions: EncodedSessions,
    settings: NextItemSettings,
    seed: int = 42,
    on_epoch_end: Callable[[NextItem], None] | None = None,
) -> NextItem:
    """Train a `NextItem` model with Adam and the cross-entropy over all items.

    Every known event but the first of its session is a target once per epoch. `on_epoch_end` is
    called with the model after every epoch, while the model has the averaged weights. The returned
    model has those of the last epoch.

    Raises:
        TrainingError: no session has two known items, or the loss is not finite.
    """
    keras.utils.set_random_seed(seed)
    model = settings.build(sessions.items)
    weights = model.trainable_variables
    optimizer = optimizer_of(settings, weights)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def step(window):
        targets = window[:, 1:]
        has_target = tf.not_equal(targets, PADDING)
        with tf.GradientTape() as tape:
            states = tf.boolean_mask(model(window[:, :-1], training=True), has_target)
            labels, logits = tf.boolean_mask(targets, has_target), model.scores(states)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    for epoch in range(1, settings.epochs + 1):
        start, losses = time.perf_counter(), []
        for window in batches(sessions, settings.length, settings.batch_size, (seed, epoch)):
            losses.append(step(window))
        if not losses:
            raise TrainingError("expected at least one session with two known items. Received: 0")
        loss = float(tf.reduce_mean(losses))
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in epoch {epoch}: lower learning_rate "
                f"(now {settings.learning_rate:g})"
            )
        log.info("epoch %d  loss %.4f  seconds %.0f", epoch, loss, time.perf_counter() - start)
        if on_epoch_end:
            with averaged_weights(weights, optimizer):
                on_epoch_end(model)
    if settings.ema_momentum:
        optimizer.finalize_variable_values(weights)
    return model


def scorer(model: NextItem) -> Scorer:
    """The model's scores as a scorer for `prefixes.ranks`."""

    signature = [tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None,), tf.int32)]

    @tf.function(input_signature=signature)
    def last_scores(ids, counts):
        states = model(ids, training=False)
        return model.scores(tf.gather(states, tf.maximum(counts, 1) - 1, batch_dims=1))

    def scores(prefixes: Prefixes) -> np.ndarray:
        ids = prefixes.ids[:, : max(1, prefixes.counts.max(initial=0))]
        return last_scores(ids, prefixes.counts.astype(np.int32)).numpy()

    return scores
