"""AutoInt: click-through rate prediction with self-attention over feature fields.

Song et al., "AutoInt: Automatic Feature Interaction Learning via Self-Attentive Neural Networks",
CIKM 2019, https://arxiv.org/abs/1810.11921. Layers and model are Keras 3.
"""

import itertools
import operator
from collections.abc import Sequence

import keras
from keras import ops


def whole_numbers(name: str, values: Sequence[int], least: int = 1) -> tuple[int, ...]:
    """`values` as plain ints of at least `least` (Keras refuses NumPy integers).

    Raises:
        ValueError: no values, or one that is not a whole number of at least `least`.
    """
    try:
        sizes = tuple(operator.index(value) for value in values)
    except TypeError:
        sizes = ()
    if not sizes or min(sizes) < least:
        raise ValueError(
            f"`{name}` must be integers of at least {least}. Received: {name}={values!r:.100}"
        )
    return sizes


def initializers(start: str) -> tuple:
    """Initialisers of embeddings, of interacting layers, and of the output layer and MLP.

    Args:
        start: `"default"`, or `"original"`: the initial weights of the course project that this
            project reproduces.
    """
    random = keras.initializers
    if start == "default":
        return random.RandomNormal(stddev=0.01), random.GlorotUniform(), random.GlorotUniform()
    if start == "original":
        small = random.RandomNormal(stddev=1e-4)
        return random.RandomUniform(-0.05, 0.05), random.TruncatedNormal(stddev=0.05), small
    raise ValueError(f"`start` must be 'default' or 'original'. Received: start={start!r:.100}")


def flat(vectors):
    """`(batch, fields, dim)` → `(batch, fields · dim)`."""
    return ops.reshape(vectors, (-1, vectors.shape[1] * vectors.shape[2]))


@keras.saving.register_keras_serializable(package="movierec")
class FeaturesEmbedding(keras.layers.Layer):
    """Embeds feature ids: one vector per id, with all fields in one table.

    Field `f` has the table rows `offset[f] ... offset[f] + field_dims[f] - 1`, so adding the
    offsets turns a batch of ids into row numbers, and one gather reads all vectors.

    Args:
        field_dims: number of ids of each field.
        embed_dim: length of a vector.
        embeddings_initializer: initialiser of the table. Defaults to normal with standard
            deviation 0.01.

    Call with int32 ids of shape `(batch, fields)`, each from 0 to below its field's dimension;
    returns `(batch, fields, embed_dim)`. Ids are not checked here (some devices return zeros for
    an id out of range, others fail); `movierec.models.scorer.predictor` and
    `movierec.training.loop.fit` check them.

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
        self.field_dims = whole_numbers("field_dims", field_dims)
        (self.embed_dim,) = whole_numbers("embed_dim", [embed_dim])
        self.embeddings_initializer = keras.initializers.get(
            embeddings_initializer or keras.initializers.RandomNormal(stddev=0.01)
        )
        self._offsets = [0, *itertools.accumulate(self.field_dims[:-1])]
        self.input_spec = keras.InputSpec(ndim=2, axes={-1: len(self.field_dims)})

    def build(self, input_shape):
        self.table = self.add_weight(
            shape=(sum(self.field_dims), self.embed_dim),
            initializer=self.embeddings_initializer,
            name="table",
        )

    def rows(self, ids):
        """Table row numbers of ids `(batch, fields)`, int32, the same shape."""
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
    """The interacting layer: self-attention over fields (paper, equations 5 to 8).

    For each head, `α = softmax(Q Kᵀ)` over the fields and `ẽ = α V`, where `Q`, `K` and `V` are
    linear in the input `e`. As in the paper, the products are not scaled. The heads are
    concatenated, and the output is `relu(ẽ + W e)`: `W` is the linear residual.

    Args:
        head_dim: length of one head's queries, keys and values.
        num_heads: number of heads.
        kernel_initializer: initialiser of the four projections. Defaults to `"glorot_uniform"`.

    Call with `(batch, fields, dim)`; returns `(batch, fields, num_heads · head_dim)`. With
    `return_attention=True` it also returns the weights α, `(batch, num_heads, fields, fields)`:
    row = query field, column = key field, and the last axis sums to 1.

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
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        (self.head_dim,) = whole_numbers("head_dim", [head_dim])
        (self.num_heads,) = whole_numbers("num_heads", [num_heads])

        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        shape = (int(input_shape[-1]), self.num_heads * self.head_dim)
        self.kernels = [
            self.add_weight(shape=shape, initializer=self.kernel_initializer.clone(), name=name)
            for name in ("query", "key", "value", "residual")
        ]

    def call(self, inputs, return_attention: bool = False):
        # Each head multiplies by its own columns of the kernels: slicing a small kernel is free,
        # slicing the projected batch costs more than all the arithmetic (on CPUs).
        outputs, attention = [], []
        for start in range(0, self.num_heads * self.head_dim, self.head_dim):
            query, key, value = (
                ops.matmul(inputs, kernel[:, start : start + self.head_dim])
                for kernel in self.kernels[:3]
            )
            weights = ops.softmax(ops.matmul(query, ops.swapaxes(key, 1, 2)), axis=-1)
            outputs.append(ops.matmul(weights, value))
            attention.append(weights)
        outputs = ops.concatenate(outputs, axis=-1) + ops.matmul(inputs, self.kernels[3])
        outputs = ops.relu(outputs)
        return (outputs, ops.stack(attention, axis=1)) if return_attention else outputs

    def get_config(self):
        return super().get_config() | {
            "head_dim": self.head_dim,
            "num_heads": self.num_heads,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package="movierec")
