"""Calibration: by arithmetic, and that temperature mends what it can."""

import numpy as np
import pytest

from movierec import calibration


def test_expected_error_by_arithmetic():
    labels, probabilities = np.array([1, 0, 1, 1]), np.array([0.82, 0.84, 0.31, 1.0])
    bins = [abs(1 - (0.82 + 0.84)), abs(1 - 0.31), 0.0]
    assert calibration.expected_error(labels, probabilities) == pytest.approx(sum(bins) / 4)


def test_bins():
    rng = np.random.default_rng(0)
    probabilities = rng.random(20_000).astype(np.float32)
    labels = (rng.random(20_000) < probabilities).astype(np.float32)
    table = calibration.reliability(labels, probabilities)
    assert table["rows"].sum() == 20_000
    assert len(table) == 20
    np.testing.assert_allclose(table["liked"], table["predicted"], atol=0.06)
    edges = calibration.reliability(np.array([0, 1]), np.array([0.0, 1.0]))
    assert edges["rows"].tolist() == [1, 1]


def test_temperature_finds_the_one_that_was_planted():
    rng = np.random.default_rng(0)
    true = rng.uniform(0.02, 0.98, 50_000)
    labels = (rng.random(50_000) < true).astype(float)
    too_sure = calibration.tempered(true, 0.5)
    t = calibration.temperature(labels, too_sure)
    assert t == pytest.approx(2, rel=0.05)
    assert calibration.expected_error(labels, calibration.tempered(too_sure, t)) < 0.02
    assert calibration.expected_error(labels, too_sure) > 0.05


def test_extreme_probabilities_stay_inside():
    mended = calibration.tempered(np.array([0.0, 0.5, 1.0]), 1.0)
    assert mended[0] > 0
    assert mended[1] == pytest.approx(0.5)
    assert mended[2] < 1
