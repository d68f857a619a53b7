"""Read `label_encoders.pkl` without running any code that it may contain."""

import io
import pickle
from pathlib import Path

import numpy as np
from sklearn.preprocessing import LabelEncoder

from movierec import files
from movierec.data.encoder import EncoderError, FeatureEncoder
from movierec.data.rows import UNKNOWN

_ADMITTED = {
    ("sklearn.preprocessing._label", "LabelEncoder"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}


class _SafeUnpickler(pickle.Unpickler):
    """Loads only the classes that a dict of fitted LabelEncoders needs, so it executes no code."""

    def find_class(self, module: str, name: str):
        if (module, name) not in _ADMITTED:
            raise EncoderError(f"it refers to {module}.{name}, which no label encoder needs")
        return super().find_class(module, name)


def load(path: Path, sha256: str) -> FeatureEncoder:
    """Read `label_encoders.pkl` after checking its hash.

    Args:
        path: the pickle.
        sha256: the file's SHA-256 according to the manifest.

    Raises:
        EncoderError: the file is missing, has another hash, or contains anything other than label
            encoders. No code from the file is executed.
    """
    if not path.is_file():
        raise EncoderError(f"{path} is missing: restore it with git, or train again")
    content = path.read_bytes()
    actual = files.digest(content)
    if actual != sha256:
        raise EncoderError(
            f"{path} is not the encoder named in the manifest (SHA-256 {actual}, expected "
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
        raise EncoderError(f"it contains a {type(encoders).__name__}")
    for feature, encoder in encoders.items():
        known = getattr(encoder, "classes_", None)
        if not isinstance(encoder, LabelEncoder) or not isinstance(known, np.ndarray):
            raise EncoderError(f"the entry {feature!r} is not a fitted LabelEncoder")
        if known.dtype.kind != "U" or known.ndim != 1:
            raise EncoderError(f"the classes of {feature!r} are {known.dtype}, not text")
        if not len(known) or known[UNKNOWN] != "" or not (known[:-1] < known[1:]).all():
            raise EncoderError(f"the classes of {feature!r} are not sorted with '' for unknown")
    return FeatureEncoder({feature: encoder.classes_ for feature, encoder in encoders.items()})
