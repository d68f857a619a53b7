"""Metrics against arithmetic, an independent library, and properties."""

import itertools

import ir_measures
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import log
from sklearn.metrics import roc_auc_score

from movierec import metrics


def one_user(labels, scores=None, k=10):
    scores = -np.arange(len(labels)) if scores is None else scores
    return metrics.per_user(np.zeros(len(labels), int), labels, scores, k).iloc[0]


def test_arithmetic():
    row = one_user([0, 1, 0, 1, 1], k=3)
    dcg = 1 / log(3)
    assert row["ndcg_original"] == pytest.approx(dcg / (1 / log(2) + 1 / log(3) + 1 / log(4)))
    assert row["ndcg"] == pytest.approx(dcg / (1 / log(2) + 1 / log(3) + 1 / log(4)))
    assert row["recall"] == pytest.approx(1 / 3)
    assert row["hit_ratio"] == 1


def test_the_two_ideals_differ_past_k_positives():
    row = one_user([1] * 12)
    ideal = np.cumsum(1 / log(np.arange(12) + 2))
    assert row["ndcg"] == pytest.approx(1)
    assert row["ndcg_original"] == pytest.approx(ideal[9] / ideal[11])
    assert row["recall"] == pytest.approx(10 / 12)


def test_fewer_rows_than_k_and_ties_keep_order():
    assert one_user([0, 1], scores=[0.5, 0.5])["ndcg"] == pytest.approx(log(2) / log(3))
    assert one_user([1, 0], scores=[0.5, 0.5])["ndcg"] == pytest.approx(1)


def test_unsigned_scores():
    assert one_user([1, 0, 0], scores=np.array([0, 5, 3], np.uint64))["ndcg"] == pytest.approx(0.5)


def test_users_without_positives_are_left_out():
    table = metrics.per_user([1, 1, 2, 2], [0, 0, 1, 0], [1, 2, 3, 4], k=1)
    assert table.index.tolist() == [2]
    assert table["hit_ratio"].tolist() == [0]
    assert metrics.per_user([1], [0], [1.0]).empty
    assert metrics.per_user([], [], []).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [1], [np.nan]), "scores must be finite numbers. Received: nan at row 0"),
        (([1, 1], [1], [0.5]), "Received shapes"),
        (([1], [4], [0.5]), "labels must be 0 or 1"),
        (([1], [1], [0.5], 0), "k must be a whole number of 1 or more. Received: k=0"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.per_user(*arguments)


def test_same_as_ir_measures():
    rng = np.random.default_rng(5)
    users, labels = rng.integers(0, 60, 2000), (rng.random(2000) < 0.4).astype(int)
    scores = rng.permutation(2000) / 2000  # no ties: the libraries break them differently
    table = metrics.per_user(users, labels, scores)
    rows = pd.DataFrame({"query_id": users.astype(str), "doc_id": np.arange(2000).astype(str)})
    qrels, run = rows.assign(relevance=labels), rows.assign(score=scores)
    names = {ir_measures.nDCG @ 10: "ndcg", ir_measures.R @ 10: "recall"}
    names[ir_measures.Success @ 10] = "hit_ratio"
    seen = 0
    for value in ir_measures.iter_calc(names, qrels, run):
        if int(value.query_id) in table.index:
            ours = table.loc[int(value.query_id), names[value.measure]]
            assert ours == pytest.approx(value.value, abs=1e-4)
            seen += 1
    assert seen == 3 * len(table) > 100


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 1)), min_size=1),
    st.integers(1, 12),
)
def test_bounds(rows, k):
    users, labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    table = metrics.per_user(users, labels, scores, k)
    assert ((table >= 0) & (table <= 1 + 1e-12)).all(axis=None)
    assert (table["ndcg"] >= table["ndcg_original"] - 1e-12).all()
    best = metrics.per_user(users, labels, labels.astype(float), k)
    assert best["ndcg"].to_numpy() == pytest.approx(1)
    assert (best >= table - 1e-12).all(axis=None)