class AutoInt(keras.Model):
    """AutoInt: embeddings, interacting layers, and a linear output over all fields.

    The logit is `wᵀ[ẽ₁ ‖ … ‖ ẽ_F] + b` over the last layer's output (paper, equation 9); the model
    returns its sigmoid, the probability that the label is 1. With several classes there is one
    such logit per class, and the model returns the sum of the positive classes' softmax
    probabilities. A model can therefore learn from five ratings and still predict "4 or more".
    The model is built when it is constructed.

    Args:
        field_dims: number of ids of each field.
        embed_dim: length of an embedding vector. Defaults to 16.
        num_layers: number of interacting layers. Defaults to 3; with 0 the output layer reads the
            embeddings.
        num_heads: attention heads per layer. Defaults to 2.
        head_dim: length of a head; a layer gives each field `num_heads · head_dim` numbers.
            Defaults to 16.
        start: the initial weights. `"default"`: embeddings normal with standard deviation 0.01,
            Glorot uniform for the rest. `"original"`: the course project's, with embeddings uniform
            in ±0.05, interacting layers truncated normal with standard deviation 0.05, and the
            output layer and MLP normal with standard deviation 0.0001.
        num_classes: number of ordered classes. Defaults to 1: a label of 0 or 1, one logit.
        num_positive: how many of the last classes are positive. Defaults to 1.

    Call with int32 ids of shape `(batch, fields)`; returns probabilities `(batch, 1)`. With
    `return_attention=True` it also returns one α of shape `(batch, num_heads, fields, fields)` per
    layer.

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
        start: str = "default",
        num_classes: int = 1,
        num_positive: int = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        (self.num_layers,) = whole_numbers("num_layers", [num_layers], least=0)
        (self.num_heads,) = whole_numbers("num_heads", [num_heads])
        (self.head_dim,) = whole_numbers("head_dim", [head_dim])
        (self.num_classes,) = whole_numbers("num_classes", [num_classes])
        (self.num_positive,) = whole_numbers("num_positive", [num_positive])
        if self.num_positive > max(1, self.num_classes - 1):
            raise ValueError(
                f"`num_positive` must be below `num_classes`, or 1 for a single class. Received: "
                f"num_positive={num_positive}, num_classes={num_classes}"
            )
        self.start = start
        embedding_start, attention_start, output_start = initializers(start)
        self.embedding = FeaturesEmbedding(
            field_dims,
            embed_dim,
            embeddings_initializer=embedding_start,
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
                kernel_initializer=attention_start,
                name=f"interacting_{number}",
            )
            layer.build((None, fields, width))
            self.interacting.append(layer)
            width = layer.num_heads * layer.head_dim
        self.attention_logit = keras.layers.Dense(
            self.num_classes,
            kernel_initializer=output_start,
            name="attention_logit",
        )
        self.attention_logit.build((None, fields * width))
        self.built = True

    def logits_of(self, vectors, training: bool | None = None):
        """Logits and attention from embedding vectors.

        Args:
            vectors: `(batch, fields, embed_dim)`.
            training: whether dropout is active.

        Returns:
            The logits `(batch, num_classes)`, and each layer's α, of shape
            `(batch, num_heads, fields, fields)`.
        """
        logits, attention = self.extra_logits(vectors, training=training), []
        for layer in self.interacting:
            vectors, weights = layer(vectors, return_attention=True)
            attention.append(weights)
        return logits + self.attention_logit(flat(vectors)), attention

    def extra_logits(self, vectors, training: bool | None = None):
        """Extra logits, `(batch, num_classes)`; zero in AutoInt."""
        return ops.zeros((ops.shape(vectors)[0], self.num_classes))

    def probabilities(self, logits):
        """Probability of a positive label, `(batch, 1)`, from logits `(batch, num_classes)`."""
        if self.num_classes == 1:
            return ops.sigmoid(logits)
        shares = ops.softmax(logits)[:, -self.num_positive :]
        return ops.minimum(ops.sum(shares, axis=-1, keepdims=True), 1.0)  # rounding may exceed 1

    def call(self, ids, training: bool | None = None, return_attention: bool = False):
        logits, attention = self.logits_of(self.embedding(ids), training=training)
        probabilities = self.probabilities(logits)
        return (probabilities, attention) if return_attention else probabilities

    def get_config(self):
        names = ("num_layers", "num_heads", "head_dim", "start", "num_classes", "num_positive")
        return super().get_config() | {
            "field_dims": self.embedding.field_dims,
            "embed_dim": self.embedding.embed_dim,
            **{name: getattr(self, name) for name in names},
        }
