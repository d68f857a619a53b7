"""Which rows train, choose and test: the original's split, and the other protocols."""

import dataclasses

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from movierec import preprocess, splits
from movierec.prepared import prepare


def test_parts_are_disjoint_whole_and_of_the_original_sizes():
    split = splits.random_split(1_000_209)
    parts = (split.train, split.valid, split.test)
    assert [len(part) for part in parts] == [720_150, 80_017, 200_042]
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(1_000_209))


def test_it_is_the_original_call():
    rest, test = train_test_split(np.arange(1000), test_size=0.2, random_state=42)
    split = splits.random_split(1000)
    assert np.array_equal(split.test, test)
    assert set(split.train) | set(split.valid) == set(rest)
    assert np.array_equal(split.train, splits.random_split(1000).train)
    assert not np.array_equal(split.train, splits.random_split(1000, seed=1).train)


def test_users_with_a_positive_test_row(ml1m):
    split = splits.random_split(len(ml1m.ratings))
    positive = preprocess.labels(ml1m)[split.test] == 1
    assert ml1m.ratings["user_id"].to_numpy()[split.test][positive].size > 0
    assert np.unique(ml1m.ratings["user_id"].to_numpy()[split.test][positive]).size == 5994


@pytest.fixture(scope="module", params=splits.PROTOCOLS)
def protocol(request):
    return request.param


def test_parts_share_no_row(made, protocol):
    split = splits.PROTOCOLS[protocol].split(made)
    rows = np.concatenate([split.train, split.valid, split.test])
    assert len(np.unique(rows)) == len(rows)
    assert np.array_equal(np.sort(split.known), np.sort(np.concatenate([split.train, split.valid])))
    left_out = len(made.ratings) - len(rows)
    assert left_out == (made.ratings["rating"] == 3).sum() * (protocol == "paper")


def test_paper_leaves_out_threes_and_takes_a_tenth_each(made):
    split = splits.PROTOCOLS["paper"].split(made)
    assert (made.ratings["rating"].iloc[split.known] != 3).all()
    kept = (made.ratings["rating"] != 3).sum()
    assert len(split.test) == pytest.approx(kept / 10, abs=1)
    assert len(split.valid) == pytest.approx(kept / 10, abs=1)


def test_temporal_has_no_future_before_a_past(made):
    """Also where many ratings share a second: that second stays in one part."""
    coarse = made.ratings.assign(timestamp=made.ratings["timestamp"] // 100_000 * 100_000)
    for ratings in (made.ratings, coarse):
        data = dataclasses.replace(made, ratings=ratings)
        split = splits.PROTOCOLS["temporal"].split(data)
        time = ratings["timestamp"].to_numpy()
        assert time[split.train].max() < time[split.valid].min()
        assert time[split.valid].max() < time[split.test].min()
    split = splits.PROTOCOLS["temporal"].split(made)
    assert [len(split.train), len(split.valid), len(split.test)] == [1280, 160, 160]


def test_temporal_hides_when_a_rating_was_given(made):
    ready = prepare(made, protocol="temporal")
    assert not ready.ids[:, -2:].any()
    assert ready.ids[:, :8].any(axis=0).all()
    assert prepare(made).ids[:, -2:].all()


def test_full_ranking_takes_the_last_two_liked_films_of_every_user(made):
    split = splits.PROTOCOLS["full-ranking"].split(made)
    ratings = made.ratings
    tested, validated = (
        ratings.loc[part].set_index("user_id")["movie_id"] for part in (split.test, split.valid)
    )
    for user, mine in ratings.groupby("user_id"):
        liked = mine[mine["rating"] >= 4].sort_values("timestamp", kind="stable")["movie_id"]
        assert [tested[user], validated[user]] == liked.iloc[[-1, -2]].tolist()


def test_users_with_few_liked_films_only_train(made):
    few = made.ratings["user_id"] == 1
    ratings = made.ratings.assign(rating=made.ratings["rating"].where(~few, 2))
    split = splits.PROTOCOLS["full-ranking"].split(dataclasses.replace(made, ratings=ratings))
    assert 1 not in ratings["user_id"].iloc[split.test].tolist()
    assert few.sum() == few.iloc[split.train].sum()


def test_new_users_are_in_no_other_part(made):
    split = splits.PROTOCOLS["new-users"].split(made)
    users = made.ratings["user_id"].to_numpy()
    assert len(np.unique(users[split.test])) == 4
    assert not np.isin(users[split.known], users[split.test]).any()


def test_the_place_of_a_row_among_its_user_s():
    places = splits.first_rows(np.array([7, 5, 7, 7]), np.array([30, 1, 10, 10]))
    assert places.tolist() == [2, 0, 0, 1]
