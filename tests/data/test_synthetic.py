"""The planted interaction: no single field is informative, the pair is."""

import numpy as np

from movierec.data import synthetic


def test_the_label_depends_on_the_pair_only():
    rows = synthetic.planted(50_000, seed=3)
    assert rows.ids.dtype == np.int32
    assert rows.ids.min() == 1
    assert rows.ids.max() == 10
    low = rows.ids <= 5
    for field in range(5):
        assert abs(rows.labels[low[:, field]].mean() - 0.5) < 0.02
    agree = low[:, 1] == low[:, 3]
    assert abs(rows.labels[agree].mean() - 0.9) < 0.01
    assert abs(rows.labels[~agree].mean() - 0.1) < 0.01
