"""A full disk, a read-only disk or kill -9 during any write loses nothing and breaks nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("faults.c")
LIGHT = ("model", "candidates", "table", "features", "notebook")  # do not import TensorFlow


@pytest.fixture(scope="module")
def shim(tmp_path_factory) -> Path:
    """The compiled library that makes calls fail."""
    compiler = shutil.which("cc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("shim") / "faults.so"
    flags = ("-shared", "-fPIC", "-Wall", "-o", library)
    subprocess.run([compiler, *flags, SOURCE, "-ldl"], check=True)
    return library


def assert_nothing_breaks(shim: Path, folder: Path, step: int, *kinds: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fault_points", folder, str(step), *kinds],
        env=os.environ | {"LD_PRELOAD": str(shim)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    for kind, fault, points, tried, wrong in lines:
        print(f"{kind}, {fault}: {tried} of {points} points tried, {len(wrong)} wrong")
        assert points > 5, (kind, fault)
        assert not wrong, (kind, fault, wrong)
    assert len(lines) == 3 * len(kinds)


def test_nothing_breaks_at_some_points_of_every_kind(shim, tmp_path):
    assert_nothing_breaks(shim, tmp_path, 5, *LIGHT)


@pytest.mark.slow
def test_nothing_breaks_at_any_point(shim, tmp_path):
    assert_nothing_breaks(shim, tmp_path, 1, *LIGHT, "training state")
