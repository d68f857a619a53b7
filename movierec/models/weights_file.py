"""Read the weights file of a Keras model into a `NumpyModel`."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from movierec.models.numpy_model import NumpyModel

# Paths of the arrays in a weights file, as Keras writes them. Keras names the layers of one class
# in a list `name`, `name_1`, `name_2`, ...
TABLE = "embedding/vars/0"
READOUT, BIAS = "attention_logit/vars/0", "attention_logit/vars/1"
INTERACTING = "interacting/multi_head_self_attention"  # vars/0 to 3: query, key, value, residual
DENSE = "layers/sequential/layers/dense"  # vars/0: kernel, vars/1: bias

ARGUMENTS = {"field_dims", "embed_dim", "num_layers", "num_heads", "head_dim", "num_classes"}
ARGUMENTS |= {"num_positive", "mlp_units", "pairwise_pooling"}
TRAINING_ARGUMENTS = {"start", "dropout", "trainable"}  # irrelevant to a trained model


def read(path: Path, arguments: Mapping) -> NumpyModel:
    """Read a model from the weights file that Keras wrote.

    Args:
        path: the file.
        arguments: the arguments of `AutoInt` or, if `mlp_units` is among them, of `AutoIntMLP`.

    Raises:
        ValueError, KeyError, TypeError, OSError: the file cannot be read, an argument is missing
            or unknown, or the weights are not finite, all zero, or those of another model.
    """
    if unknown := arguments.keys() - ARGUMENTS - TRAINING_ARGUMENTS:
        raise ValueError(f"unknown arguments: {', '.join(sorted(unknown))}")
    field_dims, embed_dim = arguments["field_dims"], arguments["embed_dim"]
    num_layers, num_heads = arguments["num_layers"], arguments["num_heads"]
    num_classes, num_positive = arguments["num_classes"], arguments["num_positive"]
    pooling, mlp_units = arguments.get("pairwise_pooling", False), arguments.get("mlp_units")
    if not (0 < num_positive < max(2, num_classes) and num_heads > 0):
        raise ValueError(
            "expected num_heads of at least 1 and num_positive from 1 to below num_classes (1 for "
            f"one class). Received: num_heads {num_heads}, num_positive {num_positive}"
        )
    stored = _stored(path)
    width = num_heads * arguments["head_dim"] if num_layers else embed_dim

    def take(name: str, *shape: int) -> np.ndarray:
        array = stored.pop(name, None)
        received = None if array is None else array.shape
        if received != shape:
            raise ValueError(f"{name} has the shape {received}, expected {shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")
        if array.size > 1 and not array.any():
            raise ValueError(f"{name} is all zeros")
        return array

    fields = len(field_dims)
    layers = []
    for layer in _numbered(INTERACTING, num_layers):
        shape = (width if layers else embed_dim, width)
        layers.append(np.stack([take(f"{layer}/vars/{kind}", *shape) for kind in range(4)]))
    dense, biases = [], []
    if mlp_units is not None:
        sizes = [(fields + pooling) * embed_dim, *mlp_units, num_classes]
        names = _numbered(DENSE, len(sizes) - 1)
        for name, shape in zip(names, itertools.pairwise(sizes), strict=True):
            dense.append(take(f"{name}/vars/0", *shape))
            if len(dense) < len(names):
                biases.append(take(f"{name}/vars/1", shape[1]))
    model = NumpyModel(
        field_dims=tuple(field_dims),
        num_heads=num_heads,
        num_positive=num_positive,
        pairwise_pooling=pooling,
        table=take(TABLE, sum(field_dims), embed_dim),
        layers=tuple(layers),
        readout=take(READOUT, fields * width, num_classes),
        bias=take(BIAS, num_classes),
        dense=tuple(dense),
        biases=tuple(biases),
    )
    if stored:
        raise ValueError(f"it also contains {', '.join(stored)}")
    return model


def _numbered(name: str, count: int) -> list[str]:
    """The names that Keras gives to `count` layers of one class."""
    return [name + (f"_{number}" if number else "") for number in range(count)]


def _stored(path: Path) -> dict[str, np.ndarray]:
    """The floating-point arrays of a weights file, by path."""
    stored = {}

    def keep(name: str, item) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            stored[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return stored
