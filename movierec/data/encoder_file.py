"""Read `label_encoders.pkl` without unpickling it.

A pickle is a program, and NumPy's own types are enough to write one that crashes the process. So
the file's opcodes are read but never run: they must be those that `FeatureEncoder.to_bytes` writes,
apart from the features' names, their values and the version of scikit-learn.
"""

import itertools
import pickletools
from pathlib import Path

import numpy as np

from movierec import files
from movierec.data.encoder import EncoderError, FeatureEncoder
from movierec.data.rows import UNKNOWN
from movierec.errors import quoted

BYTES, OPCODES = 2**26, 10_000  # the most that is read of a file

# What a pickle has for one feature, see `_tokens`; None stands for the six parts that differ:
# name, number of classes, dtype, size of a class, the classes themselves, version.
_FEATURE = [None, ("sklearn.preprocessing._label", "LabelEncoder"), "EMPTY_TUPLE", "NEWOBJ"]
_FEATURE += ["EMPTY_DICT", "MARK", ("classes_",), ("numpy._core.multiarray", "_reconstruct")]
_FEATURE += [("numpy", "ndarray"), (0,), "TUPLE1", (b"b",), "TUPLE3", "REDUCE"]
_FEATURE += ["MARK", (1,), None, "TUPLE1", ("numpy", "dtype"), None, "NEWFALSE", "NEWTRUE"]
_FEATURE += ["TUPLE3", "REDUCE", "MARK", (3,), ("<",), "NONE", "NONE", "NONE", None, (4,), (8,)]
_FEATURE += ["TUPLE", "BUILD", "NEWFALSE", None, "TUPLE", "BUILD", ("_sklearn_version",), None]
_FEATURE += ["SETITEMS", "BUILD"]
_BEGIN, _END = ["EMPTY_DICT", "MARK"], ["SETITEMS", "STOP"]
_VALUES = {"SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES", "BINBYTES"}
_VALUES |= {"BININT1", "BININT2", "BININT"}


def load(path: Path, sha256: str) -> FeatureEncoder:
    """Read `label_encoders.pkl` after checking its hash.

    Args:
        path: the pickle.
        sha256: the file's SHA-256 according to the manifest.

    Raises:
        EncoderError: the file is missing, has another hash, or is not what
            `FeatureEncoder.to_bytes` writes. Nothing in a file is executed, and no object is made
            from a refused file.
    """
    remedy = "restore it with git, or train again"
    try:
        content = files.read(path, BYTES)
    except FileNotFoundError as error:
        raise EncoderError(f"{path} is missing: {remedy}") from error
    except OSError as error:
        raise EncoderError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    actual = files.digest(content)
    if actual != sha256:
        raise EncoderError(
            f"{path} is not the encoder named in the manifest (SHA-256 {actual}, expected "
            f"{sha256}): {remedy}"
        )
    try:
        return _decode(content)
    except EncoderError as error:
        raise EncoderError(
            f"{path} was refused: {error}. Expected a dict of fitted LabelEncoders with text "
            f"classes, as training writes it; {remedy}"
        ) from error


def _decode(content: bytes) -> FeatureEncoder:
    """The encoder stored in these bytes."""
    tokens, classes = _tokens(content), {}
    body = tokens[len(_BEGIN) : -len(_END)]
    if not body or tokens != _BEGIN + body + _END:
        raise EncoderError("it is not a dict of several features")
    for start in range(0, len(body), len(_FEATURE)):
        feature, known = _classes(body[start : start + len(_FEATURE)])
        if feature in classes:
            raise EncoderError(f"the feature {quoted(feature)} occurs twice")
        classes[feature] = known
    return FeatureEncoder(classes)


def _classes(tokens: list) -> tuple[str, np.ndarray]:
    """A feature's name and classes, from its tokens."""
    for found, expected in itertools.zip_longest(tokens, _FEATURE):
        if found != expected and expected is not None:
            raise EncoderError(f"it has {quoted(found)} in the place of {quoted(expected)}")
    parts = [found for found, expected in zip(tokens, _FEATURE, strict=True) if expected is None]
    if [[*map(type, part)] for part in parts] != [[str], [int], [str], [int], [bytes], [str]]:
        raise EncoderError("the description of an array has parts of the wrong type")
    feature, count, dtype, size, data, _ = (part[0] for part in parts)
    if not feature.isprintable():
        raise EncoderError(f"{quoted(feature)} is not the name of a feature")
    if size <= 0 or dtype != f"U{size // 4}" or size % 4 or count * size != len(data) or not data:
        raise EncoderError(f"the classes of {quoted(feature)} are not {count} texts")
    letters = np.frombuffer(data, "<u4")
    if (letters > 0x10FFFF).any() or (letters >> 11 == 0xD800 >> 11).any():  # surrogates
        raise EncoderError(f"the classes of {quoted(feature)} are not text")
    known = letters.view(f"<{dtype}")
    if known[UNKNOWN] != "" or not (known[:-1] < known[1:]).all():
        raise EncoderError(f"the classes of {quoted(feature)} are not sorted with '' for unknown")
    return feature, known


def _tokens(content: bytes) -> list:
    """A pickle's opcodes, without those that only serve the reader of a pickle.

    Returns:
        For text, a whole number or bytes: a tuple of that value; for a class or function: a tuple
        of its module and name; for any other opcode: its name. A GET is replaced by what it
        refers to.
    """
    tokens, memo, end = [], [], 0
    try:
        for opcode, argument, position in itertools.islice(pickletools.genops(content), OPCODES):
            name, end = opcode.name, position + 1
            if name == "MEMOIZE":
                memo.append(tokens[-1] if isinstance(tokens[-1], tuple) else "an object")
            elif name == "STACK_GLOBAL":
                (module,), (attribute,) = tokens[-2:]
                tokens[-2:] = [(module, attribute)]
            elif name in ("BINGET", "LONG_BINGET"):
                tokens.append(memo[argument])
            elif name not in ("PROTO", "FRAME"):
                tokens.append((argument,) if name in _VALUES else name)
    except Exception as error:  # damaged pickles make pickletools raise several kinds
        raise EncoderError("it is not a pickle, or it is cut short") from error
    if end != len(content):
        raise EncoderError("it goes on after its end, or has too many opcodes")
    return tokens
