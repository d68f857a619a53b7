"""The movies that a new user rates first."""

from movierec.serving.lookups import Lookups
from movierec.serving.starters import POOL, starters


def test_starters_are_well_known_and_different(ml100k):
    lookups = Lookups(ml100k)
    chosen = starters(lookups)
    positions = lookups.data.movie_positions(chosen)
    assert len(set(chosen)) == 16
    assert (lookups.raters > lookups.raters[positions].min()).sum() < POOL
    genres = lookups.data.genre_table.iloc[positions]
    assert genres.any().sum() >= 10


def test_a_small_data_set_has_fewer(lookups):
    assert len(starters(lookups, 100)) == 60
