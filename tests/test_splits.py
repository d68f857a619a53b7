"""The original's random split."""

import numpy as np
from sklearn.model_selection import train_test_split

from movierec import preprocess, splits


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
