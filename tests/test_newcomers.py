"""The choice of fold-in's pull: on people who are neither in training nor in the test."""

import numpy as np

from movierec import newcomers, splits, training
from movierec.settings import Settings

SMALL = Settings(
    embed_dim=4,
    num_layers=1,
    head_dim=4,
    mlp_units=(4,),
    five_ratings=True,
    batch_size=256,
    epochs=1,
    patience=None,
    refit=True,
)


def test_the_rehearsal_divides_what_the_protocol_knows(made):
    outer = splits.new_users(made)
    inner = splits.new_users(made, outer.known)
    assert np.array_equal(np.sort(np.concatenate(list(vars(inner).values()))), np.sort(outer.known))
    users = made.ratings["user_id"].to_numpy()
    assert not set(users[inner.test]) & set(users[inner.known])


def test_every_pull_is_tried_on_every_number_of_ratings(made):
    table = newcomers.rehearse(made, SMALL)
    assert len(table) == len(newcomers.PULLS) * (len(newcomers.GIVEN) - 1)
    assert table["logloss"].between(0, 2).all()
    assert table.groupby("given")["rows"].nunique().eq(1).all()


def test_the_settings_are_those_of_the_protocol():
    assert training.settings_for("tuned", "ml-1m", "new-users").refit
