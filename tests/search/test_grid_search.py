"""The grid search: refused grids, the content of its rows, and continuing after a kill."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest

from movierec import files, provenance
from movierec.search import grid_search, grids
from tests.conftest import SMALL

GRID = grids.Grid("small", SMALL, {"embed_dim": (4, 8)}, test=True)

MAIN = sys.modules["__main__"]


@pytest.fixture(scope="module", autouse=True)
def _main_is_pytest():
    """Spawned workers import `__main__`, which Streamlit's AppTest may have replaced by a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", MAIN)
        yield


@pytest.fixture(scope="module")
def table(made, tmp_path_factory):
    """The trials of `GRID`, and each again with a learning rate with which it fails."""
    path = tmp_path_factory.mktemp("grid") / "small.csv"
    axes = GRID.axes | {"learning_rate": (SMALL.learning_rate, 1e30)}
    grid_search.run(dataclasses.replace(GRID, axes=axes), made, path)
    return path


def test_a_row_has_settings_metrics_and_versions(made, table):
    rows = grid_search.run(GRID, made, table)
    assert rows["embed_dim"].tolist() == [4, 8]
    assert rows["error"].isna().all()
    assert rows["valid_auc"].between(0, 1).all()
    assert rows["test_recall@10"].between(0, 1).all()
    assert (rows["gain_low"] <= rows["gain"]).all()
    assert (rows["code"] == provenance.code_hash("movierec.search.trial")).all()
    assert (rows["versions"] == provenance.versions_text()).all()
    assert (rows["data"] == made.fingerprint["ratings"][:12]).all()


def test_a_finished_trial_is_not_run_again(made, table):
    before = table.read_bytes()
    grid_search.run(GRID, made, table)
    assert table.read_bytes() == before


def test_a_failed_trial_stays_with_its_error(table):
    failed = grid_search.read(table).query("error.notna()")
    assert failed["learning_rate"].tolist() == [1e30, 1e30]
    assert "the loss became" in failed["error"].iloc[0]


def test_stale_rows_are_refused_kept_or_run_again(made, table, tmp_path, monkeypatch):
    path, fresh = tmp_path / "other.csv", grid_search.read(table)
    fresh.assign(code="other").to_csv(path, index=False)
    before = path.read_bytes()
    with pytest.raises(grids.GridError, match="2 of 2 trials in .*other.csv are stale: code other"):
        grid_search.run(GRID, made, path)
    assert (grid_search.run(GRID, made, path, stale="keep")["code"] == "other").all()
    assert path.read_bytes() == before
    outcome = {"error": "", "epochs_run": 1, "seconds": 1.0}
    monkeypatch.setattr(
        grid_search, "_outcomes", lambda grid, data, trials, jobs: ((t, outcome) for t in trials)
    )
    again = grid_search.run(GRID, made, path, stale="rerun")
    assert set(again["code"]) == set(fresh["code"])
    assert len(grid_search.read(path)) == len(fresh)  # rows are replaced, and others stay
    grid_search.run(GRID, made, path)


def test_rows_of_another_library_or_of_unknown_origin_are_stale(made, table, tmp_path):
    path = tmp_path / "other.csv"
    rows = grid_search.read(table)
    rows["versions"] = rows["versions"].str.replace("numpy 2", "numpy 1")
    rows.to_csv(path, index=False)
    with pytest.raises(grids.GridError, match=r"versions .*numpy 1\..*, now .*numpy 2\."):
        grid_search.run(GRID, made, path)
    rows.drop(columns="versions").to_csv(path, index=False)
    with pytest.raises(grids.GridError, match="versions unknown, now python"):
        grid_search.run(GRID, made, path)


def test_a_row_that_another_search_adds_meanwhile_stays(made, table, tmp_path, monkeypatch):
    path, rows = tmp_path / "table.csv", grid_search.read(table)
    rows.iloc[2:].to_csv(path, index=False)

    def outcomes(grid, data, trials, jobs):
        rows.iloc[1:].to_csv(path, index=False)
        yield rows["trial"].iloc[0], {"error": "", "epochs_run": 1, "seconds": 1.0}

    monkeypatch.setattr(grid_search, "_outcomes", outcomes)
    grid = dataclasses.replace(GRID, axes={"embed_dim": (4,)})
    grid_search.run(grid, made, path)
    assert sorted(grid_search.read(path)["trial"]) == sorted(rows["trial"])


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"embeding": (8,)}, "unknown parameter 'embeding': choose some of embed_dim"),
        ({"embed_dim": (8, 0)}, "embed_dim"),
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
        grid_search.run(grid, made, tmp_path / "table.csv")
    assert not (tmp_path / "table.csv").exists()


def test_a_damaged_table_is_refused_and_stays(made, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("nonsense")
    with pytest.raises(grids.GridError, match="is not a table of trials"):
        grid_search.run(GRID, made, path)
    assert path.read_text() == "nonsense"


@pytest.mark.parametrize(
    ("memory", "jobs", "reason"),
    [(1e6, 8, "one per core"), (5, 2, "2.0 GiB, and 5.0 GiB"), (0.5, 1, "2.0 GiB, and 0.5 GiB")],
)
def test_the_number_of_jobs_respects_cores_and_memory(monkeypatch, memory, jobs, reason):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    found, text = grid_search.jobs_for(memory)
    assert found == jobs
    assert reason in text


@pytest.mark.slow
def test_a_killed_search_continues(ml100k, tmp_path):
    """After kill -9 no trial is repeated or lost, and the table is the same."""
    script = tmp_path / "search.py"
    script.write_text(
        "import dataclasses, sys\n"
        "from pathlib import Path\n"
        "from movierec.data import movielens\n"
        "from movierec.search import grid_search, grids\n"
        "if __name__ == '__main__':\n"
        "    grid = grids.GRIDS['original']\n"
        "    base = dataclasses.replace(grid.base, epochs=1)\n"
        "    axes = {'embed_dim': (4, 8, 16)}\n"
        "    grid = dataclasses.replace(grid, base=base, axes=axes)\n"
        "    grid_search.run(grid, movielens.load('ml-100k'), Path(sys.argv[1]))\n"
    )
    environment = os.environ | {"PYTHONPATH": str(files.ROOT)}

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
    finished = len(grid_search.read(tmp_path / "killed.csv"))
    assert 1 <= finished < 3
    assert start("killed.csv").wait() == 0
    whole, killed = (
        grid_search.read(tmp_path / name).drop(columns="seconds").set_index("trial").sort_index()
        for name in ("whole.csv", "killed.csv")
    )
    assert len(killed) == 3
    whole, killed = (table.select_dtypes("number") for table in (whole, killed))
    pd.testing.assert_frame_equal(whole, killed, rtol=1e-4)
