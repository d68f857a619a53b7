"""Calibration of probabilities: reliability table, expected error, temperature scaling."""

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

SMALLEST = 1e-6


def reliability(labels: np.ndarray, probabilities: np.ndarray, bins: int = 20) -> pd.DataFrame:
    """Predicted and observed frequencies in equally wide bins of the probability, from 0 to 1.

    Returns:
        One row per non-empty bin: `predicted` (mean probability), `liked` (share of label 1),
        `rows`.

    Example:
        >>> reliability(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.9]), bins=2).to_dict("list")
        {'predicted': [0.15, 0.9], 'liked': [0.5, 1.0], 'rows': [2, 1]}
    """
    probabilities = np.asarray(probabilities, np.float64)
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    rows = pd.DataFrame({"predicted": probabilities, "liked": labels, "rows": 1}, dtype=float)
    table = rows.groupby(index).agg({"predicted": "mean", "liked": "mean", "rows": "sum"})
    return table.round(6).astype({"rows": int}).reset_index(drop=True)


def expected_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = 20) -> float:
    """Expected calibration error: `Σ_b n_b/n · |mean label - mean probability|` over equal bins.

    Naeini et al., AAAI 2015. Bins are equally wide, from 0 to 1.

    Args:
        labels: 0 or 1, shape (rows,).
        probabilities: shape (rows,).
        bins: number of bins.

    Example:
        >>> expected_error(np.array([0, 1]), np.array([0.1, 0.7]))
        0.2
    """
    table = reliability(labels, probabilities, bins)
    gaps = (table["liked"] - table["predicted"]).abs() * table["rows"]
    return float(gaps.sum() / len(labels))


def temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The temperature T for which `tempered` probabilities have the lowest LogLoss.

    Guo et al., "On calibration of modern neural networks", ICML 2017. Fit it on validation rows.
    """

    def loss(t: float) -> float:
        likely = tempered(probabilities, t)
        return -np.mean(np.log(np.where(labels == 1, likely, 1 - likely)))

    return float(minimize_scalar(loss, bounds=(0.1, 10), method="bounded").x)


def tempered(probabilities: np.ndarray, t: float) -> np.ndarray:
    """`sigmoid(logit(p) / T)`: closer to 0.5 if T is above 1, further from it if T is below 1."""
    inside = np.clip(np.asarray(probabilities, np.float64), SMALLEST, 1 - SMALLEST)
    return np.clip(expit(logit(inside) / t), SMALLEST, 1 - SMALLEST)
