"""AutoInt: click-through prediction by self-attention over feature fields.

Song et al., "AutoInt: Automatic Feature Interaction Learning via Self-Attentive Neural Networks",
CIKM 2019, https://arxiv.org/abs/1810.11921. Layers and model are Keras 3.
"""

import itertools
import operator
from collections.abc import Sequence

import keras
from keras import ops


def positive(name: str, values: Sequence[int], least: int = 1) -> tuple[int, ...]:
    """`values` as plain ints of `least` or more (Keras refuses NumPy's)."""
    try:
        sizes = tuple(operator.index(value) for value in values)
    except TypeError:
        sizes = ()
    if not sizes or min(sizes) < least:
        raise ValueError(
            f"`{name}` must hold integers of {least} or more. Received: {name}={values}"
        )
    return sizes


def normal_or(default, init_std: float | None):
    """A normal initialiser of that standard deviation, or `default` where it is None."""
    return default if init_std is None else keras.initializers.RandomNormal(stddev=init_std)


def flat(vectors):
    """`(batch, fields, dim)` → `(batch, fields · dim)`."""
    return ops.reshape(vectors, (-1, vectors.shape[1] * vectors.shape[2]))


@keras.saving.register_keras_serializable(package="movierec")
class FeaturesEmbedding(keras.layers.Layer):
    """One embedding vector per feature id, all fields in one table.

    Field `f` owns the rows `offset[f] ... offset[f] + field_dims[f] - 1` of the table, so a batch
    of ids becomes a batch of row numbers with one addition and is read with one gather.

    Args:
        field_dims: number of ids of each field.
        embed_dim: length of a vector.
        embeddings_initializer: of the table. Defaults to normal with std 0.01.

    Call with int32 ids of shape `(batch, fields)`, each at least 0 and below its `field_dims`;
    returns `(batch, fields, embed_dim)`. Ids are not checked here (some devices read zeros for an
    id out of range, others fail): `movierec.models.predictor` and
    `movierec.fitting.fit` check them.

    Example:
        >>> import numpy as np
        >>> layer = FeaturesEmbedding(field_dims=(3, 5), embed_dim=4)
        >>> tuple(layer(np.array([[0, 4], [2, 1]], np.int32)).shape)
        (2, 2, 4)
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        embed_dim: int,
        embeddings_initializer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.field_dims = positive("field_dims", field_dims)
        (self.embed_dim,) = positive("embed_dim", [embed_dim])
        self.embeddings_initializer = keras.initializers.get(
            embeddings_initializer or keras.initializers.RandomNormal(stddev=0.01)
        )
        self._offsets = [0, *itertools.accumulate(self.field_dims[:-1])]

    def build(self, input_shape):
        if input_shape[-1] != len(self.field_dims):
            raise ValueError(
                f"Expected {len(self.field_dims)} fields, the length of `field_dims`. "
                f"Received: input_shape={input_shape}"
            )
        self.table = self.add_weight(
            shape=(sum(self.field_dims), self.embed_dim),
            initializer=self.embeddings_initializer,
            name="table",
        )

    def rows(self, ids):
        """The rows of the table that ids `(batch, fields)` read, int32 of the same shape."""
        return ops.cast(ids, "int32") + ops.convert_to_tensor(self._offsets, "int32")

    def call(self, ids):
        return ops.take(self.table, self.rows(ids), axis=0)

    def get_config(self):
        return super().get_config() | {
            "field_dims": self.field_dims,
            "embed_dim": self.embed_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }


@keras.saving.register_keras_serializable(package="movierec")
class MultiHeadSelfAttention(keras.layers.Layer):
    """The interacting layer: every field looks at every field (paper, equations 5 to 8).

    For each head, `α = softmax(Q Kᵀ)` over the fields and `ẽ = α V`, with `Q`, `K`, `V` linear in
    the input and, as in the paper, no scaling of the products. Heads are concatenated; with the
    residual the output is `relu(ẽ + W e)`, without it `relu(ẽ)`.

    Args:
        head_dim: length of one head's queries, keys and values.
        num_heads: number of heads.
        use_residual: whether to add the linear residual. Defaults to `True`.
        kernel_initializer: of the four projections. Defaults to `"glorot_uniform"`.

    Call with `(batch, fields, dim)`; returns `(batch, fields, num_heads · head_dim)`, and with
    `return_attention=True` also the weights α, `(batch, num_heads, fields, fields)`, whose last
    axis sums to 1.

    Example:
        >>> import numpy as np
        >>> layer = MultiHeadSelfAttention(head_dim=8, num_heads=2)
        >>> tuple(layer(np.ones((4, 13, 16), np.float32)).shape)
        (4, 13, 16)
    """

    def __init__(
        self,
        head_dim: int,
        num_heads: int,
        use_residual: bool = True,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        (self.head_dim,) = positive("head_dim", [head_dim])
        (self.num_heads,) = positive("num_heads", [num_heads])
        self.use_residual = use_residual
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        shape = (int(input_shape[-1]), self.num_heads * self.head_dim)
        names = ("query", "key", "value", "residual")[: 4 if self.use_residual else 3]
        self.kernels = [
            self.add_weight(shape=shape, initializer=self.kernel_initializer.clone(), name=name)
            for name in names
        ]

    def call(self, inputs, return_attention: bool = False):
        # Each head projects by its own columns of the kernels: slicing a small kernel is free,
        # slicing the projected batch costs more than all the arithmetic (on CPU).
        outputs, attention = [], []
        for start in range(0, self.num_heads * self.head_dim, self.head_dim):
            query, key, value = (
                ops.matmul(inputs, kernel[:, start : start + self.head_dim])
                for kernel in self.kernels[:3]
            )
            weights = ops.softmax(ops.matmul(query, ops.swapaxes(key, 1, 2)), axis=-1)
            outputs.append(ops.matmul(weights, value))
            attention.append(weights)
        outputs = ops.concatenate(outputs, axis=-1)
        if self.use_residual:
            outputs += ops.matmul(inputs, self.kernels[3])
        outputs = ops.relu(outputs)
        return (outputs, ops.stack(attention, axis=1)) if return_attention else outputs

    def get_config(self):
        return super().get_config() | {
            "head_dim": self.head_dim,
            "num_heads": self.num_heads,
            "use_residual": self.use_residual,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="movierec")
class AutoInt(keras.Model):
    """AutoInt: embedding, interacting layers, and a linear read-out of all fields.

    The logit is `wᵀ[ẽ₁ ‖ … ‖ ẽ_F] + b` over the last layer's output (paper, equation 9); the model
    returns its sigmoid, the probability that the label is 1. With more classes there is one such
    logit a class; the model returns the softmax's share of the classes that count as positive.
    So a model can learn from five ratings and still answer "4 or more?". The model is built when
    constructed.

    Args:
        field_dims: number of ids of each field.
        embed_dim: length of an embedding vector. Defaults to 16.
        num_layers: interacting layers. Defaults to 3; 0 reads the embeddings out as they are.
        num_heads: attention heads in each. Defaults to 2.
        head_dim: length of a head; a layer's output has `num_heads · head_dim`. Defaults to 16.
        init_std: standard deviation of the normal initial weights, for all layers. The default,
            `None`, means 0.01 for embeddings and Glorot uniform for the rest.
        num_classes: ordered classes of the label. Defaults to 1: a label of 0 or 1, one logit.
        num_positive: how many of the classes, from the last, are positive. Defaults to 1.

    Call with int32 ids of shape `(batch, fields)`; returns probabilities `(batch, 1)`. With
    `return_attention=True` also one α of shape `(batch, num_heads, fields, fields)` per layer.

    Example:
        >>> import numpy as np
        >>> model = AutoInt(field_dims=(3, 5, 2))
        >>> tuple(model(np.zeros((4, 3), np.int32)).shape)
        (4, 1)
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        embed_dim: int = 16,
        num_layers: int = 3,
        num_heads: int = 2,
        head_dim: int = 16,
        init_std: float | None = None,
        num_classes: int = 1,
        num_positive: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.num_layers = positive("num_layers", [num_layers], least=0)[0]
        self.num_heads, self.head_dim, self.num_classes, self.num_positive = (
            positive(name, [value])[0]
            for name, value in (
                ("num_heads", num_heads),
                ("head_dim", head_dim),
                ("num_classes", num_classes),
                ("num_positive", num_positive),
            )
        )
        if self.num_positive > max(1, self.num_classes - 1):
            raise ValueError(
                f"`num_positive` must be below `num_classes`. Received: "
                f"num_positive={num_positive}, num_classes={num_classes}"
            )
        self.init_std = init_std
        self.embedding = FeaturesEmbedding(
            field_dims,
            embed_dim,
            embeddings_initializer=normal_or(None, init_std),
            name="embedding",
        )
        fields = len(self.embedding.field_dims)
        self.embedding.build((None, fields))
        self.interacting = []
        width = self.embedding.embed_dim
        for number in range(1, self.num_layers + 1):
            layer = MultiHeadSelfAttention(
                self.head_dim,
                self.num_heads,
                kernel_initializer=normal_or("glorot_uniform", init_std),
                name=f"interacting_{number}",
            )
            layer.build((None, fields, width))
            self.interacting.append(layer)
            width = layer.num_heads * layer.head_dim
        self.attention_logit = keras.layers.Dense(
            self.num_classes,
            kernel_initializer=normal_or("glorot_uniform", init_std),
            name="attention_logit",
        )
        self.attention_logit.build((None, fields * width))
        self.built = True

    def logits_of(self, vectors, training: bool | None = None):
        """The step from embedding vectors on.

        Args:
            vectors: `(batch, fields, embed_dim)`.
            training: whether dropout acts.

        Returns:
            The logits `(batch, num_classes)`, and each layer's α, of shape
            `(batch, num_heads, fields, fields)`.
        """
        logits, attention = self.beside(vectors, training=training), []
        for layer in self.interacting:
            vectors, weights = layer(vectors, return_attention=True)
            attention.append(weights)
        return logits + self.attention_logit(flat(vectors)), attention

    def beside(self, vectors, training: bool | None = None):
        """Logits `(batch, num_classes)` from elsewhere than the interacting layers: none here."""
        return ops.zeros((ops.shape(vectors)[0], self.num_classes))

    def probabilities(self, logits):
        """That the label is positive, `(batch, 1)`, from logits `(batch, num_classes)`."""
        if self.num_classes == 1:
            return ops.sigmoid(logits)
        shares = ops.softmax(logits)[:, -self.num_positive :]
        return ops.sum(shares, axis=-1, keepdims=True)

    def call(self, ids, training: bool | None = None, return_attention: bool = False):
        logits, attention = self.logits_of(self.embedding(ids), training=training)
        probabilities = self.probabilities(logits)
        return (probabilities, attention) if return_attention else probabilities

    def get_config(self):
        names = ("num_layers", "num_heads", "head_dim", "init_std", "num_classes", "num_positive")
        return super().get_config() | {
            "field_dims": self.embedding.field_dims,
            "embed_dim": self.embedding.embed_dim,
            **{name: getattr(self, name) for name in names},
        }
