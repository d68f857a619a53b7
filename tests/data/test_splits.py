"""Which rows train, validate and test: the original split and the other protocols."""

import dataclasses

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from movierec.data import splits
from movierec.data.dataset import split_by


def test_the_random_split_is_the_original_call():
    rest, test = train_test_split(np.arange(1000), test_size=0.2, random_state=42)
    split = splits.random_split(1000)
    assert np.array_equal(split.test, test)
    assert set(split.train) | set(split.valid) == set(rest)
    assert len(split.valid) == 80
    assert np.array_equal(split.train, splits.random_split(1000).train)
    assert not np.array_equal(split.train, splits.random_split(1000, seed=1).train)


def test_the_random_split_of_ml1m_has_the_original_sizes(ml1m):
    split = splits.random_split(len(ml1m.ratings))
    assert list(map(len, vars(split).values())) == [720_150, 80_017, 200_042]
    users = ml1m.ratings["user_id"].to_numpy()[split.test]
    assert np.unique(users[ml1m.labels[split.test] == 1]).size == 5994


@pytest.mark.parametrize("protocol", splits.PROTOCOLS)
def test_parts_share_no_row(made, protocol):
    split = splits.PROTOCOLS[protocol].split(made)
    rows = np.concatenate([split.train, split.valid, split.test])
    assert len(np.unique(rows)) == len(rows)
    assert np.array_equal(np.sort(split.known), np.sort(np.concatenate([split.train, split.valid])))
    left_out = len(made.ratings) - len(rows)
    assert left_out == (made.ratings["rating"] == 3).sum() * (protocol == "paper")


@pytest.mark.parametrize("protocol", splits.PROTOCOLS)
def test_a_split_is_the_same_every_time(made, protocol):
    first, again = (splits.PROTOCOLS[protocol].split(made) for _ in range(2))
    for part in ("train", "valid", "test"):
        assert np.array_equal(getattr(first, part), getattr(again, part))


def test_paper_leaves_out_threes_and_splits_80_10_10(made):
    split = splits.PROTOCOLS["paper"].split(made)
    assert (made.ratings["rating"].iloc[split.known] != 3).all()
    kept = (made.ratings["rating"] != 3).sum()
    assert len(split.test) == pytest.approx(kept / 10, abs=1)
    assert len(split.valid) == pytest.approx(kept / 10, abs=1)


def test_temporal_tests_on_the_latest_ratings(made):
    """Ratings of the same second are in the same part, even if there are many."""
    coarse = made.ratings.assign(timestamp=made.ratings["timestamp"] // 100_000 * 100_000)
    for ratings in (made.ratings, coarse):
        data = dataclasses.replace(made, ratings=ratings)
        split = splits.PROTOCOLS["temporal"].split(data)
        time = ratings["timestamp"].to_numpy()
        assert time[split.train].max() < time[split.valid].min()
        assert time[split.valid].max() < time[split.test].min()
    split = splits.PROTOCOLS["temporal"].split(made)
    assert [len(split.train), len(split.valid), len(split.test)] == [1280, 160, 160]
    ratings = made.ratings.iloc[:1597]
    split = splits.PROTOCOLS["temporal"].split(dataclasses.replace(made, ratings=ratings))
    assert [len(split.train), len(split.valid)] == [1278, 160]  # 80 % and 90 %, rounded up


def test_temporal_hides_year_and_month(made):
    def ids(protocol):
        dataset = split_by(made, protocol)
        return dataset.encoded(dataset.fit_encoder(np.arange(len(made.ratings)))).ids

    assert not ids("temporal")[:, -2:].any()
    assert ids("temporal")[:, :8].any(axis=0).all()
    assert ids("test-rows")[:, -2:].all()


@pytest.mark.parametrize("seconds", [1, 10**7], ids=["times differ", "many equal times"])
def test_full_ranking_tests_on_the_last_liked_movie_of_every_user(made, seconds):
    ratings = made.ratings.assign(timestamp=made.ratings["timestamp"] // seconds)
    split = splits.PROTOCOLS["full-ranking"].split(dataclasses.replace(made, ratings=ratings))
    tested, validated = (
        ratings.loc[part].set_index("user_id")["movie_id"] for part in (split.test, split.valid)
    )
    for user, rows in ratings.groupby("user_id"):
        liked = rows[rows["rating"] >= 4].sort_values("timestamp", kind="stable")["movie_id"]
        assert [tested[user], validated[user]] == liked.iloc[[-1, -2]].tolist()


@pytest.mark.parametrize(("liked", "tested"), [(0, 0), (2, 0), (3, 1)])
def test_users_with_fewer_than_three_liked_movies_only_train(made, liked, tested):
    own = made.ratings["user_id"] == 1
    ratings = made.ratings.assign(rating=made.ratings["rating"].where(~own, 2))
    ratings.loc[ratings.index[own][:liked], "rating"] = 5
    split = splits.PROTOCOLS["full-ranking"].split(dataclasses.replace(made, ratings=ratings))
    assert own.iloc[split.test].sum() == own.iloc[split.valid].sum() == tested
    assert own.iloc[split.train].sum() == own.sum() - 2 * tested


def test_new_users_are_in_no_other_part(made):
    split = splits.PROTOCOLS["new-users"].split(made)
    users = made.ratings["user_id"].to_numpy()
    assert len(np.unique(users[split.test])) == 4
    assert not np.isin(users[split.known], users[split.test]).any()
    assert len(split.valid) == pytest.approx(len(split.known) / 10, abs=1)
    rows = np.arange(3, 900)
    split = splits.new_users(made, rows)
    assert np.array_equal(np.sort(np.concatenate([split.known, split.test])), rows)


def test_rank_by_time_of_a_row_among_its_users_rows():
    ranks = splits.order_within_user(np.array([7, 5, 7, 7]), np.array([30, 1, 10, 10]))
    assert ranks.tolist() == [2, 0, 0, 1]
    same = np.zeros(100, int)
    assert splits.order_within_user(same, same).tolist() == list(range(100))  # as in the file
