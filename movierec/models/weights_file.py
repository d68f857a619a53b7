"""Read the weights file of a Keras model into a `NumpyModel`."""

import itertools
import math
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from movierec import files
from movierec.errors import MovieRecError, quoted
from movierec.models.array_file import LARGEST
from movierec.models.numpy_model import NumpyModel

# Paths of the arrays in a weights file, as Keras writes them. Keras names the layers of one class
# in a list `name`, `name_1`, `name_2`, ...
TABLE = "embedding/vars/0"
READOUT, BIAS = "attention_logit/vars/0", "attention_logit/vars/1"
INTERACTING = "interacting/multi_head_self_attention"  # vars/0 to 3: query, key, value, residual
DENSE = "layers/sequential/layers/dense"  # vars/0: kernel, vars/1: bias

# What the arguments of a model may be: the smallest and the largest whole number ...
WHOLE = {"embed_dim": (1, 4096), "num_layers": (0, 64), "num_heads": (1, 64)}
WHOLE |= {"head_dim": (1, 4096), "num_classes": (1, 64), "num_positive": (1, 63)}
# ... or, for a list, how long it may be at most and its largest whole number.
WHOLE_LISTS = {"field_dims": (1000, 2**31 - 1), "mlp_units": (64, 65_536)}
OTHERS = {"pairwise_pooling": bool, "start": str, "dropout": (int, float), "trainable": bool}
REQUIRED = {*WHOLE, "field_dims"}

OVERHEAD = 2**20  # bytes of a weights file besides the weights, at most


class WeightsError(MovieRecError, ValueError):
    """A weights file that cannot be read, or arguments that are not those of its model."""


def read(path: Path, arguments: Mapping) -> NumpyModel:
    """Read a model from the weights file that Keras wrote.

    Only what Keras writes is read: float32 arrays of the expected shapes, stored in one piece in
    the file itself. Everything else is refused before memory is allocated.

    Args:
        path: the file.
        arguments: the arguments of `AutoInt` or, if `mlp_units` is among them, of `AutoIntMLP`.

    Raises:
        WeightsError: the file cannot be read, an argument is missing, unknown or impossible, or the
            weights are not finite, beyond ±`LARGEST`, all zero, or those of another model.
        OSError: see `files.check_plain`.
    """
    check_arguments(arguments)
    field_dims, embed_dim = arguments["field_dims"], arguments["embed_dim"]
    num_layers, num_heads = arguments["num_layers"], arguments["num_heads"]
    num_classes, mlp_units = arguments["num_classes"], arguments.get("mlp_units")
    pooling = arguments.get("pairwise_pooling", False)
    width = num_heads * arguments["head_dim"] if num_layers else embed_dim
    shapes = {
        TABLE: (sum(field_dims), embed_dim),
        READOUT: (len(field_dims) * width, num_classes),
        BIAS: (num_classes,),
    }
    layers, dense, biases = [], [], []
    for number, layer in enumerate(_numbered(INTERACTING, num_layers)):
        layers.append([f"{layer}/vars/{kind}" for kind in range(4)])
        shapes |= dict.fromkeys(layers[-1], (width if number else embed_dim, width))
    if mlp_units is not None:
        sizes = [(len(field_dims) + pooling) * embed_dim, *mlp_units, num_classes]
        for layer, shape in zip(
            _numbered(DENSE, len(sizes) - 1), itertools.pairwise(sizes), strict=True
        ):
            dense.append(f"{layer}/vars/0")
            shapes[dense[-1]] = shape
            if len(dense) <= len(mlp_units):
                biases.append(f"{layer}/vars/1")
                shapes[biases[-1]] = shape[1:]
    arrays = _arrays(path, shapes)
    return NumpyModel(
        field_dims=tuple(field_dims),
        num_heads=num_heads,
        num_positive=arguments["num_positive"],
        pairwise_pooling=pooling,
        table=arrays[TABLE],
        layers=tuple(np.stack([arrays[name] for name in layer]) for layer in layers),
        readout=arrays[READOUT],
        bias=arrays[BIAS],
        dense=tuple(arrays[name] for name in dense),
        biases=tuple(arrays[name] for name in biases),
    )


