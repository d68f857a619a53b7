"""Models that score the next item after every position of a session."""

import keras
from keras import ops

from autoint import whole_numbers
from movierec.sequences.prefixes import PADDING


@keras.saving.register_keras_serializable(package="movierec")
class CausalAttention(keras.layers.Layer):
    """Scaled dot-product attention from each position to itself and earlier positions.

    `softmax(Q Kᵀ / √d) V` (Vaswani et al. 2017, equation 1), heads concatenated. One matrix without
    bias projects the inputs to queries, keys and values; there is no output projection.

    Args:
        num_heads: number of heads of equal size; must divide the input's last axis. Defaults to 1.
        dropout: rate of the dropout on attention weights. Defaults to 0.

    Call with inputs `(batch, length, dim)` and a boolean mask `(batch, length)` of the positions
    that contain items; returns `(batch, length, dim)`.
    """

    def __init__(self, num_heads: int = 1, dropout: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        (self.num_heads,) = whole_numbers("num_heads", [num_heads])
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, input_shape):
        dim = int(input_shape[-1])
        if dim % self.num_heads:
            raise ValueError(
                f"`num_heads` must divide the dimension {dim}. Received: num_heads={self.num_heads}"
            )
        self.kernel = self.add_weight(shape=(dim, 3 * dim), name="query_key_value")

    def call(self, inputs, is_item, training: bool | None = None):
        batch, length, dim = ops.shape(inputs)
        size = dim // self.num_heads
        projected = ops.matmul(inputs, self.kernel)
        projected = ops.reshape(projected, (batch, length, 3, self.num_heads, size))
        query, key, value = ops.unstack(ops.transpose(projected, (2, 0, 3, 1, 4)), 3)
        scores = ops.matmul(query, ops.swapaxes(key, 2, 3)) / size**0.5
        positions = ops.arange(length)
        allowed = (positions[:, None] >= positions[None, :]) & is_item[:, None, None, :]
        weights = ops.softmax(ops.where(allowed, scores, -1e9), axis=-1)
        mixed = ops.matmul(self.dropout(weights, training=training), value)
        return ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (batch, length, dim))

    def get_config(self):
        return super().get_config() | {"num_heads": self.num_heads, "dropout": self.dropout.rate}


