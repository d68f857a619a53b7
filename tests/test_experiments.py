"""The grid search: what it refuses, what its rows hold, and that a killed one goes on."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from movierec import artefacts, experiments, grids
from movierec.settings import Settings

SMALL = Settings(embed_dim=4, num_layers=1, head_dim=4, mlp_units=(4,), batch_size=256, epochs=2)
GRID = grids.Grid("small", SMALL, {"embed_dim": (4, 8)}, test=True)

MAIN = sys.modules["__main__"]


@pytest.fixture(scope="module", autouse=True)
def _main_is_pytest():
    """Spawned workers start by importing `__main__`, where Streamlit's AppTest leaves a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", MAIN)
        yield


@pytest.fixture(scope="module")
def table(made, tmp_path_factory):
    """Two trials, and one that fails: its rate is too high for a finite loss."""
    path = tmp_path_factory.mktemp("grid") / "small.csv"
    grid = dataclasses.replace(GRID, axes={"learning_rate": (1e-3, 1e30)}, seeds=(1,))
    experiments.run(GRID, made, path)
    experiments.run(grid, made, path)
    return path


def test_rows_say_what_was_run(made, table):
    rows = experiments.run(GRID, made, table)
    assert rows["embed_dim"].tolist() == [4, 8]
    assert rows["error"].isna().all()
    assert rows["valid_auc"].between(0, 1).all()
    assert rows["test_recall"].between(0, 1).all()
    assert (rows["gain_low"] <= rows["gain"]).all()
    assert (rows["code"] == experiments.code_hash()).all()
    assert set(artefacts.versions()) <= set(rows)


def test_a_finished_trial_is_not_run_again(made, table):
    before = table.read_bytes()
    experiments.run(GRID, made, table)
    assert table.read_bytes() == before


def test_a_failed_trial_stays_with_its_error(table):
    failed = experiments.read(table).query("error.notna()")
    assert failed["learning_rate"].tolist() == [1e30]
    assert "the loss became" in failed["error"].iloc[0]


def test_rows_of_other_code_are_kept_and_named(made, table, tmp_path, capsys):
    other = tmp_path / "other.csv"
    experiments.read(table).assign(code="other").to_csv(other, index=False)
    rows = experiments.run(GRID, made, other)
    assert (rows["code"] == "other").all()
    assert "2 trials of other.csv were run by other code" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"embeding": (8,)}, "unknown parameter 'embeding': choose some of embed_dim"),
        ({"embed_dim": (8, 0)}, "embed_dim"),
        ({"dropout": (1.5,)}, "dropout"),
        ({"learning_rate": (-1,)}, "learning_rate"),
        ({"batch_size": ("many",)}, "batch_size"),
        ({"mlp_units": ("wide",)}, "mlp_units"),
        ({"embed_dim": ()}, "expected a list"),
        ({"embed_dim": 8}, "expected a list"),
    ],
)
def test_an_impossible_grid_is_refused_before_the_first_trial(made, tmp_path, axes, message):
    grid = dataclasses.replace(GRID, axes={"num_layers": (1,), **axes})
    with pytest.raises(grids.GridError, match=message):
        experiments.run(grid, made, tmp_path / "table.csv")
    assert not (tmp_path / "table.csv").exists()


def test_a_damaged_table_is_refused_and_stays(made, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("nonsense")
    with pytest.raises(grids.GridError, match="is no table of trials"):
        experiments.run(GRID, made, path)
    assert path.read_text() == "nonsense"


@pytest.mark.parametrize(
    ("memory", "jobs", "reason"),
    [(1e6, 8, "one a core"), (5, 2, "need 2.0 GiB, and 5.0"), (0.5, 1, "need 2.0 GiB, and 0.5")],
)
def test_jobs_keep_to_cores_and_memory_and_say_why(monkeypatch, capsys, memory, jobs, reason):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert experiments.jobs_for(memory) == jobs
    said = capsys.readouterr().out
    assert f"trials side by side: {jobs} (" in said
    assert reason in said


def test_killed_and_started_again(ml100k, tmp_path):
    """kill -9 in the middle: no trial repeated, none lost, the table the same."""
    script = tmp_path / "search.py"
    script.write_text(
        "import dataclasses, sys\n"
        "from pathlib import Path\n"
        "from movierec import datasets, experiments, grids\n"
        "if __name__ == '__main__':\n"
        "    grid = grids.GRIDS['original']\n"
        "    base = dataclasses.replace(grid.base, epochs=1)\n"
        "    axes = {'embed_dim': (4, 8, 16)}\n"
        "    grid = dataclasses.replace(grid, base=base, axes=axes)\n"
        "    experiments.run(grid, datasets.load('ml-100k'), Path(sys.argv[1]))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(artefacts.ROOT)}

    def start(name):
        command = [sys.executable, str(script), str(tmp_path / name)]
        return subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    assert start("whole.csv").wait() == 0
    search = start("killed.csv")
    while not (tmp_path / "killed.csv").exists():
        assert search.poll() is None
        time.sleep(0.1)
    search.send_signal(signal.SIGKILL)
    search.wait()
    finished = len(experiments.read(tmp_path / "killed.csv"))
    assert 1 <= finished < 3
    assert start("killed.csv").wait() == 0
    whole, killed = (
        experiments.read(tmp_path / name).drop(columns="seconds").sort_values("trial")
        for name in ("whole.csv", "killed.csv")
    )
    assert len(killed) == 3
    numbers = whole.select_dtypes("number").columns
    pd.testing.assert_frame_equal(
        whole[numbers].reset_index(drop=True), killed[numbers].reset_index(drop=True), rtol=1e-4
    )


def test_the_command_refuses_an_unknown_grid(capsys):
    with pytest.raises(SystemExit):
        experiments.main(["--grid", "tall"])
    assert "original" in capsys.readouterr().err
