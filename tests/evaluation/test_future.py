"""The protocol `future`: who gets a list, what is relevant, and metrics of lists by hand."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from movierec.data.dataset import split_by
from movierec.data.raw_readers import DataError
from movierec.data.rows import UNKNOWN
from movierec.data.splits import Split
from movierec.evaluation import evaluate, future, rankers
from movierec.evaluation.future import Task
from movierec.models import artifacts
from movierec.sequences import next_movie
from movierec.serving import recommender
from movierec.serving.lookups import ORDERS, Lookups
from movierec.training import candidates
from movierec.training.settings import Settings
from movierec.training.train import train


def data_of(made, ratings):
    """A data set with these (user position, movie position, rating), in the order of time."""
    users, movies, stars = (np.array(column) for column in zip(*ratings, strict=True))
    table = pd.DataFrame(
        {
            "user_id": made.users["user_id"].to_numpy()[users],
            "movie_id": made.movies["movie_id"].to_numpy()[movies],
            "rating": stars,
            "timestamp": 978300000 + np.arange(len(users)),
        }
    )
    return dataclasses.replace(made, ratings=table)


@pytest.fixture(scope="module")
def dataset(made):
    """User 0 has five known ratings and likes movies 5 and 6 later; user 1 has four."""
    ratings = [(0, movie, 5 if movie < 3 else 2) for movie in range(5)]
    ratings += [(1, movie, 4) for movie in range(4)]
    ratings += [(0, 7, 1), (0, 5, 4), (1, 8, 5), (0, 6, 5)]
    data = data_of(made, ratings)
    empty = np.empty(0, int)
    split = Split(np.arange(9), empty, np.arange(9, 13))
    return dataclasses.replace(split_by(made), data=data, split=split)


def test_who_gets_a_list_and_what_is_relevant(dataset):
    task = Task.of(dataset, dataset.split.known, dataset.split.test)
    assert dataset.data.rating_users[task.rows].tolist() == [0]
    assert task.relevant.toarray().nonzero()[1].tolist() == [5, 6]
    lists = task.lists(dataset, lambda rows: -np.arange(60.0)[None].repeat(len(rows), axis=0))
    assert lists.tolist() == [list(range(5, 15))]  # the first ten of those not rated before


def test_metrics_of_lists_by_hand(dataset):
    """Genres of the made-up movies: positions 2, 5, 8, ... are comedies, the others Drama|War."""
    values = future.list_metrics(dataset, np.array([0]), np.array([[5, 6, 9, -1]]))
    assert values["coverage"] == pytest.approx(3 / 60)
    assert values["few_raters"] == 1
    assert values["favourite_liked"] == pytest.approx(2 / 3)  # positions 0 and 1 of 0, 1, 2
    assert values["favourite_listed"] == pytest.approx(2 / 3)  # positions 6 and 9 of 5, 6, 9


def test_for_you_is_the_product_of_both_probabilities(made):
    dataset = split_by(made, "temporal")
    known = dataset.split.known
    model = candidates.fit(dataset)
    turned_to = rankers.turned_to_scorer(dataset, model, known)
    rows = dataset.split.test[:3]
    likely = np.linspace(0.1, 0.9, 180).reshape(3, 60)
    scores = rankers.product_scorer(turned_to, lambda rows: likely)(rows)
    unrated = dataset.data.matrix(known)[made.rating_users[rows]].toarray() == 0
    assert np.isfinite(scores).all()
    shares = np.where(unrated, np.exp(scores) / likely, 0)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-4)


def test_histories_end_before_the_row_and_have_known_movies_only(dataset):
    class Histories:
        """Keeps the histories that it is asked about."""

        def log_probability(self, histories, unrated):
            self.asked = histories.tolist()
            return np.log(unrated / unrated.sum(axis=1, keepdims=True) + 1e-9)

    model = Histories()
    scorer = rankers.rated_next_scorer(dataset, model, np.array([0, 1, 3, 4, 5, 9, 10]))
    scorer(np.array([2, 10, 5, 12]))  # rows 0 to 4, 9, 10 and 12 are of user 0, 5 to 8 and 11 of 1
    assert model.asked == [[0, 1, *4 * [-1]], [0, 1, 3, 4, 7, -1], 6 * [-1], [0, 1, 3, 4, 7, 5]]


@pytest.fixture(scope="module")
def mixed(made):
    """The made-up data with its ratings in a random order of time."""
    times = np.random.default_rng(0).permutation(made.ratings["timestamp"])
    return dataclasses.replace(made, ratings=made.ratings.assign(timestamp=times))


def test_data_without_a_user_before_and_after_are_refused(made):
    """Each user of the made-up data gave all ratings in one go."""
    with pytest.raises(DataError, match="no user of ml-1m has 5 ratings before the period and"):
        future.evaluate(split_by(made, "temporal"))


def test_the_table_of_the_future(mixed, tmp_path):
    train("autointmlp", mixed, root=tmp_path, protocol="temporal", epochs=1)
    next_movie.train(mixed, "temporal", root=tmp_path, epochs=1)
    table = evaluate.run(mixed, "future", tmp_path)
    assert (table["protocol"] == "future").all()
    ours = table.set_index("ranker")[table["model"].to_numpy()]
    orders = ["surest", "for you", "carry on"]
    title = "AutoInt+, tuned setting"
    assert ours.index.tolist() == ["next movie", *(f"{title}: {order}" for order in orders)]
    assert (ours["lead_low"] <= ours["lead"]).all()
    assert ours["rated_later"].notna().tolist() == [False, True, True, True]
    assert table["ndcg@10"].between(0, 1).all()
    assert table.loc[~table["model"], "ranker"].tolist()[-2:] == ["implicit ALS", "EASE"]


def test_the_lists_are_those_that_are_recommended(mixed, tmp_path, monkeypatch):
    """The recommender has the known ratings only, and does not know the time."""
    monkeypatch.setattr(rankers, "POOL", 20)
    monkeypatch.setattr(recommender, "POOL", 20)
    train("autointmlp", mixed, root=tmp_path, protocol="temporal", epochs=1)
    next_movie.train(mixed, "temporal", root=tmp_path, epochs=1)
    dataset = split_by(mixed, "temporal")
    task = Task.of(dataset, dataset.split.known, dataset.split.test)
    found = rankers.model_rankers(dataset, task.rows, tmp_path)
    lists = {ranker.name: task.lists(dataset, ranker.scorer) for ranker in found}
    folder = artifacts.model_folder("ml-1m", root=tmp_path, protocol="temporal")
    ratings = mixed.ratings.iloc[np.sort(dataset.split.known)].reset_index(drop=True)
    lookups = Lookups(dataclasses.replace(mixed, ratings=ratings))
    served = recommender.Recommender(
        lookups,
        *artifacts.load(folder, "autointmlp"),
        candidates.fit(dataset),
        artifacts.load_arrays(folder, artifacts.NEXT_MOVIE, mixed),
    )
    assert dataset.protocol.hidden == mixed.fields.time
    users = mixed.ratings["user_id"].to_numpy()[task.rows]
    for number, user in enumerate(users.tolist()):
        movies = served.candidates(user)
        movies.ids[:, mixed.fields.movie_columns.stop :] = UNKNOWN
        for order in ORDERS:
            found = mixed.movie_positions(served.rank(movies, 10, order=order)["movie_id"])
            evaluated = lists[f"AutoInt+, tuned setting: {order.replace('-', ' ')}"][number]
            assert found.tolist() == evaluated.tolist()


def test_the_penalty_of_the_candidate_model_is_compared_on_validation_rows(mixed, monkeypatch):
    monkeypatch.setattr(future, "PENALTIES", (3.0, 30.0))
    monkeypatch.setattr(candidates, "L2", 30.0)
    monkeypatch.setattr(future, "POOLS", (10, 60))
    settings = Settings(epochs=1, patience=None)
    table = future.tune_candidates(mixed, settings)
    assert table["l2"].tolist() == [3, 3, 30, 30, 30, 30, *[30] * 4]
    assert table["popularity"].tolist() == [0.5] * 6 + [0, 0, 1, 1]
    both = ["turn to it", "for you"]
    assert table["order"].tolist() == both * 2 + ["for you"] * 2 + both * 2
    assert table["pool"].tolist()[4:6] == [10, 60]
    assert (table["lead"].isna() == (table["order"] == "turn to it")).all()
    assert table["ndcg@10"].iloc[5] == table["ndcg@10"].iloc[3]  # 60 are all movies


def test_a_pool_puts_the_movies_that_are_not_in_it_last():
    logs, product = np.array([[-1.0, -3.0, -2.0, -4.0]]), np.array([[-9.0, -1.0, -8.0, -2.0]])
    scorer = rankers.pooled_scorer(lambda rows: logs, lambda rows: product.copy(), 2)
    assert np.argsort(-scorer(np.array([0])), kind="stable")[0].tolist() == [2, 0, 1, 3]


def test_what_the_shown_probability_was_worth_by_hand(dataset):
    """User 0 rates movies 7 (1), 5 (4) and 6 (5) later; 9 is never rated."""
    rows, top_k = np.array([10]), np.array([[5, 9, 7, -1]])
    found = future.shown_and_liked(dataset, rows, top_k, lambda rows, movies: movies / 10)
    assert found["rated_later"] == 2
    assert found["shown"] == pytest.approx(0.6)
    assert found["liked"] == pytest.approx(0.5)
    nothing = future.shown_and_liked(dataset, rows, np.array([[9, -1]]), None)
    assert nothing == {"rated_later": 0}
