"""Read the arrays of a saved model, after checking their types and sizes."""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def read(path: Path, dtypes: Mapping[str, str], most: int) -> dict[str, np.ndarray]:
    """The arrays of an npz file, by name.

    Args:
        path: the file.
        dtypes: the expected type of each array, such as "<f4".
        most: the number of values that an array may have at most.

    Raises:
        ValueError: the file is damaged, an array is missing, has another type or too many values,
            or a value is not finite.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name: _array(archive, name, dtypes[name], most) for name in dtypes}
    except Exception as error:  # a damaged file makes zipfile and NumPy raise almost any kind
        raise ValueError("it is damaged or not a file of this model") from error
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{name} has values that are not finite")
    return arrays


def _array(archive: zipfile.ZipFile, name: str, dtype: str, most: int) -> np.ndarray:
    """An array of the archive; `read` does not show what this raises."""
    with archive.open(f"{name}.npy") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another format")
        shape, fortran, found = np.lib.format.read_array_header_1_0(file)
        count = math.prod(shape)
        if found != dtype or fortran or count > most:
            raise ValueError("another type, or too many values")
        content = file.read(count * found.itemsize + 1)
    return np.frombuffer(content, found).reshape(shape)
