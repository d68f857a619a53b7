"""Grids: their trials, and the effects of single changes."""

import pandas as pd
import pytest

from movierec.search import grids
from movierec.training import named_settings
from tests.conftest import SMALL


def test_the_wide_grid_changes_one_parameter_at_a_time_and_reads_no_test_rows():
    wide = grids.GRIDS["wide"]
    assert len(wide.trials()) == 1 + sum(map(len, wide.axes.values())) + len(wide.base_seeds)
    assert not wide.test


def test_effects_by_hand():
    grid = grids.Grid("g", SMALL, {"dropout": (0.1, 0.2)}, crossed=False, base_seeds=(1, 2))
    losses = [0.50, 0.51, 0.52, 0.40, 0.53]
    rows = pd.DataFrame({"dropout": [0.4, 0.4, 0.4, 0.1, 0.2], "valid_logloss": losses})
    rows["error"] = None
    effects, noise = grids.effects(grid, rows)
    # mean 0.51, standard deviation 0.01, t(2) = 4.3027
    assert noise == pytest.approx(4.3027 * 0.01 * (4 / 3) ** 0.5, rel=1e-4)
    assert effects["difference"].tolist() == pytest.approx([-0.11, 0.02])
    assert effects["matters"].tolist() == [True, False]
    with pytest.raises(grids.GridError, match="at least two are needed"):
        grids.effects(grid, rows[2:])
    mixed = rows.assign(code=["a", "a", "a", "b", "b"])
    with pytest.raises(
        grids.GridError, match="the trials of g cannot be compared: code: a and b. Run"
    ):
        grids.effects(grid, mixed)


def test_a_grid_is_adapted_to_the_data_set_except_the_originals(made, monkeypatch):
    assert grids.grid_for("wide", made).base.batch_size == 512
    assert grids.grid_for("original", made).base.batch_size == 2048
    monkeypatch.setattr(named_settings, "SMALL_DATA", 1600)
    assert grids.grid_for("wide", made).base.batch_size == 2048
    monkeypatch.setattr(named_settings, "LARGE_DATA", 1599)
    assert grids.grid_for("wide", made).base.batch_size == 16_384
