"""The benchmarks run; how fast is not tested."""

import io

import pandas as pd
import pytest

from benchmarks import growth, load, speed, start
from movierec import app
from tests import serving


def test_speed_on_a_tiny_size_without_peers(tmp_path, capsys):
    results = tmp_path / "results.csv"
    options = ["--rows", "3000", "--films", "50", "--runs", "1", "--results", str(results)]
    for _ in range(2):
        speed.main([*options, "--peers"])
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == "train_ratio=nan score_ratio=nan latency_ratio=nan"
    table = pd.read_csv(results)
    assert table["contender"].tolist() == ["ours", "ours"]
    assert (table[["train_rows_per_second", "score_rows_per_second", "one_user_ms"]] > 0).all(
        axis=None
    )


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(speed, "ENVIRONMENTS", tmp_path)
    (ours,) = speed.entered(["deepctr"], 10, 10)
    ours.close()
    assert "deepctr is not installed or does not start here" in capsys.readouterr().out


def test_lines_of_peers_and_ratios():
    lines = io.StringIO('Epoch 1/1\n{"seconds": 2.0}\nbye\n')
    assert speed.answer(lines) == {"seconds": 2.0}
    with pytest.raises(EOFError):
        speed.answer(lines)
    names = ("train_rows_per_second", "score_rows_per_second", "one_user_ms")
    table = [
        dict(zip(names, row, strict=True)) for row in ((60, 300, 12), (40, 50, 36), (30, 100, 48))
    ]
    assert speed.ratios(table) == "train_ratio=1.50 score_ratio=3.00 latency_ratio=3.00"


def test_growth_of_a_tiny_size():
    sizes = {"rows": 5000, "fields": 4, "embed_dim": 8, "candidates": 120}
    measured = growth.measure(**sizes)
    assert measured.keys() == growth.MEASURES.keys()
    assert all(value > 0 for value in measured.values())
    chart = growth.figure(pd.DataFrame([{"changed": "rows"} | sizes | measured]))
    assert len(chart.axes) == len(growth.MEASURES) * len(growth.CHANGES)


def test_markdown():
    table = pd.DataFrame({"name": ["a"], "rows": [1000], "ms": [1.5]})
    assert (
        speed.as_markdown(table) == "| name | rows | ms |\n| --- | --- | --- |\n| a | 1,000 | 1.5 |"
    )


def test_load_of_a_few_sessions(ml100k, capsys):
    dataset = app.load_library().data.name  # what the page finds, too
    with serving.serving("show_st2.py") as url:
        address = url.removeprefix("http://")
        options = ["--address", address, "--dataset", dataset, "--sessions", "3", "--changes", "2"]
        load.main(options)
    assert "3 sessions at once, 6 changes" in capsys.readouterr().out


def test_start(ml100k, capsys):
    start.main(["--dataset", "ml-100k", "--runs", "1"])
    said = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert list(said)[-1] == "peak_mib"
    assert all(float(value) > 0 for value in said.values())
