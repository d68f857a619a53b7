"""Metrics of given rows: defined or NaN, never a silent 0."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from movierec.data.dataset import split_by
from movierec.evaluation import summary


@pytest.fixture(scope="module")
def held_out(made):
    return split_by(made).split.test


def test_rows(made, held_out):
    test = held_out
    scores = np.random.default_rng(0).random(len(test))
    values = summary.of_rows(made, test, scores)
    labels = made.labels[test]
    assert values["rows"] == len(test)
    assert values["auc"] == pytest.approx(roc_auc_score(labels, scores))
    assert values["logloss"] == pytest.approx(log_loss(labels, scores))
    assert np.isnan(summary.of_rows(made, test, scores, probability=False)["logloss"])


def test_undefined_metrics_are_nan(made, held_out):
    disliked = held_out[made.labels[held_out] == 0]
    values = summary.of_rows(made, disliked, np.full(len(disliked), 0.5))
    assert values["users"] == 0
    assert np.isnan([values["auc"], *values["ndcg@10"], *values["recall@10"]]).all()
    assert values["logloss"] == pytest.approx(np.log(2))
