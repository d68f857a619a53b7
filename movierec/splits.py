"""Which rows train, which choose, which test: one protocol a question.

Each protocol is a value with a name. Models and baselines are compared on the same one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from movierec import preprocess
from movierec.datasets import RATING, TIMESTAMP, USER, MovieLens

SEED = 42


@dataclass(frozen=True)
class Split:
    """Row numbers, disjoint.

    Args:
        train: rows to fit on.
        valid: rows to choose by (early stopping, settings).
        test: rows to report, looked at once.
    """

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """Training and validation rows: what to learn from once nothing is left to choose."""
        return np.concatenate([self.train, self.valid])


@dataclass(frozen=True)
class Protocol:
    """A question that is put to every ranker alike.

    Args:
        name: as in tables and commands.
        question: what it asks, in a sentence.
        split: which rows of a data set train, choose and test.
        whole_catalogue: whether test films are ranked among all films that the user has not
            rated, rather than among the user's own test rows.
        hidden: features that are unknown in every row, of training and test.
    """

    name: str
    question: str
    split: Callable[[MovieLens], Split]
    whole_catalogue: bool = False
    hidden: tuple[str, ...] = ()


def random_split(rows: int, seed: int = SEED) -> Split:
    """The original's split: a random fifth to test, a tenth of the rest to validate.

    Args:
        rows: number of rows, in the raw file's order.
        seed: scikit-learn's `random_state`.
    """
    rest, test = train_test_split(np.arange(rows), test_size=0.2, random_state=seed)
    train, valid = train_test_split(rest, test_size=0.1, random_state=seed)
    return Split(train, valid, test)


def _paper(data: MovieLens) -> Split:
    """Ratings of 3 left out; 80 % train, 10 % validate, 10 % test, at random."""
    kept = np.flatnonzero(data.ratings[RATING] != 3)
    rest, test = train_test_split(kept, test_size=0.1, random_state=SEED)
    train, valid = train_test_split(rest, test_size=1 / 9, random_state=SEED)
    return Split(train, valid, test)


def _temporal(data: MovieLens) -> Split:
    """The first 80 % of the events, the next 10 %, the last 10 %; a second is never divided."""
    time = data.ratings[TIMESTAMP].to_numpy()
    first, second = np.quantile(time, [0.8, 0.9], method="inverted_cdf")
    return Split(
        np.flatnonzero(time <= first),
        np.flatnonzero((time > first) & (time <= second)),
        np.flatnonzero(time > second),
    )


def _last_liked(data: MovieLens) -> Split:
    """Each user's last liked film tests, the one liked before it validates, all else trains.

    Users with fewer than three liked films only train.
    """
    ratings = data.ratings
    liked = ratings[preprocess.labels(data) == 1].sort_values([USER, TIMESTAMP], kind="stable")
    from_last = liked.groupby(USER).cumcount(ascending=False).to_numpy()
    enough = (liked.groupby(USER)[RATING].transform("size") >= 3).to_numpy()
    rows = liked.index.to_numpy()
    test, valid = (rows[enough & (from_last == place)] for place in (0, 1))
    return Split(np.setdiff1d(ratings.index, np.concatenate([test, valid])), valid, test)


def new_users(data: MovieLens, rows: np.ndarray | None = None) -> Split:
    """All ratings of a random tenth of the users test; a random tenth of the rest validates.

    Args:
        data: the raw tables.
        rows: row numbers to divide; all by default.
    """
    rows = np.arange(len(data.ratings)) if rows is None else rows
    of_rows = data.ratings[USER].to_numpy()[rows]
    _, held_out = train_test_split(np.unique(of_rows), test_size=0.1, random_state=SEED)
    new = np.isin(of_rows, held_out)
    train, valid = train_test_split(rows[~new], test_size=0.1, random_state=SEED)
    return Split(train, valid, rows[new])


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "test-rows",
            "the original's: rank each user's own test ratings, a random fifth of all",
            lambda data: random_split(len(data.ratings)),
        ),
        Protocol(
            "paper",
            "the paper's: is the rating above 3 or below it? (3 is left out; random 80/10/10)",
            _paper,
        ),
        Protocol(
            "temporal",
            "the last tenth of all ratings, predicted from those before",
            _temporal,
            hidden=preprocess.TIME_FEATURES,  # no past rating has the future's year and month
        ),
        Protocol(
            "full-ranking",
            "find each user's last liked film among all films they have not rated",
            _last_liked,
            whole_catalogue=True,
        ),
        Protocol("new-users", "a tenth of the users, of whom training saw nothing", new_users),
    )
}


def first_rows(users: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The place of each row among its user's rows, by time: 0 for the first; shape (rows,)."""
    table = pd.DataFrame({USER: users, TIMESTAMP: times})
    order = table.sort_values([USER, TIMESTAMP], kind="stable").index
    place = np.empty(len(table), np.int64)
    place[order] = table.loc[order].groupby(USER).cumcount()
    return place