@keras.saving.register_keras_serializable(package="movierec")
class NextItem(keras.Model):
    """Scores of all items as the next one, at every position of a session.

    Input items and scored items share one embedding table (tied weights). With `scale`, the score
    is `scale · cos(state, item)` (NISER, Gupta et al. 2019): vectors are normalised, so popular
    items gain nothing from long vectors.

    Args:
        items: number of items; ids are 1 to `items`, 0 is padding.
        encoder: "gru": GRU layers, whose states are joined with an attention-weighted mean of the
            states so far (as in NARM, Li et al. 2017); "attention": SASRec's blocks of causal
            self-attention (Kang & McAuley 2018), with layer normalisation before each part.
            Defaults to "gru".
        dim: length of item vectors and states. Defaults to 100.
        num_layers: number of GRU layers or blocks. Defaults to 1.
        num_heads: number of attention heads. Defaults to 1.
        length: maximum number of positions of "attention". Defaults to 20.
        dropout: rate of the dropout on item vectors and within blocks. Defaults to 0.25.
        scale: factor of the cosine; None scores by the plain dot product. Defaults to 16.

    Call with int32 ids `(batch, length)`, padding last; returns states `(batch, length, dim)`.
    `scores(states)` returns logits `(…, items + 1)`, including the padding's.

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
        (self.items,) = whole_numbers("items", [items])
        (self.dim,) = whole_numbers("dim", [dim])
        (self.num_layers,) = whole_numbers("num_layers", [num_layers])
        (self.num_heads,) = whole_numbers("num_heads", [num_heads])
        (self.length,) = whole_numbers("length", [length])
        if encoder not in ("gru", "attention"):
            raise ValueError(f"`encoder` must be 'gru' or 'attention'. Received: {encoder!r}")
        self.encoder, self.scale = encoder, scale
        self.dropout = keras.layers.Dropout(dropout)
        self.embeddings = self.add_weight(
            shape=(items + 1, dim),
            initializer=keras.initializers.RandomNormal(stddev=dim**-0.5),
            name="embeddings",
        )
        if encoder == "gru":
            self.encoder_layers = [
                keras.layers.GRU(dim, return_sequences=True, name=f"gru_{n + 1}")
                for n in range(num_layers)
            ]
            self.attention = CausalAttention(num_heads, name="attention")
            self.projection = keras.layers.Dense(dim, use_bias=False, name="projection")
            for layer in (*self.encoder_layers, self.attention):
                layer.build((None, length, dim))
            self.projection.build((None, length, 2 * dim))
        else:
            self.positions = self.add_weight(
                shape=(length, dim),
                initializer=keras.initializers.RandomNormal(stddev=0.02),
                name="positions",
            )
            self.encoder_layers = [
                Block(num_heads, dropout, name=f"block_{n + 1}") for n in range(num_layers)
            ]
            self.final_norm = keras.layers.LayerNormalization(epsilon=1e-6, name="final_norm")
            for layer in (*self.encoder_layers, self.final_norm):
                layer.build((None, length, dim))
        self.built = True

    def call(self, ids, training: bool | None = None):
        is_item = ops.not_equal(ids, PADDING)
        vectors = ops.take(self._normalised(self.embeddings), ids, axis=0)
        if self.encoder == "gru":
            states = self.dropout(vectors, training=training)
            for layer in self.encoder_layers:
                states = layer(states)
            mixed = self.attention(states, is_item, training=training)
            return self.projection(ops.concatenate([states, mixed], axis=-1))
        states = self.dropout(vectors + self.positions[: ops.shape(ids)[1]], training=training)
        for layer in self.encoder_layers:
            states = layer(states, is_item, training=training)
        return self.final_norm(states)

    def scores(self, states):
        """Logits of every id, padding included: states `(…, dim)` → `(…, items + 1)`."""
        items = ops.transpose(self._normalised(self.embeddings))
        products = ops.matmul(self._normalised(states), items)
        return products if self.scale is None else self.scale * products

    def _normalised(self, vectors):
        """Vectors of length 1 if the model scores by cosines, unchanged vectors otherwise."""
        if self.scale is None:
            return vectors
        return vectors * ops.rsqrt(ops.sum(vectors**2, axis=-1, keepdims=True) + 1e-12)

    def get_config(self):
        names = ("items", "encoder", "dim", "num_layers", "num_heads", "length", "scale")
        config = {name: getattr(self, name) for name in names}
        return super().get_config() | config | {"dropout": self.dropout.rate}


@keras.saving.register_keras_serializable(package="movierec")
class Block(keras.layers.Layer):
    """SASRec's block: causal attention, then a two-layer network, each with a residual connection.

    Args:
        num_heads: number of attention heads.
        dropout: rate of the dropout on attention weights and on both residual branches.

    Call with inputs `(batch, length, dim)` and a boolean mask `(batch, length)` of the positions
    that contain items; returns `(batch, length, dim)`.
    """

    def __init__(self, num_heads: int, dropout: float, **kwargs):
        super().__init__(**kwargs)
        self.num_heads = num_heads
        self.dropout = keras.layers.Dropout(dropout)
        self.attention_norm = keras.layers.LayerNormalization(epsilon=1e-6)
        self.attention = CausalAttention(num_heads, dropout)
        self.network_norm = keras.layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        dim = int(input_shape[-1])
        self.hidden = keras.layers.Dense(4 * dim, activation="gelu")
        self.output_layer = keras.layers.Dense(dim)
        for layer in (self.attention_norm, self.attention, self.network_norm, self.hidden):
            layer.build(input_shape)
        self.output_layer.build((*input_shape[:-1], 4 * dim))

    def call(self, inputs, is_item, training: bool | None = None):
        branch = self.attention(self.attention_norm(inputs), is_item, training=training)
        states = inputs + self.dropout(branch, training=training)
        branch = self.output_layer(self.hidden(self.network_norm(states)))
        return states + self.dropout(branch, training=training)

    def get_config(self):
        return super().get_config() | {"num_heads": self.num_heads, "dropout": self.dropout.rate}
