"""Where a number comes from: a hash of the code that decides it, and the library versions.

Tables and manifests record both, so that numbers made by different code are not compared unnoticed.
"""

import ast
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

from movierec import files

LIBRARIES = (
    "tensorflow",
    "keras",
    "numpy",
    "scipy",
    "numba",
    "pandas",
    "scikit-learn",
    "implicit",
)
ORIGIN = ("code", "versions", "data")  # the columns that say where a row comes from
# What these do does not affect any number, or is covered by the hashes of data and weights.
NOT_HASHED = {
    f"movierec.{name}"
    for name in (
        "data.download",
        "data.encoder_file",
        "data.movielens",
        "data.raw_readers",
        "errors",
        "evaluation.results",
        "files",
        "models.array_file",
        "models.artifacts",
        "models.weights_file",
        "provenance",
    )
}


def versions() -> dict[str, str]:
    """Versions of Python (without its last part) and of the libraries that affect the numbers."""
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | {name: version(name) for name in LIBRARIES}


def versions_text() -> str:
    """`versions` in one line, as tables have it."""
    return ", ".join(f"{name} {number}" for name, number in versions().items())


def modules() -> dict[str, Path]:
    """Every module of the project with code in it, by its dotted name."""
    paths = [*(files.ROOT / "movierec").rglob("*.py"), *files.ROOT.glob("*.py")]
    return {
        ".".join(path.relative_to(files.ROOT).with_suffix("").parts): path
        for path in paths
        if path.name != "__init__.py" or path.read_text("utf-8").strip()
    }


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules, of those in `known`, that a source file imports, including inside functions."""

    def module(name: str) -> str | None:
        return next((found for found in (name, f"{name}.__init__") if found in known), None)

    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {module(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {module(part) or module(node.module) for part in parts}
    return found - {None}


def code_hash(name: str) -> str:
    """A hash over the source of a module and of everything that it imports from the project.

    Docstrings, comments and line breaks do not count, so correcting a sentence does not change the
    hash. The modules `NOT_HASHED` do not count either.

    Args:
        name: the module's dotted name, such as "movierec.training.fitting".

    Returns:
        12 hexadecimal digits.
    """
    known = modules()
    reached, waiting = set(), {name}
    while waiting:
        current = waiting.pop()
        reached.add(current)
        waiting |= imports(known[current], known) - reached - NOT_HASHED
    source = "".join(f"{name}\n{_statements(known[name])}\n" for name in sorted(reached))
    return files.digest(source.encode())[:12]


def _statements(path: Path) -> str:
    """A file's source without docstrings, comments and formatting."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        scope = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if scope and ast.get_docstring(node) is not None:
            node.body[0].value.value = ""
    return ast.unparse(tree)


def origin(name: str, fingerprint: dict[str, str]) -> dict[str, str]:
    """The columns `ORIGIN` of rows that the module `name` makes from data with a fingerprint."""
    values = code_hash(name), versions_text(), fingerprint["ratings"][:12]
    return dict(zip(ORIGIN, values, strict=True))


def differing(rows: pd.DataFrame) -> str:
    """The columns of `ORIGIN` in which rows differ, with their values, as text; "" if in none."""
    return "; ".join(
        f"{name}: {' and '.join(sorted(map(str, rows[name].unique())))}"
        for name in ORIGIN
        if name in rows and len(rows[name].unique()) > 1
    )
