"""Metrics compared with hand calculations, with ir-measures, and by their properties."""

import itertools

import ir_measures
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy import log
from scipy import sparse
from sklearn.metrics import roc_auc_score

from movierec.evaluation import metrics


def one_user(labels, scores=None, k=10):
    scores = -np.arange(len(labels)) if scores is None else scores
    return metrics.per_user(np.zeros(len(labels), int), labels, scores, k).iloc[0]


def test_arithmetic():
    row = one_user([0, 1, 0, 1, 1], k=3)
    dcg = 1 / log(3)
    assert row["ndcg_original@3"] == pytest.approx(dcg / (1 / log(2) + 1 / log(3) + 1 / log(4)))
    assert row["ndcg@3"] == pytest.approx(dcg / (1 / log(2) + 1 / log(3) + 1 / log(4)))
    assert row["recall@3"] == pytest.approx(1 / 3)
    assert row["hit_ratio@3"] == 1
    assert row["user_auc"] == pytest.approx(1 / 6)


def test_the_auc_of_a_user_is_the_auc_of_their_rows():
    rng = np.random.default_rng(0)
    users, labels, scores = (rng.integers(0, high, 3000) for high in (40, 2, 8))  # many ties
    table = metrics.per_user(users, labels, scores)
    for user, value in table["user_auc"].items():
        own = users == user
        assert value == pytest.approx(roc_auc_score(labels[own], scores[own]))
    assert np.isnan(one_user([1, 1])["user_auc"])


def test_the_two_ideals_differ_past_k_positives():
    row = one_user([1] * 12)
    ideal = np.cumsum(1 / log(np.arange(12) + 2))
    assert row["ndcg@10"] == pytest.approx(1)
    assert row["ndcg_original@10"] == pytest.approx(ideal[9] / ideal[11])
    assert row["recall@10"] == pytest.approx(10 / 12)


def test_fewer_rows_than_k_and_ties_keep_order():
    assert one_user([0, 1], scores=[0.5, 0.5])["ndcg@10"] == pytest.approx(log(2) / log(3))
    assert one_user([1, 0], scores=[0.5, 0.5])["ndcg@10"] == pytest.approx(1)
    unsigned = one_user([1, 0, 0], scores=np.array([0, 5, 3], np.uint64))
    assert unsigned["ndcg@10"] == pytest.approx(0.5)


