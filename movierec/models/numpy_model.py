"""A trained AutoInt or AutoInt+ as NumPy arrays: what serving needs, without TensorFlow.

The forward pass in NumPy is for few rows, such as an explanation or a new user;
`movierec.models.scorer` has a faster one for many rows. Tests compare both with the Keras model.
"""

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, softmax

from movierec.data.rows import UNKNOWN, check_ids

ROWS_PER_CALL = 8192


@dataclass(frozen=True, eq=False)
class NumpyModel:
    """A trained model. `embedding`, `logits_of` and `probabilities` match `autoint.AutoInt`.

    Args:
        field_dims, num_heads, num_positive, pairwise_pooling: as in the model.
        table: embedding vectors of all fields' ids, (ids, embed_dim).
        layers: kernels of each interacting layer, (4, inputs, heads · dim).
        readout, bias: output layer of the interacting layers, (fields · width, classes) and
            (classes,).
        dense: kernels of the MLP, each (inputs, units); empty without an MLP.
        biases: biases of the MLP's hidden layers, one fewer than kernels.
    """

    field_dims: tuple[int, ...]
    num_heads: int
    num_positive: int
    pairwise_pooling: bool
    table: np.ndarray
    layers: tuple[np.ndarray, ...]
    readout: np.ndarray
    bias: np.ndarray
    dense: tuple[np.ndarray, ...] = ()
    biases: tuple[np.ndarray, ...] = ()

    @classmethod
    def of(cls, model) -> "NumpyModel":
        """The current weights of a Keras AutoInt or AutoIntMLP."""
        mlp = model.mlp.layers if hasattr(model, "mlp") else ()
        dense = [[np.array(weight) for weight in layer.weights] for layer in mlp if layer.weights]
        readout, bias = (np.array(weight) for weight in model.attention_logit.weights)
        return cls(
            field_dims=model.embedding.field_dims,
            num_heads=model.num_heads,
            num_positive=model.num_positive,
            pairwise_pooling=getattr(model, "pairwise_pooling", False),
            table=np.array(model.embedding.table),
            layers=tuple(np.stack(layer.kernels) for layer in model.interacting),
            readout=readout,
            bias=bias,
            dense=tuple(kernel for kernel, *_ in dense),
            biases=tuple(bias for _, *rest in dense for bias in rest),
        )

    @property
    def embed_dim(self) -> int:
        """Length of an embedding vector."""
        return self.table.shape[1]

    @property
    def num_classes(self) -> int:
        """Number of logits per row."""
        return len(self.bias)

    @property
    def offsets(self) -> np.ndarray:
        """First table row of each field, int32 (fields,)."""
        return np.cumsum([0, *self.field_dims[:-1]], dtype=np.int32)

    def with_users(self, vectors: np.ndarray) -> "NumpyModel":
        """The same model with other users: `vectors[i]` (embed_dim,) becomes user id i + 1.

        Raises:
            ValueError: vectors of another length.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.embed_dim:
            raise ValueError(
                f"expected vectors of shape (users, {self.embed_dim}). Received: {vectors.shape}"
            )
        users, *others = self.field_dims
        table = np.concatenate([self.table[UNKNOWN : UNKNOWN + 1], vectors, self.table[users:]])
        return dataclasses.replace(self, table=table, field_dims=(1 + len(vectors), *others))

    def embedding(self, ids: np.ndarray) -> np.ndarray:
        """Vectors `(rows, fields, embed_dim)` of ids `(rows, fields)`.

        Raises:
            ValueError: ids that do not fit the model, see `rows.check_ids`.
        """
        check_ids(ids, self.field_dims)
        return self.table[ids + self.offsets]

    def logits_of(self, vectors: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Logits `(rows, classes)` and each layer's α `(rows, heads, fields, fields)`."""
        logits, layers, _ = self._forward(vectors)
        return logits, [weights for *_, weights, _ in layers]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probability that the label is positive, `(rows, 1)`."""
        if self.num_classes == 1:
            return expit(logits)
        shares = softmax(logits, axis=1)[:, -self.num_positive :]
        return np.minimum(shares.sum(axis=1, keepdims=True), 1)  # rounding may exceed 1

    def mean_attention(self, ids: np.ndarray) -> np.ndarray:
        """Attention of each interacting layer, averaged over heads and rows.

        Args:
            ids: encoded rows, shape (rows, fields), at least one.

        Returns:
            float32, shape (layers, fields, fields): row = query field, column = key field; rows
            sum to 1.

        Raises:
            ValueError: no rows, or ids that do not fit the model.
        """
        if not len(ids):
            raise ValueError("expected at least one row of ids. Received: none")
        sums = 0
        for start in range(0, len(ids), ROWS_PER_CALL):
            _, layers = self.logits_of(self.embedding(ids[start : start + ROWS_PER_CALL]))
            sums += np.array([np.sum(np.mean(layer, axis=1), axis=0) for layer in layers])
        return (sums / len(ids)).astype(np.float32)

    def gradient(self, vectors: np.ndarray, loss_gradient) -> np.ndarray:
        """Gradient of a loss, summed over rows, with respect to the embedding vectors.

        Args:
            vectors: `(rows, fields, embed_dim)`.
            loss_gradient: function from logits `(rows, classes)` to the loss's gradient with
                respect to them.

        Returns:
            The gradient, of the same shape as `vectors`.
        """
        logits, layers, hidden = self._forward(vectors)
        slope = loss_gradient(logits)
        rows, fields, _ = vectors.shape
        back = (slope @ self.readout.T).reshape(rows, fields, len(self.readout) // fields)
        for kernels, (q, k, v, weights, x) in reversed([*zip(self.layers, layers, strict=True)]):
            dx = self._split_heads(back) * (x > 0)
            d = weights * (dx @ v.swapaxes(-1, -2))
            d -= weights * d.sum(axis=-1, keepdims=True)
            parts = (d @ k, d.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dx, dx)
            back = sum(
                self._merge_heads(part) @ kernel.T
                for part, kernel in zip(parts, kernels, strict=True)
            )
        if self.dense:
            slope = slope @ self.dense[-1].T
            for kernel, x in reversed([*zip(self.dense[:-1], hidden, strict=True)]):
                slope = (slope * (x > 0)) @ kernel.T
            single = fields * self.embed_dim
            back = back + slope[:, :single].reshape(vectors.shape)
            if self.pairwise_pooling:
                others = vectors.sum(axis=1, keepdims=True) - vectors
                back += slope[:, None, single:] * others
        return back

    def _forward(self, vectors: np.ndarray) -> tuple[np.ndarray, list, list]:
        """Logits; each layer's queries, keys, values, α and output; the hidden layers' outputs."""
        x, layers, hidden = vectors, [], []
        for kernels in self.layers:
            q, k, v, r = (self._split_heads(x @ kernel) for kernel in kernels)
            weights = softmax(q @ k.swapaxes(-1, -2), axis=-1)
            layers.append((q, k, v, weights, np.maximum(weights @ v + r, 0)))
            x = self._merge_heads(layers[-1][-1])
        logits = _flat(x) @ self.readout + self.bias
        if self.dense:
            x = _flat(vectors)
            if self.pairwise_pooling:
                pooled = vectors.sum(axis=1) ** 2 - (vectors**2).sum(axis=1)
                x = np.concatenate([x, pooled / 2], axis=1)
            for kernel, bias in zip(self.dense[:-1], self.biases, strict=True):
                x = np.maximum(x @ kernel + bias, 0)
                hidden.append(x)
            logits = logits + x @ self.dense[-1]
        return logits, layers, hidden

    def _split_heads(self, x: np.ndarray) -> np.ndarray:
        """`(rows, fields, heads · dim)` → `(rows, heads, fields, dim)`."""
        rows, fields, width = x.shape
        return x.reshape(rows, fields, self.num_heads, width // self.num_heads).swapaxes(1, 2)

    def _merge_heads(self, x: np.ndarray) -> np.ndarray:
        """Inverse of `_split_heads`."""
        rows, heads, fields, dim = x.shape
        return x.swapaxes(1, 2).reshape(rows, fields, heads * dim)


def _flat(vectors: np.ndarray) -> np.ndarray:
    rows, fields, dim = vectors.shape
    return vectors.reshape(rows, fields * dim)
