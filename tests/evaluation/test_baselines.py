"""Baselines compared with hand calculations and with one-row-at-a-time versions."""

import dataclasses

import numpy as np
import pytest

from movierec.evaluation import baselines
from movierec.evaluation.baselines import Interactions

# three users, four movies; the last movie has no rating
RATINGS = Interactions(
    users=np.array([0, 1, 2, 0]),
    movies=np.array([0, 0, 0, 2]),
    labels=np.array([1, 1, 0, 0], np.float32),
    ratings=np.array([5, 4, 2, 1]),
    shape=(3, 4),
)


def random_ratings(users=30, movies=20, rows=300, seed=0):
    rng = np.random.default_rng(seed)
    pairs = rng.choice(users * movies, rows, replace=False)
    ratings = rng.integers(1, 6, rows)
    labels = (ratings >= 4).astype(np.float32)
    return Interactions(pairs // movies, pairs % movies, labels, ratings, (users, movies))


def test_popularity_and_movie_mean():
    assert baselines.popularity(RATINGS).all_movies(np.array([1])).tolist() == [[3, 0, 1, 0]]
    scores = baselines.movie_mean(RATINGS, smoothing=10)
    expected = [(2 + 10 * 0.5) / 13, 0.5, (0 + 10 * 0.5) / 11, 0.5]
    assert scores.all_movies(np.array([2]))[0] == pytest.approx(expected)
    assert scores.pairs(np.array([0, 1]), np.array([2, 0])) == pytest.approx(expected[2::-2])


def test_the_movie_mean_is_smoothed_by_ten_ratings_of_the_mean_label():
    labels = np.array([1, 1, 1, 0], np.float32)
    data = dataclasses.replace(RATINGS, labels=labels)
    expected = [(3 + 10 * 0.75) / 13, 0.75, (0 + 10 * 0.75) / 11, 0.75]
    assert baselines.movie_mean(data).all_movies(np.array([0]))[0] == pytest.approx(expected)


def test_biases_recover_planted_biases():
    rng = np.random.default_rng(0)
    user, movie = rng.normal(0, 0.5, 30), rng.normal(0, 0.5, 20)
    users, movies = (part.ravel() for part in np.meshgrid(range(30), range(20), indexing="ij"))
    ratings = 3 + user[users] + movie[movies]
    scores = baselines.biases(Interactions(users, movies, ratings > 3, ratings, (30, 20)), l2=1e-9)
    assert scores.pairs(users, movies) == pytest.approx(ratings, abs=1e-6)


def test_biases_are_ridge_regressions_of_each_other():
    data = random_ratings()
    scores = baselines.biases(data)
    user, movie = scores.user - data.ratings.mean(), scores.movie
    of_user, of_movie = user[data.users], movie[data.movies]
    residuals = data.ratings - data.ratings.mean()
    for number in range(30):
        own = data.users == number
        assert user[number] == pytest.approx((residuals - of_movie)[own].sum() / (own.sum() + 5))
    for number in range(20):
        own = data.movies == number
        expected = (residuals - of_user)[own].sum() / (own.sum() + 5)
        assert movie[number] == pytest.approx(expected, abs=1e-4)  # ten rounds


def test_scores_of_pairs_and_of_all_movies_agree():
    data = random_ratings()
    for scores in (baselines.matrix_factorization(data), baselines.ease(data)):
        whole = scores.all_movies(np.arange(30))
        assert whole.shape == (30, 20)
        assert scores.pairs(data.users, data.movies) == pytest.approx(
            whole[data.users, data.movies], abs=1e-5
        )
    again = baselines.matrix_factorization(data)
    assert np.array_equal(again.movie_factors, baselines.matrix_factorization(data).movie_factors)
    assert RATINGS.matrix(RATINGS.labels).shape == (3, 4)


def test_a_user_or_movie_without_ratings_has_no_bias():
    data = Interactions(np.array([0, 0]), np.array([0, 1]), np.ones(2), np.array([5, 3]), (2, 3))
    scores = baselines.biases(data, l2=1.0)
    assert scores.user[1] == pytest.approx(4)
    assert scores.movie[2] == 0


def test_factors_of_all_rows_at_once_match_one_row_at_a_time():
    data = random_ratings(rows=60)  # some users have no rating, or one
    matrix = data.matrix(data.ratings)
    fixed = np.random.default_rng(1).normal(size=(20, 3))
    factors = baselines._ridge_factors(matrix, fixed, l2=0.7)
    for user in range(30):
        rated = fixed[data.movies[data.users == user]]
        penalty = 0.7 * np.sqrt(max(len(rated), 1)) * np.eye(3)
        right = rated.T @ data.ratings[data.users == user]
        assert factors[user] == pytest.approx(
            np.linalg.solve(rated.T @ rated + penalty, right), rel=1e-4
        )


def test_matrix_factorization_learns_what_biases_cannot():
    rng = np.random.default_rng(0)
    users, movies = (part.ravel() for part in np.meshgrid(range(40), range(30), indexing="ij"))
    ratings = np.where((users % 2) == (movies % 2), 5, 1)
    seen = rng.random(len(users)) < 0.5
    data = Interactions(users[seen], movies[seen], ratings[seen] > 3, ratings[seen], (40, 30))
    unseen = users[~seen], movies[~seen]
    scores = baselines.matrix_factorization(data, factors=2, l2=0.1).pairs(*unseen)
    assert np.corrcoef(scores, ratings[~seen])[0, 1] > 0.95
    assert abs(np.corrcoef(baselines.biases(data).pairs(*unseen), ratings[~seen])[0, 1]) < 0.3


def test_ease_is_a_ridge_regression_of_every_film_on_the_others():
    data = random_ratings()
    liked = data.matrix(data.labels).toarray().astype(np.float64)
    weights = baselines.ease(data, l2=3).movie_factors.T
    assert np.allclose(np.diag(weights), 0)
    for movie in range(20):
        others = np.delete(liked, movie, axis=1)
        gram = others.T @ others + 3 * np.eye(19)
        expected = np.linalg.solve(gram, others.T @ liked[:, movie])
        assert np.delete(weights[:, movie], movie) == pytest.approx(expected, abs=1e-5)


def test_implicit_als_prefers_films_of_the_own_kind():
    users, movies = (part.ravel() for part in np.meshgrid(range(40), range(30), indexing="ij"))
    keep = ((users % 2) == (movies % 2)) & (np.random.default_rng(0).random(1200) < 0.7)
    ones = np.ones(keep.sum())
    data = Interactions(users[keep], movies[keep], ones, 5 * ones, (40, 30))
    scores = baselines.implicit_als(data, factors=4, l2=0.1).all_movies(np.array([0]))[0]
    assert scores[::2].mean() > scores[1::2].max()


def test_one_hot_and_logistic_regression():
    ids = np.array([[0, 2], [1, 0]], np.int32)
    assert baselines.one_hot(ids, (2, 3)).toarray().tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, 2, 500), rng.integers(0, 3, 500)], axis=1).astype(np.int32)
    model = baselines.logistic_regression(ids, ids[:, 0], (2, 3))
    assert (model.predict(baselines.one_hot(ids, (2, 3))) == ids[:, 0]).all()
