"""Metrics of a protocol's rows: defined or NaN, never a silent 0."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from movierec import metrics, quality
from movierec.prepared import prepare


@pytest.fixture(scope="module")
def ready(made):
    return prepare(made)


def test_rows(ready):
    test = ready.split.test
    scores = np.random.default_rng(0).random(len(test))
    values = quality.of_rows(ready, test, scores)
    labels = ready.labels[test]
    assert values["rows"] == len(test)
    assert values["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert values["logloss"] == pytest.approx(log_loss(labels, scores))
    assert np.isnan(quality.of_rows(ready, test, scores, probability=False)["logloss"])


def test_what_is_undefined_is_nan(ready):
    disliked = ready.split.test[ready.labels[ready.split.test] == 0]
    values = quality.of_rows(ready, disliked, np.full(len(disliked), 0.5))
    assert values["users"] == 0
    assert np.isnan([values["auc"], *values["ndcg"], *values["recall"]]).all()
    assert values["logloss"] == pytest.approx(np.log(2))


def test_ranks():
    values = quality.of_ranks(np.array([1, 30]))
    assert values["hit_ratio"][0] == 0.5
    assert values["users"] == 2


def test_groups_are_their_rows(ready):
    test = ready.split.test
    scores = np.random.default_rng(0).random(len(test))
    groups = np.where(ready.users[test] % 2 == 0, "even", "odd")
    table = quality.by_group(ready, test, scores, groups).set_index("group")
    assert table["rows"].sum() == len(test)
    mine = groups == "even"
    expected = quality.of_rows(ready, test[mine], scores[mine])
    assert table.loc["even", "auc"] == expected["auc"]
    assert table.loc["even", ["ndcg", "ndcg_ci"]].tolist() == list(expected["ndcg"])


@pytest.mark.parametrize(
    ("value", "text"),
    [((0.5, 0.01), "0.5000 ± 0.0100"), (1234, "1,234"), (0.25, "0.2500")],
)
def test_as_text(value, text):
    assert metrics.as_text(value) == text
