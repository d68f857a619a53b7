"""AutoInt+: AutoInt with a multilayer perceptron in parallel (paper, section 5.5)."""

from collections.abc import Sequence
from numbers import Real

import keras
from keras import ops

from autoint import AutoInt, flat, initializers, whole_numbers


@keras.saving.register_keras_serializable(package="movierec")
class AutoIntMLP(AutoInt):
    """AutoInt+: adds the logit of an MLP over the same embeddings to AutoInt's logit.

    Args:
        field_dims: number of ids of each field.
        mlp_units: width of each hidden ReLU layer. Defaults to `(32, 32)`.
        dropout: share of hidden units dropped after each ReLU. Defaults to 0.4.
        pairwise_pooling: whether the MLP also reads the elementwise products of all pairs of field
            vectors, summed to one vector of length `embed_dim`: `½((Σe)² - Σe²)`, the
            bi-interaction pooling of He & Chua, "Neural Factorization Machines", SIGIR 2017,
            https://arxiv.org/abs/1708.05027. Defaults to `False`, as in the AutoInt paper.
        **kwargs: the other arguments of `AutoInt`.

    Called like `AutoInt`.

    Example:
        >>> import numpy as np
        >>> model = AutoIntMLP(field_dims=(3, 5, 2), mlp_units=(8,), dropout=0.2)
        >>> tuple(model(np.zeros((4, 3), np.int32)).shape)
        (4, 1)
    """

    def __init__(
        self,
        field_dims: Sequence[int],
        mlp_units: Sequence[int] = (32, 32),
        dropout: float = 0.4,
        pairwise_pooling: bool = False,
        **kwargs,
    ):
        super().__init__(field_dims, **kwargs)
        self.mlp_units = whole_numbers("mlp_units", mlp_units)
        if not isinstance(dropout, Real) or not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be in [0, 1). Received: dropout={dropout!r:.100}")
        self.dropout = dropout
        self.pairwise_pooling = bool(pairwise_pooling)
        layers, kernel = [], initializers(self.start)[-1]
        for units in self.mlp_units:
            layers.append(keras.layers.Dense(units, "relu", kernel_initializer=kernel.clone()))
            layers.append(keras.layers.Dropout(dropout))
        layers.append(
            keras.layers.Dense(self.num_classes, use_bias=False, kernel_initializer=kernel.clone())
        )
        self.mlp = keras.Sequential(layers, name="mlp")
        vectors = len(self.embedding.field_dims) + self.pairwise_pooling
        self.mlp.build((None, vectors * self.embedding.embed_dim))

    def extra_logits(self, vectors, training: bool | None = None):
        """The MLP's logits, `(batch, num_classes)`."""
        inputs = flat(vectors)
        if self.pairwise_pooling:
            pooled = ops.square(ops.sum(vectors, axis=1)) - ops.sum(ops.square(vectors), axis=1)
            inputs = ops.concatenate([inputs, pooled / 2], axis=-1)
        return self.mlp(inputs, training=training)

    def get_config(self):
        names = ("mlp_units", "dropout", "pairwise_pooling")
        return super().get_config() | {name: getattr(self, name) for name in names}
