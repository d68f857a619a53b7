"""Where compiled functions are defined, and that `compile_all` compiles all that is needed."""

import ast
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import movierec.models
from autoint import AutoInt
from autointmlp import AutoIntMLP
from movierec import files
from movierec.data.rows import Rows
from movierec.models import history_sums, kernels, scorer
from movierec.training import loop, losses
from movierec.training.settings import Settings
from tests.models.test_scorer import DIMS, FIVE, rows

COMPILING = {"compiled", "njit", "jit", "vectorize", "guvectorize", "stencil", "cfunc"}
COMPILING |= {"generated_jit", "intrinsic", "overload"}
SOURCES = [*files.ROOT.glob("*.py"), *files.ROOT.glob("movierec/**/*.py")]


def compiling_names(source: str) -> set[str]:
    """The modules and names in a source file that make Numba compile a function."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.split(".")[0] == "numba"}
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").split(".")[0] == "numba":
                names.add(node.module)
            names |= {alias.name for alias in node.names} & COMPILING
        elif isinstance(node, (ast.Name, ast.Attribute)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            names |= {name} & COMPILING
    return names


def test_compiled_functions_use_only_those_of_their_own_file():
    """Numba recompiles a function when its own file changes, not when another file changes."""
    own, history = Path(kernels.__file__), Path(history_sums.__file__)
    assert own in SOURCES
    assert {"numba", "njit", "compiled", "intrinsic"} <= compiling_names(own.read_text("utf-8"))
    assert "kernels" not in history.read_text("utf-8")
    for path in SOURCES:
        if path not in (own, history):
            names = compiling_names(path.read_text("utf-8"))
            assert not names, f"{path} uses {names}: define compiled functions in {own.name}"


@pytest.mark.parametrize(
    "source",
    [
        "import numba as nb",
        "from numba import prange",
        "from numba.extending import intrinsic",
        "from movierec.models.kernels import compiled",
        "@kernels.compiled\ndef f():\n    pass",
    ],
)
def test_a_compiled_function_in_another_file_is_noticed(source):
    assert compiling_names(source)


@pytest.fixture
def uncompiled(monkeypatch):
    """The module of kernels as a new process imports it: nothing is compiled or loaded yet."""
    monkeypatch.delitem(sys.modules, kernels.__name__)
    monkeypatch.delattr(movierec.models, "kernels")
    return importlib.import_module(kernels.__name__)


def signatures(module) -> dict[str, set]:
    """The argument types for which each compiled function of the module is available."""
    return {
        name: set(function.signatures)
        for name, function in vars(module).items()
        if isinstance(function, Dispatcher)
    }


def test_compile_all_leaves_nothing_to_compile(uncompiled):
    assert not any(signatures(uncompiled).values())
    uncompiled.compile_all()
    before = signatures(uncompiled)
    assert before["logits"]
    assert len(before["gradients"]) == 2  # float labels and integer classes
    ids = rows(300)
    ratings = 1 + ids[:, 0] % 5
    train = Rows(ids, (ratings >= 4).astype(np.float32), ratings)
    settings = Settings(epochs=1, batch_size=128, patience=None, unknown_rate=0.1, ema_momentum=0.9)
    for model in (AutoInt(DIMS), AutoIntMLP(DIMS, pairwise_pooling=True, **FIVE)):
        assert losses.is_compiled(model)
        loop.fit(model, train, train, settings)
        scorer.predictor(model)(ids)
    assert signatures(uncompiled) == before
