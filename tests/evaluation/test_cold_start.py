"""Tuning the prior of fold-in on users who are neither in training nor in the test."""

from dataclasses import replace

import numpy as np
import pytest

from movierec.data import splits
from movierec.data.dataset import split_by
from movierec.data.raw_readers import DataError
from movierec.evaluation import cold_start
from movierec.training.named_settings import settings_for
from tests.conftest import SMALL


def test_the_inner_split_divides_the_known_rows(made):
    outer = splits.new_users(made)
    inner = splits.new_users(made, outer.known)
    assert np.array_equal(np.sort(np.concatenate(list(vars(inner).values()))), np.sort(outer.known))
    users = made.ratings["user_id"].to_numpy()
    assert not set(users[inner.test]) & set(users[inner.known])


def test_users_with_few_ratings_are_no_rows_to_score(made):
    users = made.ratings["user_id"]
    few = made.ratings[users.groupby(users).cumcount() < 10].reset_index(drop=True)
    dataset = split_by(replace(made, ratings=few), "new-users")
    with pytest.raises(DataError, match="no new user of ml-1m has more than 10 ratings"):
        cold_start.lists(dataset)


def test_every_prior_is_tried_with_every_number_of_ratings(made):
    settings = replace(SMALL, five_ratings=True, epochs=1, patience=None, refit=True)
    table = cold_start.tune_prior(made, settings)
    counts = len(cold_start.PRIOR_PRECISIONS), len(cold_start.RATINGS_KNOWN) - 1
    assert len(table) == np.prod(counts)
    assert table["logloss"].between(0, 2).all()
    assert table.groupby("ratings_known")["rows"].nunique().eq(1).all()
    assert settings_for("tuned", "new-users").refit
