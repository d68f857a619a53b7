"""What is served is what was trained: same codes, same scores, nothing seen, best first."""

import numpy as np
import pandas as pd
import pytest

from movierec import artefacts, encoding, preprocess, recommender
from movierec.library import Filters
from movierec.prepared import prepare
from movierec.recommender import RequestError

COLUMNS = ["movie_id", "title", "genres", "release_year", "probability"]


def full_rows(data, user_id, year, month):
    """Raw feature rows of one user with every film, built the slow way: a join of raw tables."""
    user = data.users[data.users["user_id"] == user_id]
    rows = user.merge(preprocess.movies(data), how="cross")
    return rows.assign(rating_year=year, rating_month=month)[list(preprocess.FEATURES)]


def test_recommendations(small):
    films = small.recommend(7)
    assert list(films) == COLUMNS
    assert len(films) == 10
    assert films["probability"].between(0, 1).all()
    assert films["probability"].is_monotonic_decreasing
    assert films["movie_id"].is_unique
    assert not films["movie_id"].isin(small.library.history(7)["movie_id"]).any()


def test_they_are_the_best_of_all_unseen_films(small):
    year, month = small.library.default_time(7)
    rows = full_rows(small.data, 7, year, month)
    scores = pd.Series(small.score(rows), index=rows["movie_id"])
    unseen = scores.drop(small.library.history(7)["movie_id"])
    films = small.recommend(7, n=len(unseen))
    expected = unseen.sort_values(ascending=False, kind="stable")
    assert films["movie_id"].tolist() == expected.index.tolist()
    np.testing.assert_allclose(films["probability"], expected, atol=1e-6)


def test_history(small):
    history = small.library.history(7)
    raw = small.data.ratings.query("user_id == 7")
    assert sorted(history["movie_id"]) == sorted(raw["movie_id"])
    assert history["timestamp"].is_monotonic_decreasing
    assert small.library.default_time(7) == tuple(history.iloc[0][["rating_year", "rating_month"]])


def test_time_matters_to_the_codes_only_where_training_saw_it(small):
    known = small.candidate_ids(7, *small.library.default_time(7))
    unknown = small.candidate_ids(7, 2099, 12)
    assert (known[:, :-2] == unknown[:, :-2]).all()
    assert (unknown[:, -2] == encoding.UNKNOWN).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (41,),
            "no user 41 in ml-1m: expected one of its 40 users, a whole number from 1 to 40",
        ),
        ((0,), "there is no user 0"),
        (("7",), "there is no user '7'"),
        ((7.0,), "there is no user 7.0"),
        ((True,), "there is no user True"),
        ((None,), "there is no user None"),
        ((10**30,), "there is no user 1000"),
        ((7, 0), "n is 0, expected a whole number from 1 to 20 .20 films are unrated."),
        ((7, 21), "n is 21"),
        ((7, 2.5), "n is 2.5"),
        ((7, 5, 1994), "year is 1994, expected a whole number from 1995 to 2100"),
        ((7, 5, "2000"), "year is '2000'"),
        ((7, 5, 2000, 13), "month is 13, expected a whole number from 1 to 12"),
        ((7, 5, 2000, 0), "month is 0"),
    ],
)
def test_requests_that_cannot_be_answered(small, arguments, message):
    with pytest.raises(RequestError, match=message):
        small.recommend(*arguments)


def test_rows_without_a_feature(small):
    with pytest.raises(encoding.EncoderError, match="the rows lack gender"):
        small.score(full_rows(small.data, 7, 2000, 1).drop(columns="gender"))


def test_unknown_model_and_missing_artefacts(tmp_path):
    with pytest.raises(
        RequestError, match="unknown model 'svd': choose one of autoint, autointmlp"
    ):
        recommender.load("svd")


def test_filters(small):
    library = small.library
    everything = small.candidates(7)
    whole = small.rank(everything, 20)
    comedies = small.rank(everything, 20, Filters(genre="Comedy"))
    assert comedies["genres"].eq("Comedy").all()
    assert comedies["movie_id"].tolist() == [movie for movie in whole["movie_id"] if movie % 3 == 0]
    fifties = small.rank(everything, 20, Filters("Drama", 1950))
    assert fifties["release_year"].between(1950, 1959).all()
    unknown = small.rank(everything, 20, Filters(hide_known=True))["movie_id"]
    limit = np.quantile(library.raters, 0.9)
    assert (library.raters[library.film_rows(unknown)] <= limit).all()
    assert small.rank(everything, 20, Filters("Comedy", 1950, True)).columns.tolist() == COLUMNS


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (Filters(genre="Telenovela"), "no genre 'Telenovela': choose one of Comedy, Drama, War"),
        (Filters(decade=1955), "no decade 1955: choose one of 1950, 1960"),
    ],
)
def test_filters_that_no_film_has(small, filters, message):
    with pytest.raises(RequestError, match=message):
        small.rank(small.candidates(7), 5, filters)


def test_a_profile_is_encoded_like_a_user_without_an_id(small):
    user = small.library.user(7)
    ids = small.profile_ids(user, 2001, 1)
    expected = small.candidate_ids(7, 2001, 1)
    assert (ids[:, 0] == encoding.UNKNOWN).sum() == 0  # the row of a user names the user
    assert np.array_equal(ids, expected)
    assert (small.profile_ids({"gender": "F"})[:, [0, 2, 3, 4]] == encoding.UNKNOWN).all()


def test_a_request_changes_nothing(small):
    before = small.library.movies.copy(), small.candidate_ids(7).copy()
    first = small.recommend(7)
    first["title"] = "changed"
    history = small.library.history(7)
    history["title"] = "changed"
    assert small.library.movies.equals(before[0])
    assert np.array_equal(small.candidate_ids(7), before[1])
    assert "changed" not in small.recommend(7)["title"].tolist()


def test_score_equals_predict_on_the_training_encoding(ready):
    trained = prepare(ready.data, ready.encoder)
    rows = trained.split.test[:5000]
    scores = ready.score(preprocess.features(ready.data).iloc[rows])
    network = artefacts.load_keras(artefacts.place(ready.data.name), "autointmlp")
    predicted = network.predict(trained.ids[rows], batch_size=512, verbose=0)[:, 0]
    np.testing.assert_allclose(scores, predicted, atol=1e-6)


def test_codes_served_equal_codes_trained_for_every_user_and_film(ready):
    """All pairs: what `candidate_ids` feeds, against the training path on the joined raw rows."""
    data = ready.data
    trained = encoding.fit(
        preprocess.features(data).iloc[prepare(data).split.known]
    )  # fitted anew, so that the committed encoder is checked too
    users = data.users["user_id"].to_numpy()
    for user_id in users:
        served = ready.candidate_ids(user_id)
        if user_id == users[0]:
            films = trained.transform(
                full_rows(data, user_id, *ready.library.default_time(user_id))
            )
        user = trained.transform(data.users.query("user_id == @user_id"), preprocess.USER_FEATURES)
        time = pd.DataFrame(
            [ready.library.default_time(user_id)], columns=list(preprocess.TIME_FEATURES)
        )
        expected = films.copy()
        expected[:, :5] = user
        expected[:, -2:] = trained.transform(time, preprocess.TIME_FEATURES)
        assert np.array_equal(served, expected), user_id


def test_first_and_last_user_get_different_films(ready):
    users = ready.data.users["user_id"]
    first, last = (ready.recommend(int(user)) for user in (users.iloc[0], users.iloc[-1]))
    assert first["movie_id"].tolist() != last["movie_id"].tolist()
    for films in (first, last):
        assert len(films) == 10
        assert films["probability"].is_monotonic_decreasing
