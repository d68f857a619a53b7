"""Models that tell the next item of a session, after every item of it at once."""

import keras
from keras import ops

from autoint import positive
from movierec.prefixes import PADDING


@keras.saving.register_keras_serializable(package="movierec")
class CausalAttention(keras.layers.Layer):
    """Scaled dot-product attention in which each place sees itself and the places before it.

    `softmax(Q Kᵀ / √d) V` (Vaswani et al. 2017, equation 1), heads concatenated.

    Args:
        num_heads: of equal size; must divide the input's last axis.
        dropout: of the attention weights. Defaults to 0.

    Call with `(batch, length, dim)` and the places that hold items, `(batch, length)`; returns
    `(batch, length, dim)`.
    """

    def __init__(self, num_heads: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        (self.num_heads,) = positive("num_heads", [num_heads])
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, input_shape):
        dim = int(input_shape[-1])
        if dim % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the dimension {dim}. Received: num_heads={self.num_heads}"
            )
        self.kernel = self.add_weight(shape=(dim, 3 * dim), name="query_key_value")

    def call(self, inputs, present, training: bool | None = None):
        batch, length, dim = ops.shape(inputs)
        parts = ops.reshape(
            ops.matmul(inputs, self.kernel),
            (batch, length, 3, self.num_heads, dim // self.num_heads),
        )
        query, key, value = ops.unstack(ops.transpose(parts, (2, 0, 3, 1, 4)), 3)
        scores = ops.matmul(query, ops.swapaxes(key, 2, 3)) / (dim // self.num_heads) ** 0.5
        places = ops.arange(length)
        seen = (places[:, None] >= places[None, :]) & present[:, None, None, :]
        weights = ops.softmax(ops.where(seen, scores, -1e9), axis=-1)
        mixed = ops.matmul(self.dropout(weights, training=training), value)
        return ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (batch, length, dim))

    def get_config(self):
        return super().get_config() | {
            "num_heads": self.num_heads,
            "dropout": self.dropout.rate,
        }


@keras.saving.register_keras_serializable(package="movierec")
class NextItem(keras.Model):
    """Scores of all items as the next one, from the items so far.

    The same table embeds the items that are read and those that are scored (tied weights). With
    `scale`, both a state and an item count by their direction alone: the score is `scale · cos`
    (NISER, Gupta et al. 2019), so that much-chosen items gain nothing by long vectors.

    Args:
        items: number of items; ids are 1 to `items`, 0 is padding.
        encoder: "gru": recurrent layers, then each state beside a mean of all items so far,
            weighted by attention (as in NARM, Li et al. 2017); "attention": SASRec's blocks of
            causal self-attention (Kang & McAuley 2018), layer normalisation first.
        dim: length of item vectors and states.
        num_layers: recurrent layers, or blocks.
        num_heads: attention heads.
        length: the most items that "attention" can look back to.
        dropout: of item vectors and of what blocks add.
        scale: of the cosine; None for plain products.

    Call with int32 ids `(batch, length)`, items first and padding after them; returns states
    `(batch, length, dim)`. `scores(states)` gives `(…, items + 1)`, the padding's score included.

    Example:
        >>> import numpy as np
        >>> model = NextItem(items=5, dim=8)
        >>> states = model(np.array([[3, 1, 0]], np.int32))
        >>> tuple(model.scores(states[:, 1]).shape)
        (1, 6)
    """

    def __init__(
        self,
        items: int,
        encoder: str = "gru",
        dim: int = 100,
        num_layers: int = 1,
        num_heads: int = 1,
        length: int = 20,
        dropout: float = 0.25,
        scale: float | None = 16.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.items, self.dim, self.num_layers, self.num_heads, self.length = (
            positive(name, [value])[0]
            for name, value in (
                ("items", items),
                ("dim", dim),
                ("num_layers", num_layers),
                ("num_heads", num_heads),
                ("length", length),
            )
        )
        if encoder not in ("gru", "attention"):
            raise ValueError(f"`encoder` must be 'gru' or 'attention'. Received: {encoder!r}")
        self.encoder, self.scale = encoder, scale
        self.dropout = keras.layers.Dropout(dropout)
        self.table = self.add_weight(
            shape=(items + 1, dim),
            initializer=keras.initializers.RandomNormal(stddev=dim**-0.5),
            name="table",
        )
        shape = (None, length, dim)
        if encoder == "gru":
            self.layers_ = [
                keras.layers.GRU(dim, return_sequences=True, name=f"gru_{n + 1}")
                for n in range(num_layers)
            ]
            self.attention = CausalAttention(num_heads, name="attention")
            self.join = keras.layers.Dense(dim, use_bias=False, name="join")
            for layer in (*self.layers_, self.attention):
                layer.build(shape)
            self.join.build((None, length, 2 * dim))
        else:
            self.places = self.add_weight(
                shape=(length, dim),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="places",
            )
            self.layers_ = [
                Block(num_heads, dropout, name=f"block_{n + 1}") for n in range(num_layers)
            ]
            self.last = keras.layers.LayerNormalization(epsilon=1e-6, name="last")
            for layer in (*self.layers_, self.last):
                layer.build(shape)
        self.built = True

    def call(self, ids, training: bool | None = None):
        present = ops.not_equal(ids, PADDING)
        vectors = ops.take(self._directions(self.table), ids, axis=0)
        if self.encoder == "gru":
            states = vectors = self.dropout(vectors, training=training)
            for layer in self.layers_:
                states = layer(states)
            mixed = self.attention(states, present, training=training)
            return self.join(ops.concatenate([states, mixed], axis=-1))
        states = self.dropout(vectors + self.places[: ops.shape(ids)[1]], training=training)
        for layer in self.layers_:
            states = layer(states, present, training=training)
        return self.last(states)

    def scores(self, states):
        """Logits of every item, `(…, items + 1)`, from states `(…, dim)`."""
        products = ops.matmul(self._directions(states), ops.transpose(self._directions(self.table)))
        return products if self.scale is None else self.scale * products

    def _directions(self, vectors):
        if self.scale is None:
            return vectors
        return vectors * ops.rsqrt(ops.sum(vectors**2, axis=-1, keepdims=True) + 1e-12)

    def get_config(self):
        names = ("items", "encoder", "dim", "num_layers", "num_heads", "length", "scale")
        return super().get_config() | {
            **{name: getattr(self, name) for name in names},
            "dropout": self.dropout.rate,
        }


@keras.saving.register_keras_serializable(package="movierec")
class Block(keras.layers.Layer):
    """SASRec's block: causal attention, then a two-layer network, each added to its input.

    Args:
        num_heads: attention heads.
        dropout: of the attention weights and of both additions.

    Call with `(batch, length, dim)` and the places that hold items; returns the first's shape.
    """

    def __init__(self, num_heads: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = keras.layers.Dropout(dropout)
        self.before_attention = keras.layers.LayerNormalization(epsilon=1e-6)
        self.attention = CausalAttention(num_heads, dropout)
        self.before_network = keras.layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        dim = int(input_shape[-1])
        self.wide = keras.layers.Dense(4 * dim, activation="gelu")
        self.narrow = keras.layers.Dense(dim)
        for layer in (self.before_attention, self.attention, self.before_network, self.wide):
            layer.build(input_shape)
        self.narrow.build((*input_shape[:-1], 4 * dim))

    def call(self, inputs, present, training: bool | None = None):
        added = self.attention(self.before_attention(inputs), present, training=training)
        states = inputs + self.dropout(added, training=training)
        added = self.narrow(self.wide(self.before_network(states)))
        return states + self.dropout(added, training=training)

    def get_config(self):
        return super().get_config() | {
            "num_heads": self.num_heads,
            "dropout": self.dropout.rate,
        }
