"""The original's session model: GRU4Rec in session-parallel mini-batches (Hidasi et al. 2016).

A batch is a row of lanes. Each lane runs through its share of all sessions, one event a step; where
a session begins, the lane's state is set to zero. Nothing is learnt through time but the state that
is carried over.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from autoint import positive
from movierec.prefixes import PADDING, Encoded


@keras.saving.register_keras_serializable(package="movierec")
class SessionGRU(keras.Model):
    """One GRU layer and a dense read-out of all items.

    The original feeds one-hot vectors to the GRU; their product with its kernel is a row of it, so
    here the row is looked up: the same numbers without a vector as long as the catalogue.

    With `x` the row of the item, `h` the state and `U` the recurrent kernel (three parts each):
    `z = σ(x_z + h U_z)`, `r = σ(x_r + h U_r)`, `c = tanh(x_c + r ∘ h U_c)`,
    `h' = z ∘ h + (1 − z) ∘ c`.

    Args:
        items: number of items; ids are 1 to `items`.
        units: length of the state.
        dropout: of the state before the read-out.

    Call with int32 ids `(batch,)` and states `(batch, units)`; returns the new states.
    `scores(states)` gives logits `(batch, items + 1)`.
    """

    def __init__(self, items: int, units: int = 50, dropout: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.items, self.units = (
            positive(name, [value])[0] for name, value in (("items", items), ("units", units))
        )
        self.dropout = keras.layers.Dropout(dropout)
        self.table = self.add_weight(shape=(items + 1, 3 * units), name="table")
        self.recurrent = self.add_weight(
            shape=(units, 3 * units), initializer="orthogonal", name="recurrent"
        )
        self.read_out = keras.layers.Dense(items + 1, name="read_out")
        self.read_out.build((None, units))
        self.built = True

    def call(self, ids, states):
        x = ops.split(ops.take(self.table, ids, axis=0), 3, axis=-1)
        u = ops.split(ops.matmul(states, self.recurrent), 3, axis=-1)
        update, reset = ops.sigmoid(x[0] + u[0]), ops.sigmoid(x[1] + u[1])
        return update * states + (1 - update) * ops.tanh(x[2] + reset * u[2])

    def scores(self, states, training: bool | None = None):
        """Logits of every item, the padding's included."""
        return self.read_out(self.dropout(states, training=training))

    def get_config(self):
        return super().get_config() | {
            "items": self.items,
            "units": self.units,
            "dropout": self.dropout.rate,
        }


def lanes(sessions: Encoded, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All sessions, in order, in `count` lanes of nearly equal length.

    Returns:
        Ids, the ids that follow them (0 where their session ends) and whether a session begins
        here; int32, int32 and float32, each of shape (steps, count).
    """
    ids, starts = sessions.ids, sessions.starts
    begins = np.zeros(len(ids), bool)
    begins[starts[:-1][np.diff(starts) > 0]] = True
    followed = np.append(~begins[1:], False)
    targets = np.where(followed, np.append(ids[1:], PADDING), PADDING)
    cuts = starts[np.searchsorted(starts, np.linspace(0, len(ids), count + 1))]
    places = np.arange(np.diff(cuts).max())[:, None] + cuts[:-1]
    inside = places < cuts[1:]
    places = np.minimum(places, len(ids) - 1)
    return (
        np.where(inside, ids[places], PADDING).astype(np.int32),
        np.where(inside, targets[places], PADDING).astype(np.int32),
        (begins[places] | ~inside).astype(np.float32),
    )


def fit(
    sessions: Encoded,
    units: int = 50,
    dropout: float = 0.1,
    learning_rate: float = 1e-3,
    batch_size: int = 256,
    epochs: int = 3,
    seed: int = 42,
) -> SessionGRU:
    """Train with the original's settings: 50 units, dropout 0.1, Adam at 1e-3, cross-entropy.

    Args:
        sessions: to train on, in the order of time.
        batch_size: lanes side by side.
        epochs: times through all sessions.
        seed: of the initial weights.
    """
    keras.utils.set_random_seed(seed)
    model = SessionGRU(sessions.items, units, dropout)
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(model.trainable_variables)
    states = tf.Variable(tf.zeros((batch_size, units)), trainable=False)

    @tf.function(reduce_retracing=True)
    def step(ids, targets, begins):
        with tf.GradientTape() as tape:
            new = model(ids, states * (1 - begins[:, None]))
            asked = tf.not_equal(targets, PADDING)
            logits = model.scores(tf.boolean_mask(new, asked), training=True)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
                tf.boolean_mask(targets, asked), logits
            )
            loss = tf.reduce_sum(loss) / tf.maximum(1.0, tf.reduce_sum(tf.cast(asked, "float32")))
        states.assign(new)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    ids, targets, begins = lanes(sessions, batch_size)
    for _ in range(epochs):
        states.assign(tf.zeros_like(states))
        for row in range(len(ids)):
            step(ids[row], targets[row], begins[row])
    return model


def scorer(model: SessionGRU):
    """The model's scores for `prefixes.ranks`."""

    @tf.function(reduce_retracing=True)
    def scores(ids, counts):
        states = tf.zeros((tf.shape(ids)[0], model.units))
        for place in tf.range(tf.shape(ids)[1]):
            new = model(ids[:, place], states)
            states = tf.where((place < counts)[:, None], new, states)
        return model.scores(states, training=False)

    return lambda block: scores(block.ids, block.counts.astype(np.int32)).numpy()
