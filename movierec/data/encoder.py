"""The frozen feature encoder: raw values → ids, the rows of a model's embedding table.

It is fitted once, on training rows, and never refitted. The file is the course's format: a pickled
dict of one scikit-learn `LabelEncoder` per feature. Each was fitted on the values as text, with the
empty text first, so **id 0 of every field means "unknown"**: a missing value, or one that is in no
training row.
"""

import numbers
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import pandas as pd
from sklearn.preprocessing import LabelEncoder

from movierec.data.rows import UNKNOWN
from movierec.errors import MovieRecError, quoted


class EncoderError(MovieRecError):
    """An encoder file that cannot be trusted or read, or rows that cannot be encoded."""


def as_text(values: Sequence) -> np.ndarray:
    """Raw values as text; the only place where values are normalised.

    Whole numbers of any type become decimal digits, so 1, 1.0, np.int64(1) and "1" are the same
    value. Text keeps its leading zeros ("02460" is a zip code) and loses spaces at both ends.
    Missing values become "".

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
    """Maps raw feature values to ids. Made by `fit` or `encoder_file.load`; it cannot be refitted.

    Args:
        classes: the known values of every feature, in the model's order: sorted text that starts
            with "" for unknown.
    """

    classes: Mapping[str, np.ndarray]

    @classmethod
    def fit(cls, columns: Mapping[str, pd.Series]) -> "FeatureEncoder":
        """An encoder that knows the values of these columns, which must come from training rows.

        Args:
            columns: feature → values, such as a table with one column per feature.
        """
        return cls(
            {
                feature: LabelEncoder().fit(["", *as_text(values.dropna().unique())]).classes_
                for feature, values in columns.items()
            }
        )

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
        """Number of ids of each field, including the unknown one."""
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
            EncoderError: a column is missing, occurs twice, or has unhashable values such as lists.
        """
        features = self.features if features is None else tuple(features)
        if foreign := [feature for feature in features if feature not in self.classes]:
            expected = ", ".join(self.features)
            raise EncoderError(f"no such feature: {quoted(foreign)}; expected some of {expected}")
        if not isinstance(rows, pd.DataFrame) or not rows.columns.is_unique:
            columns = quoted(list(getattr(rows, "columns", [])))
            raise EncoderError(
                f"expected a table with one column each of {', '.join(features)}. Received: "
                f"{type(rows).__name__} {columns}"
            )
        if absent := [feature for feature in features if feature not in rows]:
            raise EncoderError(
                f"the rows lack {', '.join(absent)}; expected the columns {', '.join(features)}"
            )
        ids = np.empty((len(rows), len(features)), np.int32)
        for column, feature in enumerate(features):
            try:
                codes, uniques = pd.factorize(rows[feature])  # the code of a missing value is -1
                known = self._lookups[feature].get_indexer(as_text(uniques))
            except (TypeError, ValueError) as error:
                raise EncoderError(
                    f"the column {feature} has a value that is neither a number nor text"
                ) from error
            table = np.append(np.maximum(known, UNKNOWN), UNKNOWN)  # code -1 reads the last entry
            ids[:, column] = table[codes]
        return ids

    def to_bytes(self) -> bytes:
        """The pickled dict of LabelEncoders, the content of `label_encoders.pkl`."""
        encoders = {}
        for feature, known in self.classes.items():
            encoders[feature] = LabelEncoder()
            encoders[feature].classes_ = known
        return pickle.dumps(encoders, protocol=4)
