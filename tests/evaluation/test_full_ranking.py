"""Ranks among the whole catalogue, compared with sorting and with the model's own scores."""

import numpy as np
import pytest

from autoint import AutoInt
from movierec.data.dataset import split_by
from movierec.evaluation import full_ranking
from movierec.models.scorer import predictor


@pytest.fixture(scope="module")
def dataset(made):
    return split_by(made, "full-ranking")


def by_sorting(dataset, scores):
    """Ranks and top ten by sorting the unrated movies of one user at a time."""
    users, movies = dataset.data.rating_users, dataset.data.rating_movies
    known = dataset.split.known
    ranks, top_k = [], []
    for row, row_scores in zip(dataset.split.test, scores, strict=True):
        rated = set(movies[known][users[known] == users[row]])
        left = [movie for movie in range(len(row_scores)) if movie not in rated]
        left.sort(key=lambda movie: (-row_scores[movie], movie))
        ranks.append(1 + left.index(movies[row]))
        top_k.append((left + [-1] * 10)[:10])
    return ranks, top_k


@pytest.mark.parametrize("levels", [3, 10_000])  # few levels: many equal scores
def test_ranks_and_lists_match_sorting(dataset, levels, monkeypatch):
    monkeypatch.setattr(full_ranking, "BLOCK", 7)
    test = dataset.split.test
    shape = len(test), len(dataset.data.movies)
    scores = np.random.default_rng(0).integers(0, levels, shape).astype(np.float32)
    order = {row: index for index, row in enumerate(test)}
    ranks, top_k = full_ranking.ranks(
        dataset, test, dataset.split.known, lambda rows: scores[[order[row] for row in rows]]
    )
    expected = by_sorting(dataset, scores)
    assert ranks.tolist() == expected[0]
    assert top_k.tolist() == expected[1]


def test_a_model_scores_every_movie_at_the_time_of_the_row(dataset):
    encoded = dataset.encoded(dataset.fit_encoder(dataset.split.train))
    predict = predictor(AutoInt(encoded.encoder.field_dims))
    rows = dataset.split.test[:3]
    scores = full_ranking.model_scorer(predict, encoded)(rows)
    assert scores.shape == (3, len(dataset.data.movies))
    own = scores[np.arange(3), dataset.data.rating_movies[rows]]
    np.testing.assert_allclose(own, predict(encoded.ids[rows]), rtol=1e-5)
