"""Grids: the known ones, and what a table says about them."""

import pandas as pd
import pytest

from movierec import grids
from movierec.settings import Settings

SMALL = Settings(embed_dim=4, num_layers=1, head_dim=4, mlp_units=(4,), batch_size=256, epochs=2)


def test_the_known_grids():
    assert len(grids.GRIDS["original"].trials()) == 8
    wide = grids.GRIDS["wide"]
    assert len(wide.trials()) == 1 + sum(map(len, wide.axes.values())) + len(wide.base_seeds)
    assert not wide.test


def test_effects_by_hand():
    grid = grids.Grid("g", SMALL, {"dropout": (0.1, 0.2)}, crossed=False, base_seeds=(1, 2))
    rows = pd.DataFrame(
        {
            "dropout": [0.4, 0.4, 0.4, 0.1, 0.2],
            "valid_logloss": [0.50, 0.51, 0.52, 0.40, 0.53],
            "error": [None] * 5,
        }
    )
    changed, noise = grids.effects(grid, rows)
    # mean 0.51, standard deviation 0.01, t(2) = 4.3027
    assert noise == pytest.approx(4.3027 * 0.01 * (4 / 3) ** 0.5, rel=1e-4)
    assert changed["difference"].tolist() == pytest.approx([-0.11, 0.02])
    assert changed["matters"].tolist() == [True, False]
    with pytest.raises(grids.GridError, match="two are needed"):
        grids.effects(grid, rows[2:])
