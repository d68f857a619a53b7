"""Ranks in the whole catalogue, by hand and against the model's own scores."""

import numpy as np
import pytest

from movierec import catalogue, training
from movierec.models import predictor
from movierec.prepared import prepare


@pytest.fixture(scope="module")
def ready(made):
    return prepare(made, protocol="full-ranking")


def by_hand(ready, scores):
    """Ranks and heads by sorting the unrated films, one user at a time."""
    test, known = ready.split.test, ready.split.known
    ranks, heads = [], []
    for row, of_films in zip(test, scores, strict=True):
        rated = set(ready.movies[known][ready.users[known] == ready.users[row]])
        left = [film for film in range(scores.shape[1]) if film not in rated]
        left.sort(key=lambda film: (-of_films[film], film))
        ranks.append(1 + left.index(ready.movies[row]))
        heads.append((left + [-1] * 10)[:10])
    return ranks, heads


@pytest.mark.parametrize("levels", [3, 10_000])  # few levels: many equal scores
def test_ranks_and_heads_by_hand(ready, levels, monkeypatch):
    monkeypatch.setattr(catalogue, "BLOCK", 7)
    test = ready.split.test
    shape = len(test), len(ready.data.movies)
    scores = np.random.default_rng(0).integers(0, levels, shape).astype(np.float32)
    order = {row: place for place, row in enumerate(test)}
    ranks, heads = catalogue.ranks(
        ready, test, ready.split.known, lambda rows: scores[[order[row] for row in rows]]
    )
    expected = by_hand(ready, scores)
    assert ranks.tolist() == expected[0]
    assert heads.tolist() == expected[1]


def test_scores_that_are_no_numbers(ready):
    films = len(ready.data.movies)
    with pytest.raises(ValueError, match="scores must be finite numbers"):
        catalogue.ranks(
            ready,
            ready.split.test,
            ready.split.known,
            lambda rows: np.full((len(rows), films), np.nan),
        )


def test_a_model_scores_every_film_at_the_row_s_time(ready):
    model = training.SETTINGS["tuned"].build("autoint", ready.encoder.field_dims)
    rows = ready.split.test[:3]
    scores = catalogue.of_predictor(predictor(model), ready)(rows)
    assert scores.shape == (3, len(ready.data.movies))
    own = scores[np.arange(3), ready.movies[rows]]
    np.testing.assert_allclose(own, predictor(model)(ready.ids[rows]), rtol=1e-5)
