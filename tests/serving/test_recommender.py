"""Recommendations: encoded and scored as in training, unrated movies only, the best first."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from movierec.data.dataset import split_by
from movierec.data.rows import UNKNOWN
from movierec.data.schema import TIME_FEATURES
from movierec.models import artifacts
from movierec.serving import new_user
from movierec.serving import recommender as recommenders
from movierec.serving.lookups import ORDERS, Filters, Lookups
from movierec.serving.recommender import Recommender, RequestError
from tests.conftest import blas_threads

COLUMNS = ["movie_id", "title", "genres", "release_year", "probability"]


def rows_of_all_movies(data, user_id, year, month):
    """Raw feature rows of one user with every movie, joined from the raw tables."""
    user = data.users[data.users["user_id"] == user_id]
    rows = user.merge(data.movie_features, how="cross")
    return rows.assign(rating_year=year, rating_month=month)[list(data.fields.all)]


@pytest.mark.parametrize("order", ORDERS)
def test_the_recommendation_has_the_best_of_all_unrated_movies(small, order):
    """Ranked by P(like), alone or times that of the first stage, computed here from the tables."""
    year, month = small.lookups.default_time(7)
    rows = rows_of_all_movies(small.data, 7, year, month)
    probability = pd.Series(small.score(rows), index=rows["movie_id"])
    assert len(probability) == 60
    history, model = small.lookups.history(7), small.candidate_model
    score = probability
    if order == "for-you":
        liked = small.data.movie_positions(history.loc[history["rating"] >= 4, "movie_id"])
        a, b, c = model.factors
        odds = a * model.weights.toarray()[liked].sum(axis=0) / np.sqrt(len(liked) + 30)
        odds += b * np.log(model.raters + 1) + c * np.log(model.recent + 1)
        score = score * np.exp(odds)
    if order == "carry-on":
        oldest_first = history.sort_values("timestamp", kind="stable")["movie_id"]
        rated = small.data.movie_positions(oldest_first)
        every = np.ones((1, 60), bool)
        score = score * np.exp(small.next_movie_model.log_probability(rated[None], every)[0])
    best = score.drop(history["movie_id"]).sort_values(ascending=False, kind="stable").index
    movies = small.recommend(7, n=len(best), order=order)
    assert movies["movie_id"].tolist() == best.tolist()
    np.testing.assert_allclose(movies["probability"], probability[best], atol=1e-6)
    assert list(movies) == COLUMNS
    assert small.recommend(7, order=order).equals(movies[:10])


def test_only_the_likeliest_candidates_are_scored_for_you(small, monkeypatch):
    monkeypatch.setattr(recommenders, "POOL", 12)
    candidates = small.candidates(7)
    whole = small.rank(candidates, 20)
    pool = np.argsort(-small.log_turned_to(candidates), kind="stable")[:12]
    assert set(small.rank(candidates)["movie_id"]) <= set(small.data.movies["movie_id"].iloc[pool])
    assert len(whole) == 20  # a longer list has a larger pool
    with pytest.raises(RequestError, match="unknown order 'best': choose one of for-you, surest"):
        small.recommend(7, order="best")


def test_without_ratings_the_list_carries_on_from_popularity(small):
    candidates = new_user.candidates(small, new_user.NewUser())
    first = small.rank(candidates, order="for-you")
    assert small.rank(candidates, order="carry-on").equals(first)


@pytest.mark.parametrize("order", ORDERS)
def test_equal_movies_are_in_the_order_of_the_table(small, monkeypatch, order):
    def constant(candidates, positions):
        return np.where(positions % 3, 0.5, 0.25).astype(np.float32)

    monkeypatch.setattr(small, "probability", constant)
    monkeypatch.setattr(small, "log_turned_to", lambda candidates, order: np.zeros(60, np.float32))
    candidates = dataclasses.replace(small.candidates(7), unrated=np.ones(60, bool))
    expected = sorted(range(60), key=lambda position: position % 3 == 0)  # sorted is stable
    movies = small.rank(candidates, 60, order=order)["movie_id"]
    assert movies.tolist() == small.data.movies["movie_id"].iloc[expected].tolist()
    monkeypatch.setattr(recommenders, "POOL", 12)
    pool = small.rank(candidates, 12)["movie_id"]
    assert set(pool) == set(small.data.movies["movie_id"][:12])


def test_a_year_without_training_rows_is_unknown(small):
    known = small.candidates(7, *small.lookups.default_time(7)).ids
    unknown = small.candidates(7, 2099, 12).ids
    assert (known[:, :-2] == unknown[:, :-2]).all()
    assert (known[:, -2] != UNKNOWN).all()
    assert (unknown[:, -2] == UNKNOWN).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((41,), "no user 41 in ml-1m: expected one of its 40 users, a whole number from 1 to 40"),
        ((0,), "there is no user 0"),
        (("7",), "there is no user '7'"),
        ((7.0,), "there is no user 7.0"),
        ((True,), "there is no user True"),
        ((10**30,), "there is no user 1000"),
        ((7, 0), "n is 0, expected a whole number from 1 to 60"),
        ((7, 61), "n is 61"),
        ((7, True), "n is True"),
        ((7, 2.5), "n is 2.5"),
        ((7, 5, 1994), "year is 1994, expected a whole number from 1995 to 2100"),
        ((7, 5, "2000"), "year is '2000'"),
        ((7, 5, 2000, 13), "month is 13, expected a whole number from 1 to 12"),
    ],
)
def test_requests_that_cannot_be_answered_are_refused(small, arguments, message):
    with pytest.raises(RequestError, match=message):
        small.recommend(*arguments)


def test_filters_keep_the_order_and_leave_out_other_movies(small):
    lookups = small.lookups
    candidates = small.candidates(7)
    whole = small.rank(candidates, 20)
    comedies = small.rank(candidates, 20, Filters(genre="Comedy"))
    assert comedies["genres"].eq("Comedy").all()
    assert comedies["movie_id"].tolist() == [movie for movie in whole["movie_id"] if movie % 3 == 0]
    fifties = small.rank(candidates, 20, Filters("Drama", 1950))
    assert fifties["release_year"].between(1950, 1959).all()
    unknown = small.rank(candidates, 20, Filters(hide_known=np.True_))["movie_id"]
    limit = np.quantile(lookups.raters, 0.9)
    assert (lookups.raters[small.data.movie_positions(unknown)] <= limit).all()
    assert small.rank(candidates, 20, Filters("Comedy", 1950, True)).columns.tolist() == COLUMNS


def test_filters_models_and_users_without_movies_are_refused(small):
    for filters, message in (
        (Filters(genre="Telenovela"), "no genre 'Telenovela': choose one of Comedy, Drama, War"),
        (Filters(decade=1955), "no decade 1955: choose one of 1950, 1960"),
    ):
        with pytest.raises(RequestError, match=message):
            small.rank(small.candidates(7), 5, filters)
    with pytest.raises(RequestError, match="every movie is rated already"):
        small.rank(dataclasses.replace(small.candidates(7), unrated=np.zeros(60, bool)))
    with pytest.raises(
        RequestError, match="unknown model 'svd': choose one of autoint, autointmlp"
    ):
        recommenders.load("svd")


def test_a_profile_is_encoded_like_a_user_without_an_id(small):
    ids = small.new_user_ids(small.lookups.user(7), 2001, 1)
    assert np.array_equal(ids[:, 1:], small.candidates(7, 2001, 1).ids[:, 1:])
    assert (ids[:, 0] == UNKNOWN).all()
    one = {"gender": "F", "age": pd.NA, "zipcode": np.nan}
    assert (small.new_user_ids(one)[:, [0, 2, 3, 4]] == UNKNOWN).all()


def test_a_profile_with_another_field_is_refused(small):
    with pytest.raises(RequestError, match="users have no 'sex': give gender, age, occupation"):
        small.new_user_ids({"sex": "F"})


@pytest.mark.parametrize("users", [[-1], [40], [1.5], "x", [True], [[0]]])
def test_positions_of_users_are_checked(small, users):
    with pytest.raises(RequestError, match="expected positions, 0 to 39"):
        small.recommend_all(users=users)


@pytest.mark.parametrize(
    "change",
    [
        {"raters": "x"},
        {"raters": -1},
        {"raters": True},
        {"hidden": 5},
        {"hidden": ("1",)},
        {"hidden": (True,)},
        {"like": 1.5},
        {"hide_known": "no"},
    ],
)
def test_filters_of_another_type_are_refused(change):
    with pytest.raises(RequestError, match=f"the filter {next(iter(change))} is "):
        Filters(**change)


@pytest.mark.parametrize("order", ORDERS)
def test_scores_that_are_not_numbers_give_no_list(small, order):
    damaged = small.model.table.copy()
    damaged[:] = 1e30  # overflows
    model = dataclasses.replace(small.model, table=damaged)
    models = small.candidate_model, small.next_movie_model
    asked = Recommender(small.lookups, model, small.encoder, small.entry, *models)
    with np.errstate(all="ignore"):
        with pytest.raises(RequestError, match="scores are not numbers"):
            asked.recommend(7, order=order)
        with pytest.raises(RequestError, match="scores are not numbers"):
            asked.recommend_all(5, order)
    for adventure in (np.nan, np.inf, "x", 1e300, -11):
        with pytest.raises(RequestError, match="adventure is "):
            small.rank(small.candidates(7), order=order, adventure=adventure)


def test_arguments_of_other_types_are_refused(small):
    movies = small.candidates(7)
    for arguments in ((None,), (movies, 2, None), (movies, 2, {"genre": "Drama"})):
        with pytest.raises(RequestError, match="expected what `candidates` returns, and Filters"):
            small.rank(*arguments)
    for profile in (None, [], "F"):
        with pytest.raises(RequestError, match="the profile is .+, expected values by feature"):
            small.new_user_ids(profile)
    with pytest.raises(RequestError, match="the user is None, expected a NewUser"):
        new_user.candidates(small, None)


def test_a_list_has_at_most_the_movies_that_are_left(small):
    assert len(small.recommend(7, 60)) == 20


def test_changing_an_answer_does_not_change_the_next_one(small):
    before = small.lookups.movies.copy(), small.candidates(7).ids.copy()
    movies = small.recommend(7)
    movies["title"] = "changed"
    history = small.lookups.history(7)
    history["title"] = "changed"
    candidates = small.candidates(7)
    candidates.ids[:] = 0
    candidates.unrated[:] = True
    assert small.lookups.movies.equals(before[0])
    assert np.array_equal(small.candidates(7).ids, before[1])
    assert small.candidates(7).unrated.sum() == 20
    assert "changed" not in small.recommend(7)["title"].tolist()


def test_scores_equal_those_of_keras_on_the_training_rows(recommender):
    dataset = split_by(recommender.data)
    rows = dataset.split.test[:5000]
    scores = recommender.score(recommender.data.features().iloc[rows])
    folder = artifacts.model_folder(recommender.data.name)
    model = artifacts.load_keras(folder, "autointmlp")
    ids = dataset.encoded(recommender.encoder).ids[rows]
    predicted = model.predict(ids, batch_size=512, verbose=0)[:, 0]
    np.testing.assert_allclose(scores, predicted, atol=1e-6)


def check_ids_of_every_movie(recommender: Recommender, user_ids) -> None:
    """Compare the served ids of users with the encoded join of the raw tables.

    The encoder is fitted again on the joined training rows, so the committed one is checked too.
    """
    data, lookups = recommender.data, recommender.lookups
    encoder = recommender.encoder.fit(data.features().iloc[split_by(data).split.known])
    first = rows_of_all_movies(data, user_ids[0], *lookups.default_time(user_ids[0]))
    expected = encoder.transform(first)
    users = data.users.set_index("user_id", drop=False).loc[user_ids]
    users_ids = encoder.transform(users, data.fields.user)
    last = data.ratings.groupby("user_id")["timestamp"].max().loc[user_ids]
    times = pd.to_datetime(last, unit="s").dt
    times = pd.DataFrame(dict(zip(TIME_FEATURES, (times.year, times.month), strict=True)))
    time_ids = encoder.transform(times, TIME_FEATURES)
    columns = data.fields.movie_columns
    for user_id, user, time in zip(user_ids, users_ids, time_ids, strict=True):
        expected[:, : columns.start] = user
        expected[:, columns.stop :] = time
        assert np.array_equal(recommender.candidates(user_id).ids, expected), user_id


def test_served_ids_equal_trained_ids_for_every_movie(recommender):
    """For 100 users; `test_served_ids_equal_trained_ids_for_every_user_and_movie` checks all."""
    users = recommender.data.users["user_id"].to_numpy()
    chosen = np.random.default_rng(0).choice(users, 100, replace=False)
    check_ids_of_every_movie(recommender, chosen)


@pytest.mark.slow
def test_served_ids_equal_trained_ids_for_every_user_and_movie(recommender):
    check_ids_of_every_movie(recommender, recommender.data.users["user_id"].to_numpy())


@pytest.mark.parametrize("order", ORDERS)
def test_the_lists_of_all_users_are_those_of_each(small, order, monkeypatch):
    monkeypatch.setattr(recommenders, "USERS", 7)
    monkeypatch.setattr(recommenders, "POOL", 12)
    lists = small.recommend_all(5, order)
    assert len(lists) == 40 * 5
    for user_id in (1, 8, 40):
        found = lists[lists["user_id"] == user_id]
        expected = small.recommend(user_id, 5, order=order)
        assert found["rank"].tolist() == [1, 2, 3, 4, 5]
        assert found["movie_id"].tolist() == expected["movie_id"].tolist()
        np.testing.assert_allclose(found["probability"], expected["probability"], rtol=1e-5)
    with pytest.raises(RequestError, match="n is 61, expected a whole number from 1 to 60"):
        small.recommend_all(61)
    assert small.recommend_all(5, order, np.array([], int)).empty


def test_the_lists_of_all_users_are_rounded_alike_on_any_number_of_cores(small, monkeypatch):
    best_of, threads = small._best_of, []

    def watched(*arguments):
        threads.extend(blas_threads())
        return best_of(*arguments)

    monkeypatch.setattr(small, "_best_of", watched)
    small.recommend_all(5)
    assert set(threads) == {1}


@pytest.mark.parametrize("order", ORDERS)
def test_users_who_rated_all_movies_or_none(small, made, order):
    """User 2 has rated all movies, user 3 none."""
    others = made.ratings[~made.ratings["user_id"].isin([2, 3])]
    every = pd.DataFrame({"user_id": 2, "movie_id": made.movies["movie_id"], "rating": 4})
    ratings = pd.concat([others, every.assign(timestamp=978300000)], ignore_index=True)
    data = dataclasses.replace(made, ratings=ratings.astype(made.ratings.dtypes))
    models = small.candidate_model, small.next_movie_model
    asked = Recommender(Lookups(data), small.model, small.encoder, small.entry, *models)
    for users in (np.arange(4), np.array([1]), np.array([2])):
        lists = asked.recommend_all(5, order, users)
        expected = {int(user) + 1 for user in users} - {2}
        assert set(lists["user_id"]) == expected
        for user_id in expected:
            found = lists.loc[lists["user_id"] == user_id, "movie_id"].tolist()
            assert found == asked.recommend(user_id, 5, order=order)["movie_id"].tolist()


def test_filters_by_raters_hidden_movies_and_likeness(small):
    candidates, data = small.candidates(7), small.data
    whole = small.rank(candidates, 20)["movie_id"]
    least = int(np.median(small.lookups.raters))
    kept = small.rank(candidates, 20, Filters(raters=least))["movie_id"]
    assert (small.lookups.raters[data.movie_positions(kept)] >= least).all()
    assert 0 < len(kept) < len(whole)
    hidden = tuple(whole[:3])
    assert set(small.rank(candidates, 20, Filters(hidden=hidden))["movie_id"]).isdisjoint(hidden)
    alike = small.rank(candidates, 20, Filters(like=3))["movie_id"]
    weights = small.candidate_model.weights.toarray()[data.movie_positions([3])[0]]
    assert len(alike)
    assert (weights[data.movie_positions(alike)] > 0).all()
    with pytest.raises(RequestError, match="there is no movie 99"):
        small.rank(candidates, 20, Filters(like=99))


def test_the_most_alike_movies_have_the_largest_weights(small, monkeypatch):
    monkeypatch.setattr(recommenders, "LIKE", 3)
    weights = small.candidate_model.weights.toarray()[small.data.movie_positions([3])[0]]
    largest = np.argsort(-weights)[:3]
    assert weights[largest].min() > 0
    assert np.flatnonzero(small.alike(3)).tolist() == sorted(largest)


def test_a_list_has_ten_movies_unless_asked_for_another_number(small):
    assert len(small.rank(small.candidates(7))) == len(small.recommend(7)) == 10


def test_adventure_leaves_popularity_out(small, monkeypatch):
    candidates, popularity = small.candidates(7), small.candidate_model.popularity
    adventurous = {order: small.rank(candidates, order=order, adventure=1) for order in ORDERS}
    before = small.log_turned_to
    monkeypatch.setattr(small, "log_turned_to", lambda *asked: before(*asked) - popularity)
    for order in ORDERS:
        assert small.rank(candidates, order=order).equals(adventurous[order])


def test_movies_that_a_user_has_also_seen_are_left_out_and_liked_ones_count(small):
    before = small.candidates(7)
    movie, other = (int(id_) for id_ in small.rank(before, 2)["movie_id"])
    liked = small.candidates(7, seen=((movie, 5),))
    disliked = small.candidates(7, seen=((movie, 1),))
    left = small.data.movie_positions([other])[0]
    assert movie not in small.rank(liked, 10)["movie_id"].tolist()
    assert not np.allclose(small.log_turned_to(liked)[left], small.log_turned_to(disliked)[left])
    assert np.array_equal(liked.ids, before.ids)


def test_a_seen_movie_has_its_new_rating(small):
    history = small.lookups.history(7)
    movie = int(history.loc[history["rating"] >= 4, "movie_id"].iloc[0])
    (position,) = small.data.movie_positions([movie])
    before, after = small.candidates(7), small.candidates(7, seen=((movie, 1),))
    assert position in before.liked
    assert position not in after.liked
    assert sorted(after.rated) == sorted(before.rated)
    assert after.rated[-1] == position


@pytest.mark.parametrize(
    ("rated", "message"),
    [
        (((61, 5),), "there is no movie 61"),
        (((3, 6),), "the rating of movie 3 is 6, expected 1, 2, 3, 4, 5"),
        (((3, float("nan")),), "is nan"),
        (((3, "5"),), "is '5'"),
        (((3, 5), (3, 4)), "a movie is rated twice"),
        (((3, 5), (4,)), "expected pairs of movie id and rating"),
        ({3: 5}, "expected pairs of movie id and rating"),
        (((3, True),), "is True"),
        (((3, np.True_),), r"is (np\.)?True"),
        (((3, pd.NA),), "is <NA>"),
        (((3, np.array([5])),), r"is array\(\[5\]\)"),
    ],
)
def test_ratings_that_cannot_be_are_refused(small, rated, message):
    with pytest.raises(RequestError, match=message):
        small.candidates(7, seen=rated)
    with pytest.raises(RequestError, match=message):
        new_user.candidates(small, new_user.NewUser(rated=rated))
