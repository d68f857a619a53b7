"""AutoInt+: AutoInt with a multilayer perceptron beside the attention (paper, section 5.5)."""

from collections.abc import Sequence

import keras

from autoint import AutoInt, flat, normal_or, positive


@keras.saving.register_keras_serializable(package="movierec")
class AutoIntMLP(AutoInt):
    """AutoInt+: the logit is AutoInt's plus that of an MLP over the same embeddings.

    Args:
        field_dims: number of ids of each field.
        mlp_units: width of each hidden ReLU layer. Defaults to `(32, 32)`.
        dropout: share of hidden units dropped after each ReLU. Defaults to 0.4.
        **kwargs: the arguments of `AutoInt`.

    Call as `AutoInt`.

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
        **kwargs,
    ):
        super().__init__(field_dims, **kwargs)
        self.mlp_units = positive("mlp_units", mlp_units)
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be in [0, 1). Received: dropout={dropout}")
        self.dropout = dropout
        layers = []
        for units in self.mlp_units:
            kernel = normal_or("glorot_uniform", self.init_std)
            layers.append(keras.layers.Dense(units, "relu", kernel_initializer=kernel))
            layers.append(keras.layers.Dropout(dropout))
        kernel = normal_or("glorot_uniform", self.init_std)
        layers.append(keras.layers.Dense(1, use_bias=False, kernel_initializer=kernel))
        self.mlp = keras.Sequential(layers, name="mlp")
        self.mlp.build((None, len(self.embedding.field_dims) * self.embedding.embed_dim))

    def logits_of(self, vectors, training: bool | None = None):
        logits, attention = super().logits_of(vectors, training=training)
        return logits + self.mlp(flat(vectors), training=training), attention

    def get_config(self):
        return super().get_config() | {"mlp_units": self.mlp_units, "dropout": self.dropout}
