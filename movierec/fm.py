"""The factorisation machine, a baseline of the attention models that reads the same ids."""

from collections.abc import Sequence

import keras
from keras import ops

from autoint import FeaturesEmbedding


class FactorizationMachine(keras.Model):
    """Rendle, "Factorization machines", ICDM 2010, on one-hot fields.

    The logit is `b + Σ_f w_f + Σ_{f<g} e_f · e_g`, with a weight `w` and a vector `e` for every
    id; both stand in one table, the weight first. Trained by `movierec.fitting.fit`.

    Args:
        field_dims: number of ids of each field.
        embed_dim: length of a vector.

    Call with int32 ids `(batch, fields)`; returns probabilities `(batch, 1)`.
    """

    num_classes = 1

    def __init__(self, field_dims: Sequence[int], embed_dim: int = 16):
        super().__init__()
        self.embedding = FeaturesEmbedding(field_dims, embed_dim + 1)
        self.embedding.build((None, len(self.embedding.field_dims)))
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")
        self.built = True

    def logits_of(self, vectors, training: bool | None = None):
        """The logits `(batch, 1)` from embeddings, and no attention; as `AutoInt.logits_of`."""
        linear, vectors = ops.sum(vectors[:, :, :1], axis=1), vectors[:, :, 1:]
        pairs = ops.square(ops.sum(vectors, axis=1)) - ops.sum(ops.square(vectors), axis=1)
        return self.bias + linear + ops.sum(pairs, axis=-1, keepdims=True) / 2, []

    def call(self, ids):
        return ops.sigmoid(self.logits_of(self.embedding(ids))[0])
