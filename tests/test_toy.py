"""The planted interaction: no field alone tells anything, the pair tells nearly all."""

import numpy as np

from movierec import toy


def test_only_the_pair_tells_the_label():
    rows = toy.planted(50_000, seed=3)
    assert rows.ids.dtype == np.int32
    assert rows.ids.min() == 1
    assert rows.ids.max() == 10
    plus = rows.ids <= 5
    for field in range(5):
        assert abs(rows.labels[plus[:, field]].mean() - 0.5) < 0.02
    agree = plus[:, 1] == plus[:, 3]
    assert abs(rows.labels[agree].mean() - 0.9) < 0.01
    assert abs(rows.labels[~agree].mean() - 0.1) < 0.01


def test_the_seed_decides_everything():
    first, again, other = toy.planted(100), toy.planted(100), toy.planted(100, seed=1)
    assert (first.ids == again.ids).all()
    assert (first.ids != other.ids).any()
