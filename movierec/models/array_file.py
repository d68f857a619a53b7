"""Read the arrays of a saved model, after checking their types and sizes."""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

LARGEST = 1e9  # a number of a trained model is smaller; scores of larger ones overflow


def read(path: Path, expected: Mapping[str, tuple[str, int]]) -> dict[str, np.ndarray]:
    """The arrays of an npz file, by name.

    Args:
        path: the file.
        expected: the type of each array, such as "<f4", and how many values it has at most.

    Raises:
        ValueError: the file is damaged, an array is missing, has another type or too many values,
            or a number is not finite or beyond ±`LARGEST`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name: _array(archive, name, *what) for name, what in expected.items()}
    except Exception as error:  # a damaged file makes zipfile and NumPy raise almost any kind
        raise ValueError("it is damaged or not a file of this model") from error
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not (np.abs(array) <= LARGEST).all():
            raise ValueError(f"{name} has values that are not finite or beyond ±{LARGEST:g}")
    return arrays


def _array(archive: zipfile.ZipFile, name: str, dtype: str, most: int) -> np.ndarray:
    """An array of the archive; `read` does not show what this raises."""
    with archive.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another format")
        shape, fortran, found = np.lib.format.read_array_header_1_0(file)
        count = math.prod(shape)
        if found != dtype or fortran or count > most or min(shape, default=0) < 0:
            raise ValueError("another type, or an impossible number of values")
        content = file.read(count * found.itemsize + 1)
    return np.frombuffer(content, found).reshape(shape)
