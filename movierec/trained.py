"""A trained AutoInt or AutoInt+ as arrays: all that serving needs, without TensorFlow.

The forward pass stands here once more, in NumPy, for the few rows of an explanation or a new
viewer; `movierec.scoring` has a faster one for many rows. Tests compare all three.
"""

import dataclasses
import itertools
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from scipy.special import expit, softmax

from movierec.rows import UNKNOWN, check_ids

KINDS = 4  # kernels of an interacting layer: query, key, value, residual


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained model; `embedding`, `logits_of` and `probabilities` are `autoint.AutoInt`'s.

    Args:
        field_dims, num_heads, num_positive, pairwise_pooling: as in the model.
        table: embedding vectors of all fields' ids, (ids, embed_dim).
        layers: kernels of each interacting layer, (4, inputs, heads · dim).
        readout, bias: of the logits, (fields · width, classes) and (classes,).
        dense: kernels of the MLP, each (inputs, units); none without an MLP.
        biases: of the MLP's hidden layers, one fewer than kernels.
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
    def of(cls, model) -> "Trained":
        """The weights that a Keras AutoInt or AutoIntMLP has now."""
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
        """Logits of a row."""
        return len(self.bias)

    @property
    def offsets(self) -> np.ndarray:
        """Where each field's rows of the table begin, int32 (fields,)."""
        return np.cumsum([0, *self.field_dims[:-1]], dtype=np.int32)

    def with_users(self, vectors: np.ndarray) -> "Trained":
        """The same model with other people as its users: `vectors[i]` (embed_dim,) is id i + 1.

        Raises:
            ValueError: vectors of another length.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.embed_dim:
            raise ValueError(
                f"expected vectors of shape (people, {self.embed_dim}). Received: {vectors.shape}"
            )
        own, *others = self.field_dims
        table = np.concatenate([self.table[UNKNOWN : UNKNOWN + 1], vectors, self.table[own:]])
        return dataclasses.replace(self, table=table, field_dims=(1 + len(vectors), *others))

    def embedding(self, ids: np.ndarray) -> np.ndarray:
        """Vectors `(rows, fields, embed_dim)` of ids `(rows, fields)`, which are checked.

        Raises:
            ValueError: see `rows.check_ids`.
        """
        check_ids(ids, self.field_dims)
        return self.table[ids + self.offsets]

    def logits_of(self, vectors: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Logits `(rows, classes)` and each layer's α `(rows, heads, fields, fields)`."""
        logits, layers, _ = self._forward(vectors)
        return logits, [weights for *_, weights, _ in layers]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """That the label is positive, `(rows, 1)`."""
        if self.num_classes == 1:
            return expit(logits)
        return softmax(logits, axis=1)[:, -self.num_positive :].sum(axis=1, keepdims=True)

    def gradient(self, vectors: np.ndarray, slope_of) -> np.ndarray:
        """The gradient of a sum over rows in their vectors.

        Args:
            vectors: `(rows, fields, embed_dim)`.
            slope_of: from logits `(rows, classes)` to the sum's gradient in them.

        Returns:
            Of the shape of `vectors`.
        """
        logits, layers, hidden = self._forward(vectors)
        slope = slope_of(logits)
        rows, fields, _ = vectors.shape
        back = (slope @ self.readout.T).reshape(rows, fields, len(self.readout) // fields)
        for kernels, (q, k, v, weights, x) in reversed([*zip(self.layers, layers, strict=True)]):
            dx = self._by_heads(back) * (x > 0)
            d = weights * (dx @ v.swapaxes(-1, -2))
            d -= weights * d.sum(axis=-1, keepdims=True)
            parts = (d @ k, d.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ dx, dx)
            back = sum(
                self._together(part) @ kernel.T for part, kernel in zip(parts, kernels, strict=True)
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
        """Logits; each layer's queries, keys, values, α and output; each hidden layer's output."""
        x, layers, hidden = vectors, [], []
        for kernels in self.layers:
            q, k, v, r = (self._by_heads(x @ kernel) for kernel in kernels)
            weights = softmax(q @ k.swapaxes(-1, -2), axis=-1)
            layers.append((q, k, v, weights, np.maximum(weights @ v + r, 0)))
            x = self._together(layers[-1][-1])
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

    def _by_heads(self, x: np.ndarray) -> np.ndarray:
        """`(rows, fields, heads · dim)` → `(rows, heads, fields, dim)`."""
        rows, fields, width = x.shape
        return x.reshape(rows, fields, self.num_heads, width // self.num_heads).swapaxes(1, 2)

    def _together(self, x: np.ndarray) -> np.ndarray:
        """Back from `_by_heads`."""
        rows, heads, fields, dim = x.shape
        return x.swapaxes(1, 2).reshape(rows, fields, heads * dim)


def _flat(vectors: np.ndarray) -> np.ndarray:
    rows, fields, dim = vectors.shape
    return vectors.reshape(rows, fields * dim)


def read(
    path: Path,
    *,
    field_dims: list[int],
    embed_dim: int,
    num_layers: int,
    num_heads: int,
    head_dim: int,
    num_classes: int,
    num_positive: int,
    mlp_units: list[int] | None = None,
    pairwise_pooling: bool = False,
    init_std: float | None = None,
    dropout: float = 0.0,
    trainable: bool = True,
) -> Trained:
    """A model from the weights file that Keras wrote.

    Args:
        path: the file.
        field_dims ... pairwise_pooling: the model's arguments, see `AutoInt` and `AutoIntMLP`.
        init_std, dropout, trainable: those that say nothing once a model is trained.

    Raises:
        ValueError, TypeError, OSError: a file that cannot be read, holds other weights than such a
            model has, or weights that training cannot have ended with.
    """
    if not (0 < num_positive < max(2, num_classes) and num_heads > 0):
        raise ValueError(f"num_positive is {num_positive}, num_heads {num_heads}")
    stored = _stored(path)
    width = num_heads * head_dim if num_layers else embed_dim

    def take(name: str, *shape: int) -> np.ndarray:
        array = stored.pop(name, None)
        received = None if array is None else array.shape
        if received != shape:
            raise ValueError(f"{name} has the shape {received}, expected {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} holds values that are not finite")
        if array.size > 1 and not array.any():
            raise ValueError(f"{name} is all zeros")
        return array

    fields = len(field_dims)
    layers = []
    for layer in _numbered("interacting/multi_head_self_attention", num_layers):
        shape = (width if layers else embed_dim, width)
        layers.append(np.stack([take(f"{layer}/vars/{kind}", *shape) for kind in range(KINDS)]))
    dense, biases = [], []
    if mlp_units is not None:
        sizes = [(fields + pairwise_pooling) * embed_dim, *mlp_units, num_classes]
        names = _numbered("layers/sequential/layers/dense", len(sizes) - 1)
        for name, shape in zip(names, itertools.pairwise(sizes), strict=True):
            dense.append(take(f"{name}/vars/0", *shape))
            if len(dense) < len(names):
                biases.append(take(f"{name}/vars/1", shape[1]))
    model = Trained(
        field_dims=tuple(field_dims),
        num_heads=num_heads,
        num_positive=num_positive,
        pairwise_pooling=pairwise_pooling,
        table=take("embedding/vars/0", sum(field_dims), embed_dim),
        layers=tuple(layers),
        readout=take("attention_logit/vars/0", fields * width, num_classes),
        bias=take("attention_logit/vars/1", num_classes),
        dense=tuple(dense),
        biases=tuple(biases),
    )
    if stored:
        raise ValueError(f"it also holds {', '.join(stored)}")
    return model


def _numbered(name: str, count: int) -> list[str]:
    """Names as Keras gives them to layers of one kind: `name`, `name_1`, `name_2` ..."""
    return [name + (f"_{number}" if number else "") for number in range(count)]


def _stored(path: Path) -> dict[str, np.ndarray]:
    """The file's arrays of floats by name."""
    stored = {}

    def keep(name: str, item) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            stored[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return stored
