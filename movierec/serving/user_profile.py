"""A summary of a user's ratings: favourite genres and decades compared with all users."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.data.schema import TIMESTAMP
from movierec.serving.lookups import Lookups

DISTINCT = 0.05  # a genre is a favourite if its share is 5 points above all users' share
MOST_FAVOURITES = 3


@dataclass(frozen=True)
class UserProfile:
    """Summary of one user's ratings.

    Args:
        rated, liked: number of movies rated, and of movies rated 4 or more.
        overall_share: share of ratings of 4 or more among all users' ratings.
        first, last: times of the first and last rating, UTC.
        genres, decades: one row each, with `name`, `share` (of the user's liked movies) and
            `overall` (of all users' liked movies); empty if the user liked nothing.
        favourites: up to three genres that the user likes clearly more often than all users do.
        months: number of ratings per month that has any: `month` (its first day), `ratings`.
    """

    rated: int
    liked: int
    overall_share: float
    first: pd.Timestamp
    last: pd.Timestamp
    genres: pd.DataFrame
    decades: pd.DataFrame
    favourites: tuple[str, ...]
    months: pd.DataFrame


def user_profile(lookups: Lookups, user_id: int) -> UserProfile:
    """Summarise a user's ratings.

    Raises:
        RequestError: unknown user.
    """
    data, rows, liked = lookups.data, lookups.rows_of(user_id), lookups.liked(user_id)
    genres = _shares(data.genre_table, liked, lookups.likes)
    decades = _shares(lookups.decade_table, liked, lookups.likes)
    difference = (genres["share"] - genres["overall"]).sort_values(ascending=False)
    difference = difference[:MOST_FAVOURITES]
    times = data.ratings[TIMESTAMP].to_numpy()[rows].astype("datetime64[s]")  # oldest first
    months, counts = np.unique(times.astype("datetime64[M]"), return_counts=True)
    first, last = (times[0], times[-1]) if len(times) else (pd.NaT, pd.NaT)
    return UserProfile(
        rated=len(rows),
        liked=len(liked),
        overall_share=lookups.likes.sum() / len(data.ratings),
        first=pd.Timestamp(first),
        last=pd.Timestamp(last),
        genres=genres.sort_values("overall", ascending=False, ignore_index=True),
        decades=decades,
        favourites=tuple(genres.loc[difference.index[difference >= DISTINCT], "name"]),
        months=pd.DataFrame({"month": months.astype("datetime64[s]"), "ratings": counts}),
    )


def _shares(table: pd.DataFrame, liked: np.ndarray, likes: np.ndarray) -> pd.DataFrame:
    """Each column's share of the user's liked movies and of all users' liked movies."""
    names = list(table) if len(liked) else []
    values = table[names].to_numpy(float) if names else np.zeros((len(likes), 0))
    return pd.DataFrame(
        {
            "name": names,
            "share": values[liked].sum(axis=0) / max(len(liked), 1),
            "overall": likes @ values / max(likes.sum(), 1),
        }
    )
