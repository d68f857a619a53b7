"""A task from data to its table, and the command."""

import numpy as np
import pytest

from movierec import sessiondata, sessions
from movierec.sessiondata import Parts
from tests.test_sessiondata import made


def test_training_knows_nothing_of_the_test_sessions():
    parts = Parts("x", made([1, 2]), made([2, 3]), made([3, 4, 1]))
    task = sessions.prepare(parts, length=5)
    assert task.items.tolist() == [1, 2, 3]
    assert task.known.ids.tolist() == [1, 2, 2, 3]
    assert task.known.starts.tolist() == [0, 2, 4]
    assert task.test.targets.tolist() == [0, 1]


def test_leave_one_out_asks_one_question_a_session():
    parts = sessiondata.last_of_each("ml-x", made([1, 2, 3, 4], [4, 3, 2, 1]))
    task = sessions.prepare(parts, length=5)
    assert task.leave_one_out
    assert task.valid.targets.tolist() == [3, 2]
    assert task.test.targets.tolist() == [4, 1]
    assert task.known.ids.tolist() == task.train.ids.tolist() == [1, 2, 4, 3]


def test_values_follow_from_the_rank():
    found = sessions.values(np.array([1, 10, 20, 21]))
    assert found["recall@20"].tolist() == [1, 1, 1, 0]
    assert found["mrr@20"].tolist() == [1, 1 / 10, 1 / 20, 0]
    assert found["hr@10"].tolist() == [1, 1, 0, 0]
    assert found["ndcg@10"].tolist() == pytest.approx([1, 1 / np.log2(11), 0, 0])


def test_the_table_has_intervals_and_leads():
    parts = Parts("x", made([1, 2, 3], [2, 3, 1]), made([1, 2]), made([1, 2, 3], [3, 1]))
    task = sessions.prepare(parts, length=5)
    of = {
        name: sessions.evaluate(task, task.test, baseline(task.known))
        for name, baseline in sessions.BASELINES.items()
    }
    table = sessions.table(of, task.test, best="popularity")
    assert list(table.index) == list(sessions.BASELINES)
    assert table.loc["popularity", "lead in recall@20 over popularity"] == "–"
    assert "±" in table.loc["Markov chain", "mrr@20"]


def test_the_command_prints_the_two_figures_last(tmp_path, monkeypatch, capsys):
    from movierec import nextfitting

    folder = tmp_path / "yoochoose1_64"
    folder.mkdir()
    lines = "".join(f"{1 + n % 5} {1 + (n + 1) % 5} {1 + (n + 2) % 5}\n" for n in range(40))
    for part in ("train", "test"):
        (folder / f"{part}_sessions.txt").write_text(lines)
    monkeypatch.setattr(sessiondata, "DATA_DIR", tmp_path)
    small = nextfitting.NextSettings(dim=8, epochs=1, batch_size=8)
    monkeypatch.setitem(nextfitting.SETTINGS, "yoochoose1_64", small)
    sessions.main(["--dataset", "yoochoose1_64"])
    out = capsys.readouterr().out
    assert "0 of 80 test events are of items that training has not seen" in out
    assert out.splitlines()[-1].startswith("recall@20=1.0000 mrr@20=")


def test_the_command_says_what_is_missing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sessiondata, "DATA_DIR", tmp_path)
    with pytest.raises(SystemExit) as stopped:
        sessions.main(["--dataset", "yoochoose1_64"])
    assert stopped.value.code == 1
    assert "put it there by hand" in capsys.readouterr().err
