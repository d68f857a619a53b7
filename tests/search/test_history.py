"""The experiments on AutoInt+ with history: what is scored, and how a table is continued."""

from movierec.search import history
from movierec.training import history as training


def test_runs_are_scored_and_not_repeated(made, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "SEEDS", (42,))
    monkeypatch.setattr(history, "VARIANTS", ("history", "without history"))
    monkeypatch.setattr(history, "EPOCHS", 2)
    monkeypatch.setattr(training, "EPOCHS_LESS", 6)
    path = tmp_path / "history.csv"
    table = history.run(made, path)
    assert table["variant"].tolist() == ["history"] * 3 + ["without history"]
    assert table["refit"].tolist() == [False, False, True, True]
    assert table["epoch"].tolist() == [1, 2, 1, 7]
    assert table["valid_auc"].notna().tolist() == [True, True, False, False]
    assert table["test_auc"].notna().tolist() == [False, False, True, True]
    before = path.read_bytes()
    monkeypatch.setattr(training, "fit", None)
    history.run(made, path)
    assert path.read_bytes() == before
