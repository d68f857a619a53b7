"""Who does not train does not wait for TensorFlow; who trains needs no data libraries."""

import subprocess
import sys

import pytest

from movierec import artefacts

MAINS = sorted(
    f"{path.parent.name}.{path.stem}"
    for folder in ("movierec", "benchmarks")
    for path in (artefacts.ROOT / folder).glob("*.py")
    if "ArgumentParser(description=main" in path.read_text("utf-8")
)
TENSORFLOW = ("tensorflow", "keras")
DATA = ("pandas", "sklearn", "pandera", "pooch", "matplotlib", "streamlit")


def without(libraries: tuple[str, ...], code: str) -> str:
    """What the code prints in a process of its own, where importing the libraries is an error."""
    code = f"import sys; sys.modules.update(dict.fromkeys({libraries}))\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=artefacts.ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", MAINS)
def test_help(name):
    code = (
        f"sys.argv[1:] = ['--help']; import runpy; runpy.run_module({name!r}, run_name='__main__')"
    )
    assert "show this help message" in without(TENSORFLOW, code)


def test_recommending(ml100k):
    code = """
from movierec import explain, newcomer, recommender
ready = recommender.load(dataset="ml-100k")
candidates = newcomer.candidates(ready, newcomer.Newcomer(rated=((1, 5), (50, 2))))
films = ready.rank(candidates, 3)
explain.explain(ready, candidates, int(films["movie_id"][0]))
print(len(ready.recommend(1)), len(films), end="")
"""
    assert without(TENSORFLOW, code) == "10 3"


def test_training_needs_no_data_libraries():
    code = """
import numpy as np
from autointmlp import AutoIntMLP
from movierec import fitting
from movierec.rows import Rows
from movierec.settings import Settings
rows = Rows(np.arange(20, dtype=np.int32)[:, None] // (10, 5), np.zeros(20, np.float32))
settings = Settings(epochs=1, patience=None)
fitting.fit(AutoIntMLP((2, 4)), rows, None, settings)
"""
    assert "epoch 1  loss" in without(DATA, code)
