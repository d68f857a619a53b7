"""Rankers of artists, their tuning and evaluation."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import sparse

from movierec import figures
from movierec.artists import plays, rankers
from movierec.artists.rankers import AlsSettings
from movierec.data.raw_readers import DataError
from movierec.evaluation import metrics
from tests.artists.test_plays import write_taste

matplotlib.use("Agg")


@pytest.fixture
def taste(tmp_path):
    return plays.load(write_taste(tmp_path))


def test_top_k_metrics_by_hand():
    relevant = sparse.csr_array([[1.0, 0, 2, 0], [0, 0, 0, 0], [0, 1, 0, 0]])
    per_user = metrics.top_k_metrics(np.array([[1, 2], [0, 1], [3, -1]]), relevant)
    assert per_user.index.tolist() == [0, 2]
    assert per_user["precision@2"].tolist() == [1 / 2, 0]
    assert per_user["hit_ratio@2"].tolist() == [1, 0]
    assert per_user["recall@2"].tolist() == [1 / 2, 0]
    expected = [(1 / np.log2(3)) / (1 + 1 / np.log2(3)), 0]
    assert per_user["ndcg@2"].tolist() == pytest.approx(expected)


def test_rankers_learn_taste_and_leave_out_known_artists(taste):
    parts = plays.holdout(taste.counts)
    known = parts.known
    settings = AlsSettings(factors=4, regularization=1.0, weighting="log")
    lists = {
        "popularity": rankers.most_popular(known),
        "item-kNN": rankers.top_k(rankers.fit_knn(known, 20, "log"), known, "log"),
        "ALS": rankers.top_k(rankers.fit_als(known, settings), known, "log"),
    }
    for top in lists.values():
        users = np.arange(len(top))[:, None]
        is_known = known[users, np.maximum(top, 0)].toarray() > 0
        assert not (is_known & (top >= 0)).any()
    table = rankers.table(lists, parts.test, "popularity")
    recall = table["recall@10"].str.split(" ").str[0].astype(float)
    assert recall["ALS"] > recall["popularity"] + 0.2
    assert recall["item-kNN"] > recall["popularity"] + 0.2
    assert table.loc["popularity", "lead in ndcg@10 over popularity"] == "–"


def test_search_has_a_row_for_every_combination(taste):
    parts = plays.holdout(taste.counts)
    tried = rankers.search(parts, factors=[2, 4], regularization=[1.0], alpha=[5.0], neighbours=[5])
    assert len(tried) == len(rankers.WEIGHTINGS) * (2 + 1)
    assert tried["ndcg@10"].is_monotonic_decreasing


def test_evaluate_tuned(taste):
    notes, table, means = rankers.evaluate_tuned(taste)
    note = "0.0% of the test pairs have an artist that has no listener in training; they count as "
    assert notes == [note + "misses"]
    names = ["popularity", "item-kNN", "ALS, original settings", "ALS, tuned"]
    assert list(table.index) == names
    assert list(means) == ["recall@10", "ndcg@10"]
    assert table.loc["ALS, tuned", "ndcg@10"].startswith(f"{means['ndcg@10']:.4f} ±")


def test_recommend_to_a_new_listener(taste):
    top = rankers.recommend(taste, ["Artist 1", "Artist 3"], n=5)
    numbers = top["artist"].str.removeprefix("Artist ").astype(int)
    assert len(set(numbers)) == 5
    assert (numbers % 2 == 1).all()  # the same group
    assert not numbers.isin([1, 3]).any()
    assert top["score"].is_monotonic_decreasing
    with pytest.raises(DataError, match="no artist is called 'Artist 99'"):
        rankers.recommend(taste, ["Artist 99"])


@pytest.mark.parametrize("n", [0, -1, 10**30])
def test_a_number_of_artists_that_there_are_not(taste, n):
    with pytest.raises(DataError, match="expected a whole number from 1 to"):
        rankers.recommend(taste, [taste.artists[0]], n)


def test_an_unknown_weighting_is_rejected():
    with pytest.raises(ValueError, match="`weighting` must be one of"):
        rankers.weighted(sparse.csr_array(np.eye(2)), "tf")


def test_alpha_is_the_mean_confidence(taste):
    for weighting in rankers.WEIGHTINGS:
        scaled = rankers.confidence(taste.counts, AlsSettings(weighting=weighting, alpha=5.0))
        assert scaled.data.mean() == pytest.approx(5, rel=1e-5)
        unscaled = rankers.confidence(taste.counts, AlsSettings(weighting=weighting))
        assert (scaled.data / unscaled.data).std() == pytest.approx(0, abs=1e-5)


def test_bm25_by_hand():
    counts = sparse.csr_array([[4.0, 0, 0], [2.0, 6.0, 0], [0, 0, 3.0]])
    weights = rankers.weighted(counts, "bm25, K1 10").toarray()
    length = 0.2 + 0.8 * 6 / 5  # artist 0 has 6 plays, the mean is 5
    idf = np.log(3) - np.log(1 + 1)  # three artists, user 0 plays one of them
    assert weights[0, 0] == pytest.approx(4 * 11 / (10 * length + 4) * idf)


def test_names_on_the_map_do_not_overlap():
    points = np.random.default_rng(0).random((200, 2))
    names = [f"Artist number {number}" for number in range(200)]
    figure = figures.artist_map(points, np.zeros(200), names, labels=60)
    texts = figure.axes[0].texts
    boxes = [text.get_window_extent() for text in texts]
    plt.close(figure)
    assert 20 < len(boxes) <= 60
    assert names[0] == texts[0].get_text()
    assert all(not box.count_overlaps(boxes[:n]) for n, box in enumerate(boxes))