def check_arguments(arguments: Mapping) -> None:
    """Refuse arguments that are missing, unknown, of another type or impossible.

    Raises:
        WeightsError: naming the argument.
    """
    if unknown := arguments.keys() - WHOLE.keys() - WHOLE_LISTS.keys() - OTHERS.keys():
        raise WeightsError(f"there is no argument {quoted(min(unknown, key=str))}")
    if missing := REQUIRED - arguments.keys():
        raise WeightsError(f"missing arguments: {', '.join(sorted(missing))}")
    for name, value in arguments.items():
        if name in WHOLE:
            low, high = WHOLE[name]
            fits, expected = _is_whole(value, low, high), f"a whole number from {low} to {high}"
        elif name in WHOLE_LISTS:
            length, high = WHOLE_LISTS[name]
            fits = isinstance(value, list | tuple) and len(value) <= length
            fits = fits and all(_is_whole(number, 1, high) for number in value)
            expected = f"at most {length} whole numbers from 1 to {high}"
        else:
            fits = isinstance(value, OTHERS[name]) and (name != "dropout" or 0 <= value < 1)
            expected = {bool: "true or false", str: "text"}.get(OTHERS[name], "0 to below 1")
        if not fits:
            raise WeightsError(f"{name} is {quoted(value)}, expected {expected}")
    if not arguments["num_positive"] < max(2, arguments["num_classes"]):
        raise WeightsError(
            "expected num_positive below num_classes (1 for one class). Received: num_positive "
            f"{arguments['num_positive']}, num_classes {arguments['num_classes']}"
        )


def _is_whole(value, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high  # True is an int, too


def _numbered(name: str, count: int) -> list[str]:
    """The names that Keras gives to `count` layers of one class."""
    return [name + (f"_{number}" if number else "") for number in range(count)]


def _arrays(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    """The arrays of a weights file, by path, which must have these shapes."""
    size = 4 * sum(math.prod(shape) for shape in shapes.values())
    files.check_plain(path, size + OVERHEAD)
    arrays = {}
    try:
        with h5py.File(path) as file:
            datasets = {}

            def keep(name: str, item) -> None:  # links to other files or objects are not followed
                if isinstance(item, h5py.Dataset):
                    datasets[name] = item

            file.visititems(keep)
            for name, shape in shapes.items():
                _check_dataset(name, datasets.get(name), shape)
            if others := datasets.keys() - shapes.keys():
                raise WeightsError(f"it also contains {quoted(min(others))}")
            for name in shapes:
                arrays[name] = datasets[name][()]
    except WeightsError:
        raise
    except Exception as error:  # a damaged file makes h5py raise almost any kind
        raise WeightsError("it is damaged or not an HDF5 file") from error
    for name, array in arrays.items():
        if not (np.abs(array) <= LARGEST).all():
            raise WeightsError(f"{name} has values that are not finite or beyond ±{LARGEST:g}")
        if array.size > 1 and not array.any():
            raise WeightsError(f"{name} is all zeros")
    return arrays


def _check_dataset(name: str, dataset: h5py.Dataset | None, shape: tuple[int, ...]) -> None:
    """Refuse a dataset that is not a float32 array of this shape, all of it in the file."""
    received = None if dataset is None else dataset.shape
    if received != shape:
        raise WeightsError(f"{name} has the shape {quoted(received)}, expected {shape}")
    if dataset.dtype != np.float32:
        raise WeightsError(f"{name} has the type {dataset.dtype.name}, expected float32")
    properties = dataset.id.get_create_plist()
    if (
        properties.get_layout() != h5py.h5d.CONTIGUOUS  # neither virtual nor compressed
        or properties.get_external_count()
        or dataset.id.get_storage_size() != 4 * math.prod(shape)
    ):
        raise WeightsError(f"{name} is not stored in one piece in the file")