def test_users_without_positives_are_left_out():
    table = metrics.per_user([1, 1, 2, 2], [0, 0, 1, 0], [1, 2, 3, 4], k=1)
    assert table.index.to_list() == [2]
    lists = metrics.top_k_metrics(np.array([[0], [1]]), sparse.csr_array([[0, 0], [0, 1]]))
    assert lists.index.to_list() == [1]
    assert table.index.name == lists.index.name == "user"
    assert table["hit_ratio@1"].tolist() == [0]
    assert metrics.per_user([1], [0], [1.0]).empty
    assert metrics.per_user([], [], []).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1], [1], [np.nan]), "scores must be finite numbers. Received: nan at row 0"),
        (([1, 1], [1], [0.5]), "Received shapes"),
        (([1], [4], [0.5]), "labels must be 0 or 1"),
        (([1], [1], [0.5], 0), "k must be a whole number of at least 1. Received: k=0"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        metrics.per_user(*arguments)


def by_ir_measures(measures, users, items, relevance, top_k):
    """Each measure's mean over users: relevance of (user, item) pairs against ranked lists."""
    user_names, item_names = np.array(users).astype(str), np.array(items).astype(str)
    qrels = {"query_id": user_names, "doc_id": item_names, "relevance": relevance}
    count, k = top_k.shape
    run = {
        "query_id": np.repeat(np.arange(count), k).astype(str),
        "doc_id": top_k.ravel().astype(str),
        "score": np.tile(-np.arange(float(k)), count),
    }
    return ir_measures.calc_aggregate(measures, pd.DataFrame(qrels), pd.DataFrame(run))


def test_same_as_ir_measures():
    """Of each user's rows, of lists and of the ranks of one relevant item."""
    rng = np.random.default_rng(1)
    scores, relevant = rng.random((60, 30)), rng.random((60, 30)) < 0.2  # no equal scores
    relevant[0] = False  # a user without relevant items
    order = np.argsort(-scores, axis=1)
    users, items = np.nonzero(relevant)
    rows = metrics.per_user(np.repeat(np.arange(60), 30), relevant.ravel(), scores.ravel())
    lists = metrics.top_k_metrics(order[:, :10], sparse.csr_array(relevant.astype(float)))
    assert rows.index.tolist() == lists.index.tolist() == np.unique(users).tolist()
    names = {ir_measures.nDCG @ 10: "ndcg@10", ir_measures.R @ 10: "recall@10"}
    names[ir_measures.Success @ 10] = "hit_ratio@10"
    precision = by_ir_measures([ir_measures.P @ 10], users, items, 1, order)
    assert lists["precision@10"].mean() == pytest.approx(*precision.values(), abs=1e-6)
    for measure, value in by_ir_measures([*names], users, items, 1, order).items():
        assert rows[names[measure]].mean() == pytest.approx(value, abs=1e-6)
        if names[measure] in lists:
            assert lists[names[measure]].mean() == pytest.approx(value, abs=1e-6)
    targets = rng.integers(0, 30, 60)
    ranks = metrics.one_relevant(1 + np.argmax(order == targets[:, None], axis=1)).mean()
    names |= {ir_measures.RR: "mrr", ir_measures.R @ 20: "recall@20"}
    del names[ir_measures.R @ 10]
    for measure, value in by_ir_measures([*names], range(60), targets, 1, order).items():
        assert ranks[names[measure]] == pytest.approx(value, abs=1e-6)
    with pytest.raises(ValueError, match="ranks count from 1. Received: 0"):
        metrics.one_relevant([0])


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans(), st.floats(0, 1)), min_size=1),
    st.integers(1, 12),
)
def test_bounds(rows, k):
    users, labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    table = metrics.per_user(users, labels, scores, k)
    assert (((table >= 0) & (table <= 1 + 1e-12)) | table.isna()).all(axis=None)
    assert (table[f"ndcg@{k}"] >= table[f"ndcg_original@{k}"] - 1e-12).all()
    best = metrics.per_user(users, labels, labels.astype(float), k)
    assert best[f"ndcg@{k}"].to_numpy() == pytest.approx(1)
    assert ((best >= table - 1e-12) | table.isna()).all(axis=None)


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
    assert metrics.bootstrap_difference(ours, theirs) == (mean, low, high)  # the same resamples
    with pytest.raises(ValueError, match="expected values of the same users"):
        metrics.bootstrap_difference(ours, theirs[:-1])


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 4)), min_size=2))
def test_bootstrapped_auc_is_that_of_the_repeated_rows(rows):
    users, labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    names = np.unique(users)
    equal = np.full(len(names), 1 / len(names))
    drawn = np.random.default_rng(3).multinomial(len(names), equal, size=5)
    for times, area in zip(drawn, metrics.bootstrap_auc(users, labels, scores, 3, 5), strict=True):
        chosen = np.repeat(np.arange(len(rows)), times[np.searchsorted(names, users)])
        if 0 < labels[chosen].sum() < len(chosen):
            assert area == pytest.approx(roc_auc_score(labels[chosen], scores[chosen]))
        else:
            assert np.isnan(area)


@given(st.lists(st.permutations(range(10)), min_size=2, max_size=8), st.integers(1, 4))
def test_lists_against_counting(permutations, k):
    lists = [permutation[:k] for permutation in permutations]
    top_k = np.array(lists)
    flat = top_k.ravel().tolist()
    assert metrics.coverage(top_k, 10) == len(set(flat)) / 10
    counts = [flat.count(movie) for movie in range(10)]
    spread = sum(abs(a - b) for a in counts for b in counts)
    assert metrics.gini(top_k, 10) == pytest.approx(spread / (2 * 10 * sum(counts)))
    shared = [len(set(a) & set(b)) for a, b in itertools.combinations(lists, 2)]
    assert metrics.overlap(top_k) == pytest.approx(np.mean(shared) / len(lists[0]))


def test_novelty_by_arithmetic():
    raters = np.array([8, 4, 0])
    novelty = metrics.novelty(np.array([[0, 1], [0, 2]]), raters, users=8)
    assert novelty == pytest.approx((0 + 1 + 0 + 3) / 4)


def test_the_clustered_interval_of_one_cluster_and_of_clusters_of_one_value():
    mean, half = metrics.clustered_interval([1.0, 0.0, 1.0], [7, 7, 7])
    assert mean == pytest.approx(2 / 3)
    assert np.isnan(half)
    mean, half = metrics.clustered_interval([1.0, 1.0, 0.0], [7, 7, 8])
    assert half == pytest.approx(1.96 * np.sqrt(2 * (2 / 3) ** 2) / 3)
    values = np.random.default_rng(0).random(500)
    clustered = metrics.clustered_interval(values, np.arange(500))
    assert clustered == pytest.approx(metrics.interval(values), rel=2e-3)
