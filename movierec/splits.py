"""Which rows train, which choose, which test."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split


@dataclass(frozen=True)
class Split:
    """Row numbers, disjoint and together all rows.

    Args:
        train: rows to fit on.
        valid: rows to choose by (early stopping, settings).
        test: rows to report, looked at once.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def random_split(rows: int, seed: int = 42) -> Split:
    """The original's split: a random fifth to test, a tenth of the rest to validate.

    Args:
        rows: number of rows, in the raw file's order.
        seed: scikit-learn's `random_state`.
    """
    rest, test = train_test_split(np.arange(rows), test_size=0.2, random_state=seed)
    train, valid = train_test_split(rest, test_size=0.1, random_state=seed)
    return Split(train, valid, test)
