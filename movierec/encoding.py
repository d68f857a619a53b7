"""The frozen feature encoder: raw values ↔ the ids that a model's embedding table is read with.

It is fitted once, on training rows, and never again. On disk it is what the course uses: a dict
of one scikit-learn `LabelEncoder` per feature, pickled. Each of them has learnt the text of the
values, with the empty text first, so **id 0 of every field means "unknown"**: a missing value, or
one that no training row had.
"""

import io
import numbers
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from sklearn.preprocessing import LabelEncoder

from movierec import files
from movierec.rows import UNKNOWN

_ADMITTED = {
    ("sklearn.preprocessing._label", "LabelEncoder"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


class EncoderError(Exception):
    """An encoder file that cannot be trusted or used, or rows that it cannot encode."""


def as_text(values: Sequence) -> np.ndarray:
    """Normalise raw values to text: the one place where that is done.

    Whole numbers become decimal digits whatever their type, so 1, 1.0, np.int64(1) and "1" are
    the same value; text keeps its leading zeros ("02460" is a zip code) and loses outer spaces;
    missing values become "".

    >>> as_text([1, 1.0, " 1 ", "02460", None]).tolist()
    ['1', '1', '1', '02460', '']
    """
    return np.array([_text(value) for value in values], dtype=np.str_)


def _text(value) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or value is pd.NA or value != value:  # NaN and NaT differ from themselves
        return ""
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)):
        return str(int(value)) if value % 1 == 0 else str(value)
    return str(value)


@dataclass(frozen=True)
class FeatureEncoder:
    """Ids of raw feature values. Build one with `fit` or `load`; it cannot be refitted.

    Args:
        classes: for every feature, in the model's order, its known values as sorted text,
            starting with "" for unknown.
    """

    classes: Mapping[str, np.ndarray]

    def __post_init__(self):
        frozen = {
            feature: np.array(known, dtype=np.str_) for feature, known in self.classes.items()
        }
        for known in frozen.values():
            known.setflags(write=False)
        object.__setattr__(self, "classes", MappingProxyType(frozen))

    @property
    def features(self) -> tuple[str, ...]:
        """Feature names in the order in which a model reads them."""
        return tuple(self.classes)

    @property
    def field_dims(self) -> tuple[int, ...]:
        """Number of ids of each field, the unknown one included."""
        return tuple(len(known) for known in self.classes.values())

    @cached_property
    def _lookups(self) -> dict[str, pd.Index]:
        return {feature: pd.Index(known) for feature, known in self.classes.items()}

    def transform(self, rows: pd.DataFrame, features: Sequence[str] | None = None) -> np.ndarray:
        """Encode rows of raw values.

        Args:
            rows: a table with (at least) the columns `features`.
            features: which features to encode; all of them by default.

        Returns:
            int32 ids, shape (rows, features); 0 where a value is unknown.

        Raises:
            EncoderError: when a column is missing or stands twice, or holds what is no value.
        """
        features = self.features if features is None else tuple(features)
        if foreign := [feature for feature in features if feature not in self.classes]:
            raise EncoderError(f"no such feature: {foreign}; expected some of {self.features}")
        if not isinstance(rows, pd.DataFrame) or not rows.columns.is_unique:
            raise EncoderError(
                f"expected a table with one column each of {', '.join(features)}. Received: "
                f"{type(rows).__name__} {list(getattr(rows, 'columns', []))}"
            )
        if absent := [feature for feature in features if feature not in rows]:
            raise EncoderError(
                f"the rows lack {', '.join(absent)}; expected the columns {', '.join(features)}"
            )
        ids = np.empty((len(rows), len(features)), np.int32)
        for column, feature in enumerate(features):
            try:
                codes, uniques = pd.factorize(rows[feature])  # a missing value has code -1 ...
                known = self._lookups[feature].get_indexer(as_text(uniques))
            except (TypeError, ValueError) as error:
                raise EncoderError(
                    f"the column {feature} holds what is neither a number nor text: {error}"
                ) from error
            table = np.append(np.maximum(known, UNKNOWN), UNKNOWN)  # ... and reads the last entry
            ids[:, column] = table[codes]
        return ids

    def to_bytes(self) -> bytes:
        """The pickled dict of LabelEncoders, the content of `label_encoders.pkl`."""
        encoders = {}
        for feature, known in self.classes.items():
            encoders[feature] = LabelEncoder()
            encoders[feature].classes_ = known
        return pickle.dumps(encoders, protocol=4)


def fit(rows: pd.DataFrame) -> FeatureEncoder:
    """Learn the values of every column of `rows`: training rows, never others."""
    return FeatureEncoder(
        {
            feature: LabelEncoder().fit(["", *as_text(rows[feature].dropna().unique())]).classes_
            for feature in rows
        }
    )


class _SafeUnpickler(pickle.Unpickler):
    """Admits only what a dict of fitted LabelEncoders is made of, so nothing can be executed."""

    def find_class(self, module: str, name: str):
        if (module, name) not in _ADMITTED:
            raise EncoderError(f"it asks for {module}.{name}, which no label encoder needs")
        return super().find_class(module, name)


def load(path: Path, sha256: str) -> FeatureEncoder:
    """Read `label_encoders.pkl` after checking that it is the one the manifest names.

    Args:
        path: the pickle.
        sha256: the file's SHA-256 according to the manifest.

    Raises:
        EncoderError: when the file is missing, is not that file, or holds anything but label
            encoders. Nothing in it is executed.
    """
    if not path.is_file():
        raise EncoderError(f"{path} is missing: restore it with git, or train again")
    content = path.read_bytes()
    actual = files.digest(content)
    if actual != sha256:
        raise EncoderError(
            f"{path} is not the encoder that the manifest names (SHA-256 {actual}, expected "
            f"{sha256}): restore it with git, or train again"
        )
    try:
        return _decode(content)
    except Exception as error:
        raise EncoderError(
            f"{path} was refused: {error}. Expected a dict of fitted LabelEncoders with text "
            "classes; restore it with git, or train again"
        ) from error


def _decode(content: bytes) -> FeatureEncoder:
    encoders = _SafeUnpickler(io.BytesIO(content)).load()
    if not isinstance(encoders, dict) or not encoders:
        raise EncoderError(f"it holds a {type(encoders).__name__}")
    for feature, encoder in encoders.items():
        known = getattr(encoder, "classes_", None)
        if not isinstance(encoder, LabelEncoder) or not isinstance(known, np.ndarray):
            raise EncoderError(f"the entry {feature!r} is not a fitted LabelEncoder")
        if known.dtype.kind != "U" or known.ndim != 1:
            raise EncoderError(f"the classes of {feature!r} are {known.dtype}, not text")
        if not len(known) or known[UNKNOWN] != "" or not (known[:-1] < known[1:]).all():
            raise EncoderError(f"the classes of {feature!r} are not sorted with '' for unknown")
    return FeatureEncoder({feature: encoder.classes_ for feature, encoder in encoders.items()})