def test_interval():
    mean, half = metrics.interval([1.0, 2.0, 3.0, 4.0])
    assert mean == 2.5
    assert half == pytest.approx(1.96 * np.sqrt(5 / 3) / 2)
    assert np.isnan(metrics.interval([])).all()
    assert np.isnan(metrics.interval([1.0])[1])


def test_bootstrap_agrees_with_the_normal_interval():
    rng = np.random.default_rng(0)
    theirs = rng.random(3000)
    ours = theirs + rng.normal(0.01, 0.1, 3000)
    mean, low, high = metrics.bootstrap_difference(ours, theirs)
    expected, half = metrics.interval(ours - theirs)
    assert mean == pytest.approx(expected)
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)
    with pytest.raises(ValueError, match="expected values of the same users"):
        metrics.bootstrap_difference(ours, theirs[:-1])


def test_one_relevant_film_same_as_ir_measures():
    ranks = np.random.default_rng(0).integers(1, 40, 200)
    queries = np.arange(200).astype(str)
    qrels = pd.DataFrame({"query_id": queries, "doc_id": "d", "relevance": 1})
    run = pd.DataFrame(
        {
            "query_id": np.repeat(queries, 40),
            "doc_id": np.where(
                np.tile(np.arange(1, 41), 200) == np.repeat(ranks, 40), "d", np.tile(range(40), 200)
            ),
            "score": np.tile(-np.arange(40.0), 200),
        }
    )
    names = {ir_measures.Success @ 10: "hit_ratio", ir_measures.nDCG @ 10: "ndcg"}
    names |= {ir_measures.RR: "mrr", ir_measures.R @ 20: "recall"}
    means = metrics.one_relevant(ranks).mean()
    for measure, value in ir_measures.calc_aggregate(list(names), qrels, run).items():
        assert means[names[measure]] == pytest.approx(value, abs=1e-6)
    with pytest.raises(ValueError, match="ranks count from 1. Received: 0"):
        metrics.one_relevant([0])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 4)), min_size=2))
def test_bootstrapped_auc_is_that_of_the_repeated_rows(rows):
    users, labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    names = np.unique(users)
    drawn = np.random.default_rng(3).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=5
    )
    for times, area in zip(drawn, metrics.bootstrap_auc(users, labels, scores, 3, 5), strict=True):
        chosen = np.repeat(np.arange(len(rows)), times[np.searchsorted(names, users)])
        if 0 < labels[chosen].sum() < len(chosen):
            assert area == pytest.approx(roc_auc_score(labels[chosen], scores[chosen]))
        else:
            assert np.isnan(area)


heads_of = st.integers(1, 4).flatmap(
    lambda k: st.lists(
        st.lists(st.integers(0, 9), min_size=k, max_size=k, unique=True), min_size=2, max_size=8
    )
)


@given(heads_of)
def test_lists_against_counting(lists):
    heads = np.array(lists)
    flat = heads.ravel().tolist()
    assert metrics.coverage(heads, 10) == len(set(flat)) / 10
    counts = [flat.count(film) for film in range(10)]
    spread = sum(abs(one - other) for one in counts for other in counts)
    assert metrics.gini(heads, 10) == pytest.approx(spread / (2 * 10 * sum(counts)))
    shared = [len(set(one) & set(other)) for one, other in itertools.combinations(lists, 2)]
    assert metrics.overlap(heads) == pytest.approx(np.mean(shared) / len(lists[0]))


def test_novelty_by_arithmetic():
    raters = np.array([8, 4, 0])
    assert metrics.novelty(np.array([[0, 1], [0, 2]]), raters, users=8) == pytest.approx(
        (0 + 1 + 0 + 3) / 4
    )


def test_one_cluster_has_a_mean_and_no_interval():
    mean, half = metrics.clustered([1.0, 0.0, 1.0], [7, 7, 7])
    assert mean == pytest.approx(2 / 3)
    assert np.isnan(half)


def test_clusters_of_one_value_have_the_usual_interval():
    values = np.random.default_rng(0).random(500)
    assert metrics.clustered(values, np.arange(500)) == pytest.approx(
        metrics.interval(values), rel=2e-3
    )
