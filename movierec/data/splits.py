"""Protocols: how a data set is split into training, validation and test rows.

Models and baselines are always compared under the same protocol.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from movierec.data.raw_readers import DataError
from movierec.data.schema import RATING, TIME_FEATURES, TIMESTAMP, USER
from movierec.data.tables import Dataset

SEED = 42


@dataclass(frozen=True)
class Split:
    """Disjoint row indices of the ratings table.

    Args:
        train: rows to fit on.
        valid: rows to choose by (early stopping, hyperparameters).
        test: rows to report, used once.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Training and validation rows: what to fit on when nothing is left to choose."""
        return np.concatenate([self.train, self.valid])


@dataclass(frozen=True)
class Protocol:
    """How a data set is split and how rankers are compared on it.

    Args:
        name: the name in tables and commands.
        description: what is predicted, in one sentence.
        split: divides a data set into training, validation and test rows.
        full_ranking: whether each test movie is ranked among all movies that the user has not
            rated, rather than among the user's own test rows.
        hidden: features that are unknown in every row, in training and test.
    """

    name: str
    description: str
    split: Callable[[Dataset], Split]
    full_ranking: bool = False
    hidden: tuple[str, ...] = ()


def random_split(rows: int, seed: int = SEED) -> Split:
    """The original's split: a random fifth is the test set, a tenth of the rest the validation set.

    Args:
        rows: number of rows, in the raw file's order.
        seed: scikit-learn's `random_state`.
    """
    rest, test = train_test_split(np.arange(rows), test_size=0.2, random_state=seed)
    train, valid = train_test_split(rest, test_size=0.1, random_state=seed)
    return Split(train, valid, test)


def _paper(data: Dataset) -> Split:
    """A random 80 % training, 10 % validation and 10 % test rows; ratings of 3 are left out."""
    kept = np.flatnonzero(data.ratings[RATING] != 3)
    rest, test = train_test_split(kept, test_size=0.1, random_state=SEED)
    train, valid = train_test_split(rest, test_size=1 / 9, random_state=SEED)
    return Split(train, valid, test)


def _temporal(data: Dataset) -> Split:
    """The first 80 % of the ratings by time, the next 10 % and the last 10 %.

    Ratings of the same second are never separated.
    """
    if not data.fields.time:
        raise DataError(f"{data.name} has no times: choose a protocol that does not split by time")
    time = data.ratings[TIMESTAMP].to_numpy()
    first, second = np.quantile(time, [0.8, 0.9], method="inverted_cdf")
    return Split(
        np.flatnonzero(time <= first),
        np.flatnonzero((time > first) & (time <= second)),
        np.flatnonzero(time > second),
    )


def _last_liked(data: Dataset) -> Split:
    """Each user's last liked movie is the test row, the one liked before it the validation row.

    All other rows are training rows, and so are all rows of users with fewer than three liked
    movies.
    """
    ratings = data.ratings
    liked = ratings[data.labels == 1].sort_values([USER, TIMESTAMP], kind="stable")
    from_last = liked.groupby(USER).cumcount(ascending=False).to_numpy()
    enough = (liked.groupby(USER)[RATING].transform("size") >= 3).to_numpy()
    rows = liked.index.to_numpy()
    test, valid = (rows[enough & (from_last == position)] for position in (0, 1))
    return Split(np.setdiff1d(ratings.index, np.concatenate([test, valid])), valid, test)


def new_users(data: Dataset, rows: np.ndarray | None = None) -> Split:
    """A split whose test set has all ratings of a random tenth of the users.

    A tenth of the other rows is for validation.

    Args:
        data: the data set.
        rows: row indices to divide; all by default.
    """
    rows = np.arange(len(data.ratings)) if rows is None else rows
    users = data.ratings[USER].to_numpy()[rows]
    _, held_out = train_test_split(np.unique(users), test_size=0.1, random_state=SEED)
    new = np.isin(users, held_out)
    train, valid = train_test_split(rows[~new], test_size=0.1, random_state=SEED)
    return Split(train, valid, rows[new])


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "test-rows",
            "the original's: rank each user's own test ratings, a random fifth of all ratings",
            lambda data: random_split(len(data.ratings)),
        ),
        Protocol(
            "paper",
            "the paper's: predict whether a rating is above 3 or below 3 (threes are left out; "
            "random 80/10/10)",
            _paper,
        ),
        Protocol(
            "temporal",
            "predict the last tenth of all ratings from the earlier ones",
            _temporal,
            hidden=TIME_FEATURES,  # hardly any test row has a year and month seen in training
        ),
        Protocol(
            "full-ranking",
            "rank each user's last liked movie among all movies they have not rated",
            _last_liked,
            full_ranking=True,
            hidden=TIME_FEATURES,  # a list is made before it is known when a movie will be rated
        ),
        Protocol(
            "new-users",
            "predict the ratings of a tenth of the users, none of whom is in training",
            new_users,
        ),
    )
}


def order_within_user(users: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Rank by time of each row among its user's rows, from 0; shape (rows,)."""
    table = pd.DataFrame({USER: users, TIMESTAMP: times})
    order = table.sort_values([USER, TIMESTAMP], kind="stable").index
    ranks = np.empty(len(table), np.int64)
    ranks[order] = table.loc[order].groupby(USER).cumcount()
    return ranks
