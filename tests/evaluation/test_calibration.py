"""Calibration compared with hand calculations, and recovery of a planted temperature."""

import numpy as np
import pytest

from movierec.evaluation import calibration


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


def test_temperature_recovers_the_planted_one():
    rng = np.random.default_rng(0)
    true = rng.uniform(0.02, 0.98, 50_000)
    labels = (rng.random(50_000) < true).astype(float)
    overconfident = calibration.tempered(true, 0.5)
    t = calibration.temperature(labels, overconfident)
    assert t == pytest.approx(2, rel=0.05)
    assert calibration.expected_error(labels, calibration.tempered(overconfident, t)) < 0.02
    assert calibration.expected_error(labels, overconfident) > 0.05
    low, middle, high = calibration.tempered(np.array([0.0, 0.5, 1.0]), 1.0)
    assert 0 < low < middle < high < 1
    assert middle == pytest.approx(0.5)
