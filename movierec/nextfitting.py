"""Train a `NextItem` model on sessions: settings in, a fitted model out."""

import dataclasses
import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from movierec.fitting import averaged
from movierec.nextitem import NextItem
from movierec.prefixes import PADDING, Encoded, Prefixes, Scorer, batches
from movierec.settings import TrainingError


@dataclass(frozen=True)
class NextSettings:
    """How to build and train.

    Args:
        encoder, dim, num_layers, num_heads, length, dropout, scale: see `NextItem`.
        learning_rate: Adam's.
        batch_size: windows a step.
        epochs: times through all windows.
        averaging: share of the old value in the running average of the weights, which the model
            ends with; 0 for none.
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
    averaging: float = 0.99

    def build(self, items: int) -> NextItem:
        """The model that these settings describe."""
        names = ("encoder", "dim", "num_layers", "num_heads", "length", "dropout", "scale")
        return NextItem(items, **{name: getattr(self, name) for name in names})


# Chosen on validation events; see notebooks/recommender_system/.
FILMS = NextSettings(dim=128, length=200, dropout=0.3, batch_size=32, epochs=10)
SETTINGS = {
    "yoochoose1_64": NextSettings(),
    "yoochoose": NextSettings(),
    "completejourney": NextSettings(epochs=3),
    "ml-1m": FILMS,
    "ml-100k": dataclasses.replace(FILMS, batch_size=16),
}


def fit(sessions: Encoded, settings: NextSettings, seed: int = 42, after=None) -> NextItem:
    """Train by the cross-entropy over all items, of every event of every window.

    Args:
        sessions: to train on.
        settings: see `NextSettings`.
        seed: of initial weights, order and dropout.
        after: called with (epoch, model) when an epoch has ended and the model holds the averaged
            weights.

    Returns:
        The model with the last epoch's weights.

    Raises:
        TrainingError: no session with two known items, or a loss that is not finite.
    """
    keras.utils.set_random_seed(seed)
    model = settings.build(sessions.items)
    weights = model.trainable_variables
    optimizer = keras.optimizers.Adam(
        settings.learning_rate,
        use_ema=settings.averaging > 0,
        ema_momentum=settings.averaging,
    )
    optimizer.build(weights)

    @tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])
    def step(window):
        targets = window[:, 1:]
        asked = tf.not_equal(targets, PADDING)
        with tf.GradientTape() as tape:
            states = tf.boolean_mask(model(window[:, :-1], training=True), asked)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.boolean_mask(targets, asked), model.scores(states)
            )
            loss = tf.reduce_mean(losses)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    for epoch in range(1, settings.epochs + 1):
        start, losses = time.perf_counter(), []
        for window in batches(sessions, settings.length, settings.batch_size, (seed, epoch)):
            losses.append(step(window))
        if not losses:
            raise TrainingError("expected sessions of two known items or more. Received: none")
        loss = float(tf.reduce_mean(losses))
        if not np.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in epoch {epoch}: lower learning_rate "
                f"(now {settings.learning_rate:g})"
            )
        seconds = time.perf_counter() - start
        print(f"epoch {epoch}  loss {loss:.4f}  seconds {seconds:.0f}", flush=True)
        if after:
            with averaged(model, optimizer):
                after(epoch, model)
    if settings.averaging:
        optimizer.finalize_variable_values(weights)
    return model


def scorer(model: NextItem) -> Scorer:
    """The model's scores for `prefixes.ranks`."""

    @tf.function(
        input_signature=[
            tf.TensorSpec((None, None), tf.int32),
            tf.TensorSpec((None,), tf.int32),
        ]
    )
    def scores(ids, counts):
        states = model(ids, training=False)
        return model.scores(tf.gather(states, tf.maximum(counts, 1) - 1, batch_dims=1))

    def of(block: Prefixes) -> np.ndarray:
        ids = block.ids[:, : max(1, block.counts.max(initial=0))]
        return scores(ids, block.counts.astype(np.int32)).numpy()

    return of
