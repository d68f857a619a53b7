"""GRU4Rec with session-parallel mini-batches (Hidasi et al. 2016), as in the original notebook.

Sessions are distributed over parallel lanes, one lane per row of the batch. Each training step
reads one event from every lane. The GRU state is carried from step to step and reset to zero where
a new session begins; gradients are not propagated back through time.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from autoint import whole_numbers
from movierec.sequences.prefixes import PADDING, EncodedSessions, Scorer


@keras.saving.register_keras_serializable(package="movierec")
class SessionGRU(keras.Model):
    """One GRU layer and a dense layer that scores all items.

    The original feeds one-hot vectors to the GRU. Multiplying a one-hot vector by the GRU's kernel
    selects one of its rows, so here the row is looked up directly, with the same result.

    With `x` the row of the item, `h` the state and `U` the recurrent kernel (three parts each):
    `z = σ(x_z + h U_z)`, `r = σ(x_r + h U_r)`, `c = tanh(x_c + r ∘ h U_c)`,
    `h' = z ∘ h + (1 − z) ∘ c`.

    Args:
        items: number of items; ids are 1 to `items`.
        units: length of the state. Defaults to 50.
        dropout: rate of the dropout on states before they are scored. Defaults to 0.1.

    Call with int32 ids `(batch,)` and states `(batch, units)`; returns the new states.
    `scores(states)` returns logits `(batch, items + 1)`.
    """

    def __init__(self, items: int, units: int = 50, dropout: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        (self.items,) = whole_numbers("items", [items])
        (self.units,) = whole_numbers("units", [units])
        self.dropout = keras.layers.Dropout(dropout)
        self.kernel = self.add_weight(shape=(items + 1, 3 * units), name="kernel")
        self.recurrent_kernel = self.add_weight(
            shape=(units, 3 * units), initializer="orthogonal", name="recurrent_kernel"
        )
        self.output_layer = keras.layers.Dense(items + 1, name="output_layer")
        self.output_layer.build((None, units))
        self.built = True

    def call(self, ids, states):
        x = ops.split(ops.take(self.kernel, ids, axis=0), 3, axis=-1)
        u = ops.split(ops.matmul(states, self.recurrent_kernel), 3, axis=-1)
        update, reset = ops.sigmoid(x[0] + u[0]), ops.sigmoid(x[1] + u[1])
        return update * states + (1 - update) * ops.tanh(x[2] + reset * u[2])

    def scores(self, states, training: bool | None = None):
        """Logits of every id, padding included: `(batch, items + 1)`."""
        return self.output_layer(self.dropout(states, training=training))

    def get_config(self):
        config = {"items": self.items, "units": self.units, "dropout": self.dropout.rate}
        return super().get_config() | config


def lanes(sessions: EncodedSessions, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distribute all sessions, in order, over `count` lanes of nearly equal length.

    Returns:
        Ids, target ids (the next id of the session, 0 at its last event) and whether a session
        begins at this event; int32, int32 and float32, each of shape (steps, count).
    """
    ids, starts = sessions.ids, sessions.starts
    begins = np.zeros(len(ids), bool)
    begins[starts[:-1][np.diff(starts) > 0]] = True
    has_next = np.append(~begins[1:], False)
    targets = np.where(has_next, np.append(ids[1:], PADDING), PADDING)
    cuts = starts[np.searchsorted(starts, np.linspace(0, len(ids), count + 1))]
    positions = np.arange(np.diff(cuts).max())[:, None] + cuts[:-1]
    inside = positions < cuts[1:]
    positions = np.minimum(positions, len(ids) - 1)
    return (
        np.where(inside, ids[positions], PADDING).astype(np.int32),
        np.where(inside, targets[positions], PADDING).astype(np.int32),
        (begins[positions] | ~inside).astype(np.float32),
    )


def fit(
    sessions: EncodedSessions,
    units: int = 50,
    dropout: float = 0.1,
    learning_rate: float = 1e-3,
    batch_size: int = 256,
    epochs: int = 3,
    seed: int = 42,
) -> SessionGRU:
    """Train a `SessionGRU` with Adam and the cross-entropy over all items.

    The defaults are the original's settings; `batch_size` is the number of lanes. Sessions must be
    in order of time.
    """
    keras.utils.set_random_seed(seed)
    model = SessionGRU(sessions.items, units, dropout)
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(model.trainable_variables)
    states = tf.Variable(tf.zeros((batch_size, units)), trainable=False)

    @tf.function(reduce_retracing=True)
    def step(ids, targets, begins):
        with tf.GradientTape() as tape:
            new_states = model(ids, states * (1 - begins[:, None]))
            has_target = tf.not_equal(targets, PADDING)
            logits = model.scores(tf.boolean_mask(new_states, has_target), training=True)
            labels = tf.boolean_mask(targets, has_target)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            count = tf.reduce_sum(tf.cast(has_target, "float32"))
            loss = tf.reduce_sum(losses) / tf.maximum(1.0, count)
        states.assign(new_states)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    ids, targets, begins = lanes(sessions, batch_size)
    for _ in range(epochs):
        states.assign(tf.zeros_like(states))
        for events in zip(ids, targets, begins, strict=True):
            step(*events)
    return model


def scorer(model: SessionGRU) -> Scorer:
    """The model's scores as a scorer for `prefixes.ranks`."""

    @tf.function(reduce_retracing=True)
    def scores(ids, counts):
        states = tf.zeros((tf.shape(ids)[0], model.units))
        for position in tf.range(tf.shape(ids)[1]):
            new_states = model(ids[:, position], states)
            states = tf.where((position < counts)[:, None], new_states, states)
        return model.scores(states, training=False)

    return lambda prefixes: scores(prefixes.ids, prefixes.counts.astype(np.int32)).numpy()
