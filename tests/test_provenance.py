"""The hash of the code that decides a number, and rows that may not be compared."""

import pandas as pd
import pytest

from movierec import files, provenance

TRIAL = "movierec.search.trial"
DECIDES = ("training/loop.py", "training/losses.py", "models/kernels.py", "data/splits.py")
DECIDES += ("evaluation/baselines.py", "evaluation/summary.py", "evaluation/full_ranking.py")
DOES_NOT = ("web/page.py", "evaluation/tables.py", "data/raw_readers.py", "__main__.py")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the project's source."""
    for path in provenance.modules().values():
        copy = tmp_path / path.relative_to(files.ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    monkeypatch.setattr(files, "ROOT", tmp_path)
    return tmp_path


def add(path, line):
    path.write_text(path.read_text("utf-8") + line, "utf-8")


@pytest.mark.parametrize(
    "changed", ["autoint.py", "autointmlp.py", *(f"movierec/{name}" for name in DECIDES)]
)
def test_a_changed_line_changes_the_hash_of_a_trial(project, changed):
    before = provenance.code_hash(TRIAL)
    add(project / changed, "\nVALUE = 3\n")
    assert provenance.code_hash(TRIAL) != before


def test_the_hash_of_an_evaluation_covers_what_a_trials_does_not(project):
    evaluate = "movierec.evaluation.evaluate"
    before = provenance.code_hash(TRIAL), provenance.code_hash(evaluate)
    for name in ("evaluation/rankers.py", "training/named_settings.py", "models/fold_in.py"):
        add(project / "movierec" / name, "\nVALUE = 3\n")
        assert provenance.code_hash(TRIAL) == before[0]
        assert provenance.code_hash(evaluate) not in before
        before = before[0], provenance.code_hash(evaluate)


@pytest.mark.parametrize("changed", DOES_NOT)
def test_code_that_decides_no_number_does_not_change_the_hash(project, changed):
    before = provenance.code_hash(TRIAL)
    add(project / "movierec" / changed, "\nVALUE = 3\n")
    assert provenance.code_hash(TRIAL) == before


def test_comments_and_docstrings_do_not_count_but_constants_do(project):
    path = project / "movierec" / "training" / "loop.py"
    before, text = provenance.code_hash(TRIAL), path.read_text("utf-8")
    path.write_text("# a comment\n" + text.replace("Train `model` in place", "Fit"), "utf-8")
    assert provenance.code_hash(TRIAL) == before
    path.write_text(text.replace("STEPS_PER_CALL = 32", "STEPS_PER_CALL = 33"), "utf-8")
    assert provenance.code_hash(TRIAL) != before


def test_rows_of_different_origin_are_named():
    rows = pd.DataFrame({"code": ["a", "a"], "versions": ["numpy 2", "numpy 3"], "x": [1, 2]})
    assert provenance.differing(rows) == "versions: numpy 2 and numpy 3"
    assert provenance.differing(rows.iloc[:1]) == ""


def test_the_origin_of_a_row():
    origin = provenance.origin(TRIAL, {"ratings": "0123456789abcdef"})
    assert origin["code"] == provenance.code_hash(TRIAL)
    assert origin["data"] == "0123456789ab"
    for library in ("python 3.", "numba ", "scipy ", "implicit ", "keras 3"):
        assert library in origin["versions"]
