"""Only training imports TensorFlow, and training imports no data libraries."""

import subprocess
import sys

import pytest

from movierec import __main__ as command_line
from movierec import files

COMMANDS = ["", *next(iter(command_line.parser()._subparsers._group_actions)).choices]
BENCHMARKS = ["data_parallel", "growth", "load", "speed", "start"]
TENSORFLOW = ("tensorflow", "keras")
DATA = ("pandas", "sklearn", "pandera", "pooch", "matplotlib", "streamlit")


def run_without(libraries: tuple[str, ...], code: str) -> str:
    """Output of the code in a new process in which importing the libraries is an error."""
    code = f"import sys; sys.modules.update(dict.fromkeys({libraries}))\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=files.ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_help_of_every_command_and_benchmark_needs_no_tensorflow():
    code = f"""
import contextlib, runpy
from movierec import __main__
for command in {COMMANDS}:
    with contextlib.suppress(SystemExit):
        __main__.main([*command.split(), "--help"])
for module in {BENCHMARKS}:
    sys.argv[1:] = ["--help"]
    with contextlib.suppress(SystemExit):
        runpy.run_module(f"benchmarks.{{module}}", run_name="__main__")
"""
    helps = run_without(TENSORFLOW, code).count("show this help message")
    assert helps == len(COMMANDS) + len(BENCHMARKS)


def test_recommending_needs_no_tensorflow(ml100k):
    code = """
import movierec
from movierec.serving import explanation, new_user
recommender = movierec.load(dataset="ml-100k")
user = new_user.NewUser(rated=((1, 5), (50, 2)))
candidates = new_user.candidates(recommender, user)
movies = recommender.rank(candidates, 3)
explanation.explain(recommender, candidates, int(movies["movie_id"][0]))
print(len(recommender.recommend(1)), len(movies), end="")
"""
    assert run_without(TENSORFLOW, code) == "10 3"


@pytest.mark.slow
def test_training_needs_no_data_libraries():
    code = """
import numpy as np
from autointmlp import AutoIntMLP
from movierec.training import loop
from movierec.data.rows import Rows
from movierec.training.settings import Settings
rows = Rows(np.arange(20, dtype=np.int32)[:, None] // (10, 5), np.zeros(20, np.float32))
settings = Settings(epochs=1, patience=None)
history = loop.fit(AutoIntMLP((2, 4)), rows, None, settings)
print(history[0]["epoch"])
"""
    assert run_without(DATA, code) == "1\n"
