"""The table of results: from committed weights, and the same as in the README."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from movierec import artefacts, datasets, evaluation, training
from movierec.models import predictor

ROOT = artefacts.ROOT


def committed(dataset):
    return pd.read_csv(artefacts.place(dataset).folder / "evaluation.csv").set_index("ranker")


@pytest.fixture(scope="module", params=datasets.NAMES)
def evaluated(request):
    data = request.getfixturevalue(request.param.replace("-", ""))
    entry = artefacts.place(data.name).entries()["autointmlp"]
    if data.fingerprint != entry["data"]["fingerprint"]:
        pytest.skip(f"the committed table was made with another copy of {data.name}")
    table = evaluation.evaluate(training.prepare(data)).set_index("ranker")
    return data, table


def test_a_run_from_scratch_gives_the_committed_table(evaluated):
    data, table = evaluated
    expected = committed(data.name)
    assert table.index.tolist() == expected.index.tolist()
    for column in expected:
        np.testing.assert_allclose(table[column], expected[column], atol=1e-4, err_msg=column)


def test_baselines_are_those_of_the_reference(evaluated):
    data, table = evaluated
    if data.name != "ml-1m":
        pytest.skip("the reference numbers are ML-1M's")
    expected = {
        "number of ratings of the movie": (0.6239, 0.6072, 0.8004),
        "movie mean, smoothed by 10": (0.6618, 0.6302, 0.8528),
        "perfect ranker": (0.7775, 0.7076, 1),
    }
    for ranker, values in expected.items():
        row = table.loc[ranker, ["ndcg_original", "recall", "ndcg"]]
        assert row.tolist() == pytest.approx(values, abs=2e-4), ranker
    assert (table["users"] == 5994).all()


def test_the_tuned_weights_reach_their_mark(evaluated):
    data, table = evaluated
    if data.name != "ml-1m":
        pytest.skip("the mark is for ML-1M")
    tuned = table.loc["AutoInt+, tuned setting"]
    assert tuned["ndcg_original"] >= 0.675
    assert tuned["recall"] >= 0.640
    assert tuned["gain_low"] > 0


def test_ndcg_by_an_independent_loop(ml100k):
    """The first 100 users' NDCG and recall, from the scores, one user at a time."""
    where = artefacts.place("ml-100k")
    model, encoder, _ = artefacts.load(where, "autointmlp")
    prepared = training.prepare(ml100k, encoder)
    test = prepared.split.test
    scores = predictor(model)(prepared.ids[test])
    table = evaluation.metrics.per_user(prepared.users[test], prepared.labels[test], scores)
    for user in table.index[:100]:
        mine = prepared.users[test] == user
        ranked = prepared.labels[test][mine][np.argsort(-scores[mine], kind="stable")]
        gains = sum(hit / np.log(rank + 2) for rank, hit in enumerate(ranked[:10]))
        ideal = sum(1 / np.log(rank + 2) for rank in range(int(ranked.sum())))
        assert table.loc[user, "ndcg_original"] == pytest.approx(gains / ideal)
        assert table.loc[user, "recall"] == pytest.approx(ranked[:10].sum() / ranked.sum())


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
@pytest.mark.parametrize("dataset", datasets.NAMES)
def test_the_readme_holds_the_committed_table(readme, dataset):
    text = (Path(ROOT) / readme).read_text("utf-8")
    assert evaluation.as_markdown(committed(dataset).reset_index()) in text


def test_evaluation_refuses_what_does_not_fit(made, tmp_path):
    training.train("autoint", made, root=tmp_path, epochs=1)
    prepared = training.prepare(made)
    rows = evaluation.evaluate(prepared, tmp_path)["ranker"].tolist()
    assert rows == [
        "random order",
        "number of ratings of the movie",
        "movie mean, smoothed by 10",
        "AutoInt, tuned setting",
        "perfect ranker",
    ]
    weights = artefacts.place("ml-1m", root=tmp_path).weights("autoint")
    weights.write_bytes(b"other")
    with pytest.raises(artefacts.ArtefactError, match="damaged or belongs to another run"):
        evaluation.evaluate(prepared, tmp_path)
