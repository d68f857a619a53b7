"""Baselines by arithmetic, and against the same thing done one row at a time."""

import numpy as np
import pytest

from movierec import baselines
from movierec.baselines import Known

# three users, four films; the last film has no rating
KNOWN = Known(
    users=np.array([0, 1, 2, 0]),
    films=np.array([0, 0, 0, 2]),
    labels=np.array([1, 1, 0, 0], np.float32),
    ratings=np.array([5, 4, 2, 1]),
    shape=(3, 4),
)


def random_known(users=30, films=20, rows=300, seed=0):
    rng = np.random.default_rng(seed)
    pairs = rng.choice(users * films, rows, replace=False)
    ratings = rng.integers(1, 6, rows)
    labels = (ratings >= 4).astype(np.float32)
    return Known(pairs // films, pairs % films, labels, ratings, (users, films))


def test_popularity():
    assert baselines.popularity(KNOWN).of_users(np.array([1])).tolist() == [[3, 0, 1, 0]]


def test_movie_mean():
    scores = baselines.movie_mean(KNOWN, smoothing=10)
    expected = [(2 + 10 * 0.5) / 13, 0.5, (0 + 10 * 0.5) / 11, 0.5]
    assert scores.of_users(np.array([2]))[0] == pytest.approx(expected)
    assert scores.pairs(np.array([0, 1]), np.array([2, 0])) == pytest.approx(expected[2::-2])


def test_random_order_is_each_user_s_own_and_the_same_again():
    scores = baselines.random_order(KNOWN)
    first, again = (scores.of_users(np.arange(3)) for _ in range(2))
    assert first.shape == (3, 4)
    assert np.array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert scores.pairs(np.zeros(5, int), np.zeros(5, int)).shape == (5,)


def test_biases_find_planted_ones():
    rng = np.random.default_rng(0)
    user, film = rng.normal(0, 0.5, 30), rng.normal(0, 0.5, 20)
    users, films = (part.ravel() for part in np.meshgrid(range(30), range(20), indexing="ij"))
    ratings = 3 + user[users] + film[films]
    scores = baselines.biases(Known(users, films, ratings > 3, ratings, (30, 20)), l2=1e-9)
    assert scores.pairs(users, films) == pytest.approx(ratings, abs=1e-6)


def test_somebody_unknown_has_no_bias():
    known = Known(np.array([0, 0]), np.array([0, 1]), np.ones(2), np.array([5, 3]), (2, 3))
    scores = baselines.biases(known, l2=1.0)
    assert scores.user[1] == pytest.approx(4)
    assert scores.film[2] == 0


def test_factors_of_all_rows_at_once_are_those_of_one_at_a_time():
    known = random_known()
    matrix = known.matrix(known.ratings)
    given = np.random.default_rng(1).normal(size=(20, 3))
    found = baselines._ridge(matrix, given, l2=0.7)
    for user in range(30):
        mine = given[known.films[known.users == user]]
        penalty = 0.7 * np.sqrt(max(len(mine), 1)) * np.eye(3)
        right = mine.T @ known.ratings[known.users == user]
        assert found[user] == pytest.approx(
            np.linalg.solve(mine.T @ mine + penalty, right), rel=1e-4
        )


def test_factorisation_learns_what_biases_cannot():
    rng = np.random.default_rng(0)
    users, films = (part.ravel() for part in np.meshgrid(range(40), range(30), indexing="ij"))
    ratings = np.where((users % 2) == (films % 2), 5, 1)
    seen = rng.random(len(users)) < 0.5
    known = Known(users[seen], films[seen], ratings[seen] > 3, ratings[seen], (40, 30))
    unseen = users[~seen], films[~seen]
    scores = baselines.factorisation(known, factors=2, l2=0.1).pairs(*unseen)
    assert np.corrcoef(scores, ratings[~seen])[0, 1] > 0.95
    assert abs(np.corrcoef(baselines.biases(known).pairs(*unseen), ratings[~seen])[0, 1]) < 0.3


def test_ease_is_a_ridge_regression_of_every_film_on_the_others():
    known = random_known()
    liked = known.matrix(known.labels).toarray().astype(np.float64)
    weights = baselines.ease(known, l2=3).film_factors.T
    assert np.allclose(np.diag(weights), 0)
    for film in range(20):
        others = np.delete(liked, film, axis=1)
        gram = others.T @ others + 3 * np.eye(19)
        expected = np.linalg.solve(gram, others.T @ liked[:, film])
        assert np.delete(weights[:, film], film) == pytest.approx(expected, abs=1e-5)


def test_implicit_als_prefers_films_of_the_own_kind():
    users, films = (part.ravel() for part in np.meshgrid(range(40), range(30), indexing="ij"))
    keep = ((users % 2) == (films % 2)) & (np.random.default_rng(0).random(1200) < 0.7)
    ones = np.ones(keep.sum())
    known = Known(users[keep], films[keep], ones, 5 * ones, (40, 30))
    scores = baselines.implicit_als(known, factors=4, l2=0.1).of_users(np.array([0]))[0]
    assert scores[::2].mean() > scores[1::2].max()


def test_one_hot_and_logistic_regression():
    ids = np.array([[0, 2], [1, 0]], np.int32)
    assert baselines.one_hot(ids, (2, 3)).toarray().tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, 2, 500), rng.integers(0, 3, 500)], axis=1).astype(np.int32)
    model = baselines.logistic(ids, ids[:, 0], (2, 3))
    assert (model.predict(baselines.one_hot(ids, (2, 3))) == ids[:, 0]).all()
