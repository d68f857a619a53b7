"""A user in figures: what they like against everyone's taste, and when they rated."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.datasets import MOVIE, RATING, TIMESTAMP
from movierec.library import Library
from movierec.settings import LIKED

DISTINCT = 0.05  # a taste counts as the user's own from five points above everyone's
NAMED = 3


@dataclass(frozen=True)
class Portrait:
    """One user.

    Args:
        rated, liked: how many films they rated, and how many of these 4 or more.
        everyone: share of liked among everybody's ratings.
        first, last: when they rated first and last, UTC.
        genres, decades: one row each, with `name`, `share` (of the user's liked films) and
            `everyone` (the same of everybody's liked films); no rows when nothing is liked.
        favourites: up to three genres that they like clearly more often than everyone.
        months: ratings given in each month that has any: `month` (its first day), `ratings`.
    """

    rated: int
    liked: int
    everyone: float
    first: pd.Timestamp
    last: pd.Timestamp
    genres: pd.DataFrame
    decades: pd.DataFrame
    favourites: tuple[str, ...]
    months: pd.DataFrame


def portrait(library: Library, user_id: int) -> Portrait:
    """Describe a user.

    Raises:
        RequestError: when there is no such user.
    """
    history = library.history(user_id)
    liked = library.film_rows(history.loc[history[RATING] >= LIKED, MOVIE])
    genres = _shares(library.carries, liked, library.likes)
    decades = _shares(library.decade_table, liked, library.likes)
    above = (genres["share"] - genres["everyone"]).sort_values(ascending=False)[:NAMED]
    time = pd.to_datetime(history[TIMESTAMP], unit="s")
    months = time.dt.to_period("M").dt.to_timestamp().value_counts().sort_index()
    return Portrait(
        rated=len(history),
        liked=len(liked),
        everyone=float((library.data.ratings[RATING] >= LIKED).mean()),
        first=time.min(),
        last=time.max(),
        genres=genres.sort_values("everyone", ascending=False, ignore_index=True),
        decades=decades,
        favourites=tuple(genres.loc[above.index[above >= DISTINCT], "name"]),
        months=pd.DataFrame({"month": months.index, "ratings": months.to_numpy()}),
    )


def _shares(carries: pd.DataFrame, liked: np.ndarray, likes: np.ndarray) -> pd.DataFrame:
    """Each column's share of the user's liked films beside its share of all likes."""
    names = list(carries) if len(liked) else []
    table = carries[names].to_numpy(float)
    return pd.DataFrame(
        {
            "name": names,
            "share": table[liked].sum(axis=0) / max(len(liked), 1),
            "everyone": likes @ table / max(likes.sum(), 1),
        }
    )
