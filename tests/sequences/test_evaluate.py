"""From a split to a table of rankers."""

import numpy as np
import pytest

from movierec.sequences import evaluate, sessions, train
from movierec.sequences.sessions import Split
from tests.sequences.test_sessions import make_sessions


def test_items_of_test_sessions_are_not_in_the_vocabulary():
    split = Split("x", make_sessions([1, 2]), make_sessions([2, 3]), make_sessions([3, 4, 1]))
    task = evaluate.prepare(split, length=5)
    assert task.items.tolist() == [1, 2, 3]
    assert task.known.ids.tolist() == [1, 2, 2, 3]
    assert task.known.starts.tolist() == [0, 2, 4]
    assert task.test.targets.tolist() == [0, 1]


def test_leave_one_out_predicts_one_event_per_session():
    split = sessions.leave_one_out("ml-x", make_sessions([1, 2, 3, 4], [4, 3, 2, 1]))
    task = evaluate.prepare(split, length=5)
    assert task.leave_one_out
    assert task.valid.targets.tolist() == [3, 2]
    assert task.test.targets.tolist() == [4, 1]
    assert task.known.ids.tolist() == task.train.ids.tolist() == [1, 2, 4, 3]


def test_metrics_of_ranks():
    per_event = evaluate.metrics_of_ranks(np.array([1, 10, 20, 21]))
    assert tuple(per_event) == evaluate.METRICS
    assert per_event["recall@20"].tolist() == [1, 1, 1, 0]
    assert per_event["mrr@20"].tolist() == [1, 1 / 10, 1 / 20, 0]
    assert per_event["hr@10"].tolist() == [1, 1, 0, 0]
    assert per_event["ndcg@10"].tolist() == pytest.approx([1, 1 / np.log2(11), 0, 0])


def test_the_table_has_intervals_and_leads():
    test = make_sessions([1, 2, 3], [3, 1])
    split = Split("x", make_sessions([1, 2, 3], [2, 3, 1]), make_sessions([1, 2]), test)
    task = evaluate.prepare(split, length=5)
    results = {
        name: evaluate.evaluate(task, task.test, baseline(task.known))
        for name, baseline in evaluate.BASELINES.items()
    }
    table = evaluate.table(results, task.test, reference="popularity")
    assert list(table.index) == list(evaluate.BASELINES)
    assert table.loc["popularity", "lead in recall@20 over popularity"] == "–"
    assert "±" in table.loc["Markov chain", "mrr@20"]


def test_train_and_evaluate(tmp_path, monkeypatch):
    folder = tmp_path / "yoochoose1_64"
    folder.mkdir()
    lines = "".join(f"{1 + n % 5} {1 + (n + 1) % 5} {1 + (n + 2) % 5}\n" for n in range(40))
    for part in ("train", "test"):
        (folder / f"{part}_sessions.txt").write_text(lines)
    monkeypatch.setattr(sessions, "DATA_DIR", tmp_path)
    small = train.NextItemSettings(dim=8, epochs=1, batch_size=8)
    monkeypatch.setitem(train.SETTINGS, "yoochoose1_64", small)
    notes, table, means = evaluate.train_and_evaluate("yoochoose1_64")
    assert notes[-1].startswith("0 of 80 test events have an item that is not in the training")
    assert list(table.index) == [*evaluate.BASELINES, "NextItem"]
    assert list(table) == list(evaluate.METRICS)
    assert list(means) == ["recall@20", "mrr@20"]
    assert means["recall@20"] == 1
