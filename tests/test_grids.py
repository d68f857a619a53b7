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


def test_over_seeds_by_hand():
    def rows(model, layers, values, seeds=(1, 2, 3)):
        return pd.DataFrame(
            {"model": model, "num_layers": layers, "seed": seeds, "auc": values, "error": None}
        )

    three, none = rows("a", 3, [0.5, 0.6, 0.7]), rows("a", 0, [0.51, 0.62, 0.73])[::-1]
    variants = [("a", 3), ("a", 1), ("a", 0)]
    found = grids.over_seeds(pd.concat([none, three]), variants, ["auc"], "auc")
    assert found["num_layers"].tolist() == [3, 0]
    assert found["auc"].tolist() == pytest.approx([0.6, 0.62])
    assert found["auc_std"].tolist() == pytest.approx([0.1, 0.11])
    assert found["lead"].isna().tolist() == [True, False]
    # differences .01, .02, .03: mean .02, standard deviation .01, t(2) = 4.3027
    half = 4.3027 * 0.01 / 3**0.5
    assert found.loc[1, ["lead", "lead_low", "lead_high"]].tolist() == pytest.approx(
        [0.02, 0.02 - half, 0.02 + half], rel=1e-4
    )
    other = pd.concat([three, rows("a", 0, [1, 2, 3], (1, 2, 4))])
    with pytest.raises(grids.GridError, match=r"the seeds \[1, 2, 4\], expected \[1, 2, 3\]"):
        grids.over_seeds(other, variants, ["auc"], "auc")
    with pytest.raises(grids.GridError, match="no successful trials of"):
        grids.over_seeds(three.assign(error="x"), variants, ["auc"], "auc")
