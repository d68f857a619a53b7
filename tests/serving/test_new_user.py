"""What is known about a new user determines what the recommendations are based on."""

import copy

import numpy as np
import pandas as pd
import pytest

from movierec.data.rows import UNKNOWN
from movierec.serving import new_user
from movierec.serving.new_user import NewUser
from tests.models.test_numpy_model import assert_same


@pytest.mark.parametrize(
    ("given", "basis"),
    [
        ({}, "nothing"),
        ({"profile": {"gender": "F"}}, "profile"),
        ({"profile": {"occupation": 0, "gender": None}}, "profile"),
        ({"profile": {"zipcode": "02460"}}, "profile"),
        ({"profile": {"zipcode": "", "age": pd.NA}}, "nothing"),
        ({"rated": ((3, 5),)}, "ratings"),
        ({"profile": {"gender": "F"}, "rated": ((3, 5),)}, "ratings"),
    ],
)
def test_what_the_recommendations_are_based_on(small, given, basis):
    user = NewUser(**given)
    assert user.based_on == basis
    candidates = new_user.candidates(small, user)
    assert (candidates.user_vector is not None) == (basis == "ratings")
    assert (candidates.ids[:, 0] == UNKNOWN).all()


def test_ratings_change_the_scores_and_leave_the_model_unchanged(small):
    before = copy.deepcopy(small.model)
    comedies = tuple((movie, 5) for movie in range(3, 31, 3))
    dramas = tuple((movie, 1) for movie in range(1, 31, 3))
    rated = new_user.candidates(small, NewUser(rated=comedies + dramas))
    unrated = new_user.candidates(small, NewUser())
    every = np.arange(len(rated.ids))
    scores = [small.probability(candidates, every) for candidates in (rated, unrated)]
    assert not np.allclose(*scores, atol=1e-4)
    turned_to = [small.log_turned_to(candidates) for candidates in (rated, unrated)]
    assert not np.allclose(*turned_to, atol=1e-4)
    assert unrated.unrated.all()
    assert not rated.unrated[:30:3].any()
    liked = new_user.candidates(small, NewUser(rated=comedies))
    disliked = new_user.candidates(small, NewUser(rated=tuple((m, 3) for m, _ in comedies)))
    left = disliked.unrated
    difference = small.log_turned_to(liked)[left] - small.log_turned_to(disliked)[left]
    assert np.ptp(difference) > 0.01  # only liked movies speak for others
    again = new_user.candidates(small, NewUser(rated=comedies + dramas))
    np.testing.assert_allclose(again.user_vector, rated.user_vector, atol=1e-6)
    assert_same(small.model, before)
