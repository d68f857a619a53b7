"""Search for the users that match a description."""

import numpy as np
import pandas as pd

from movierec.serving.descriptions import Wanted
from movierec.serving.lookups import Lookups

# a user dislikes a genre if they rated movies of it and liked at most this share of them
LIKED_AT_MOST = 0.25
RATED_AT_LEAST = 5  # movies of a genre that users must have rated to dislike it


def search(lookups: Lookups, wanted: Wanted) -> pd.DataFrame:
    """The users that match a description, the best first.

    All wanted fields must match, no excluded one may; several values of one field are alternatives.
    With genres, users are ordered by the genres' share of their liked movies (smoothed by ten
    movies with the overall share); without, by their number of liked movies. Users dislike an
    excluded genre if they rated at least `RATED_AT_LEAST` of its movies and liked at most the share
    `LIKED_AT_MOST` of them.

    Args:
        lookups: look-ups in the data set.
        wanted: see `descriptions.parse`.

    Returns:
        The columns of the users table, and share: the wanted genres' mean share of the user's
        liked movies (NaN without a wanted genre).
    """
    users = lookups.data.users
    mask = np.full(len(users), bool(wanted))
    for field in ("gender", "age", "occupation"):
        values = users[field] if field in users else pd.Series(np.nan, users.index)
        if field in wanted.fields:
            mask &= values.isin(wanted.fields[field]).to_numpy(bool)
        mask &= ~values.isin(wanted.excluded.get(field, [])).to_numpy(bool)
    likes, counts = lookups.likes_by_user, lookups.genre_likes
    for genre in wanted.excluded.get("genre", []):
        rated = lookups.genre_ratings(genre)
        liked = counts[genre].to_numpy() if genre in counts else rated
        mask &= (rated >= RATED_AT_LEAST) & (liked <= LIKED_AT_MOST * rated)
    share = np.full(len(users), np.nan)
    order = likes.astype(float)
    if genres := wanted.fields.get("genre"):
        liked = counts.reindex(columns=genres, fill_value=0).to_numpy().mean(axis=1)
        share = liked / np.maximum(likes, 1)
        order = (liked + 10 * liked.sum() / max(likes.sum(), 1)) / (likes + 10)
        mask &= liked > 0
    positions = np.flatnonzero(mask)
    best = positions[np.argsort(-order[positions], kind="stable")]
    return users.iloc[best].assign(share=share[best]).reset_index(drop=True)
