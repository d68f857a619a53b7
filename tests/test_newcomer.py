"""What a new viewer tells decides how the model comes to know them."""

import copy

import numpy as np
import pytest

from movierec import newcomer
from movierec.newcomer import Newcomer
from movierec.rows import UNKNOWN
from tests.test_trained import same


@pytest.mark.parametrize(
    ("told", "way"),
    [
        ({}, "nothing"),
        ({"gender": "F"}, "profile"),
        ({"occupation": 0}, "profile"),
        ({"zipcode": "02460"}, "profile"),
        ({"rated": ((3, 5),)}, "ratings"),
        ({"gender": "F", "rated": ((3, 5),)}, "ratings"),
    ],
)
def test_ways(small, told, way):
    someone = Newcomer(**told)
    assert someone.way == way
    found = newcomer.candidates(small, someone)
    assert (found.person is not None) == (way == "ratings")
    assert (found.ids[:, 0] == UNKNOWN).all()


def test_what_is_rated_is_not_recommended(small):
    someone = Newcomer(rated=((3, 5), (7, 1)))
    films = small.rank(newcomer.candidates(small, someone), 58)
    assert not films["movie_id"].isin([3, 7]).any()


def test_ratings_change_the_list_and_nothing_else_does(small):
    before = copy.deepcopy(small.model)
    comedies = tuple((movie, 5) for movie in range(3, 31, 3))
    dramas = tuple((movie, 1) for movie in range(1, 31, 3))
    fan = newcomer.candidates(small, Newcomer(rated=comedies + dramas))
    plain = newcomer.candidates(small, Newcomer())
    assert not np.allclose(fan.probability, plain.probability, atol=1e-4)
    again = newcomer.candidates(small, Newcomer(rated=comedies + dramas))
    np.testing.assert_allclose(again.person, fan.person, atol=1e-6)
    same(small.model, before)
