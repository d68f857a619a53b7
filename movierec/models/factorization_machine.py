"""The factorisation machine, a baseline that reads the same ids as AutoInt."""

from collections.abc import Sequence

import keras
from keras import ops

from autoint import FeaturesEmbedding


class FactorizationMachine(keras.Model):
    """A factorisation machine over one-hot fields (Rendle, "Factorization machines", ICDM 2010).

    The logit is `b + Σ_f w_f + Σ_{f<g} e_f · e_g`, with a weight `w` and a vector `e` for every
    id. Both are in one table, the weight in the first column. Trained by
    `movierec.training.loop.fit`.

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
        """Logits `(batch, 1)` from embeddings, and an empty list of attention weights."""
        linear, vectors = ops.sum(vectors[:, :, :1], axis=1), vectors[:, :, 1:]
        pairs = ops.square(ops.sum(vectors, axis=1)) - ops.sum(ops.square(vectors), axis=1)
        return self.bias + linear + ops.sum(pairs, axis=-1, keepdims=True) / 2, []

    def call(self, ids):
        return ops.sigmoid(self.logits_of(self.embedding(ids))[0])
