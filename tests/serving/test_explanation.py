"""Explanations equal what the model computes for one row at a time."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from movierec.data.rows import UNKNOWN
from movierec.models import scorer
from movierec.serving import explanation, new_user
from movierec.serving.lookups import RequestError
from movierec.serving.recommender import Recommender


def test_the_explanation_of_a_users_recommendation(small):
    candidates = small.candidates(7)
    explained = explanation.explain(small, candidates, 9)
    ids = candidates.ids[small.data.movie_positions([9])]
    predict = scorer.predictor(small.model)
    assert explained.probability == pytest.approx(predict(ids)[0], abs=1e-6)
    for field in range(13):
        other = ids.copy()
        other[0, field] = UNKNOWN
        assert explained.without[field] == pytest.approx(predict(other)[0], abs=1e-6)
    model = small.model
    assert explained.attention.shape == (len(model.layers), 2, 13, 13)
    _, layers = model.logits_of(model.embedding(ids))
    np.testing.assert_allclose(explained.attention, [layer[0] for layer in layers], atol=1e-6)
    assert explained.received.sum() == pytest.approx(1, abs=1e-5)
    assert explained.field_values[0] == "7"
    assert explained.field_values[5] == "9"
    with pytest.raises(RequestError, match="there is no movie 61 in ml-1m"):
        explanation.explain(small, candidates, 61)


def test_the_explanation_of_a_new_users_recommendation(small):
    candidates = new_user.candidates(
        small, new_user.NewUser({"gender": "F"}, rated=((3, 5), (4, 1)))
    )
    explained = explanation.explain(small, candidates, 9)
    position = small.data.movie_positions([9])
    probability = small.probability(candidates, position)[0]
    assert explained.probability == pytest.approx(probability, abs=1e-6)
    ids = candidates.ids[position]
    assert ids[0, 0] == UNKNOWN
    expected = scorer.predictor(small.model)(ids)[0]
    assert explained.without[0] == pytest.approx(expected, abs=1e-6)
    assert explained.field_values[0] == ""


def test_a_model_without_layers_has_no_attention(small):
    model = dataclasses.replace(
        small.model, layers=(), readout=np.ones((13 * small.model.embed_dim, 5), np.float32)
    )
    parts = small.lookups, model, small.encoder, small.entry, small.candidate_model
    explained = explanation.explain(Recommender(*parts), small.candidates(7), 9)
    assert explained.attention.shape == explained.received.shape == (0,)
    assert len(explained.changes) == 13


def test_the_liked_movies_that_speak_for_a_movie(small):
    rated = pd.DataFrame({"movie_id": [3, 6, 12, 15, 1, 9], "rating": [5, 4, 4, 5, 3, 5]})
    found = explanation.reasons(small, 9, rated)
    model = small.candidate_model
    weights = model.factors[0] * model.weights.toarray()[:, 8] / np.sqrt(4 + 30)  # of four liked
    liked = [movie for movie in (3, 6, 12, 15) if weights[movie - 1] > 0]
    expected = sorted(liked, key=lambda movie: -weights[movie - 1])[: explanation.REASONS]
    assert found["movie_id"].tolist() == expected
    assert expected
    np.testing.assert_allclose(found["added"], weights[np.array(expected) - 1], rtol=1e-5)
    assert explanation.reasons(small, 9, rated[rated["rating"] < 4]).empty


def test_the_nearest_rated_movies(small):
    rated = pd.DataFrame({"movie_id": [9, 3, 8, 14, 20, 26, 5], "rating": range(7)})
    nearest = explanation.nearest(small, 9, rated)
    assert len(nearest) == explanation.NEAREST
    assert nearest.loc[0, "movie_id"] == 9
    assert nearest.loc[0, "similarity"] == pytest.approx(1, abs=1e-6)
    assert nearest["similarity"].is_monotonic_decreasing
