"""The benchmarks run; their speed is not tested."""

import io

import pandas as pd
import pytest

from benchmarks import data_parallel, growth, load, speed, start
from movierec.web import page
from tests import app_server


@pytest.mark.slow
def test_speed_on_a_tiny_size_without_installed_peers(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(speed, "ENVIRONMENTS", tmp_path)
    results = tmp_path / "results.csv"
    options = ["--rows", "3000", "--movies", "50", "--runs", "1", "--results", str(results)]
    speed.main([*options, "--peers", "deepctr"])
    out = capsys.readouterr().out
    assert "deepctr is not installed or does not start here" in out
    assert out.splitlines()[-1] == "train_ratio=nan score_ratio=nan latency_ratio=nan"
    table = pd.read_csv(results)
    assert table["library"].tolist() == ["ours"]
    assert list(table) == list(pd.read_csv(speed.RESULTS))
    measured = table[["train_rows_per_second", "score_rows_per_second", "one_user_ms"]]
    assert (measured > 0).all(axis=None)


def test_answers_of_peers_and_ratios():
    lines = io.StringIO('Epoch 1/1\n{"seconds": 2.0}\nbye\n')
    assert speed.answer(lines) == {"seconds": 2.0}
    with pytest.raises(EOFError):
        speed.answer(lines)
    names = ("train_rows_per_second", "score_rows_per_second", "one_user_ms")
    values = [(60, 300, 12), (40, 50, 36), (30, 100, 48)]
    table = [dict(zip(names, row, strict=True)) for row in values]
    assert speed.ratios(table) == "train_ratio=1.50 score_ratio=3.00 latency_ratio=3.00"


def test_growth_on_tiny_sizes():
    sizes = {"rows": 5000, "fields": 4, "embed_dim": 8, "candidates": 120}
    measured = growth.measure(**sizes)
    assert measured.keys() == growth.MEASURES.keys()
    assert all(value > 0 for value in measured.values())
    chart = growth.figure(pd.DataFrame([{"changed": "rows"} | sizes | measured]))
    assert len(chart.axes) == len(growth.MEASURES) * len(growth.CHANGES)


@pytest.mark.slow
def test_load_of_a_few_sessions(ml100k, capsys):
    dataset = page.load_lookups().data.name  # the page uses the same one
    with app_server.serving("show_st2.py") as url:
        address = url.removeprefix("http://")
        options = ["--address", address, "--dataset", dataset, "--sessions", "3", "--changes", "2"]
        load.main(options)
    assert "3 sessions at once, 6 changes" in capsys.readouterr().out


@pytest.mark.slow
def test_start(ml100k, capsys):
    start.main(["--dataset", "ml-100k", "--runs", "1"])
    printed = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert list(printed)[-1] == "peak_mib"
    assert all(float(value) > 0 for value in printed.values())


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one():
    pytest.importorskip("jax", reason="JAX is not installed: requirements-cluster.txt")
    found = data_parallel.compare(2, data_parallel.ADDRESS, rows=2000, batch=200)
    assert all(result["rows_per_second"] > 0 for result in found.values())
    assert found[1]["losses"] == pytest.approx(found[2]["losses"], abs=1e-4)
    assert found[2]["losses"][-1] < found[2]["losses"][0]
