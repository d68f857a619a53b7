"""Search for users by a description such as "woman 25-34 programmer sci-fi"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.data.schema import AGE_GROUPS, USER
from movierec.serving.lookups import Lookups

MAX_LENGTH = 200  # characters of a description
MAX_WORDS = 4  # words of the longest phrase in the vocabulary
PARTICLES = "을를이가은는의인"  # Korean particles that may follow a word without a space


@dataclass(frozen=True)
class SearchResult:
    """Users that match a description.

    Args:
        users: the best matches, rows of the users table with `share`: the wanted genres' mean
            share of the user's liked movies (NaN without a wanted genre).
        count: number of users that match.
    """

    users: pd.DataFrame
    count: int


def parse(
    text: str, vocabulary: Mapping[str, tuple[str, object]], stop_words: frozenset[str]
) -> tuple[dict[str, list], tuple[str, ...]]:
    """Fields and values named in a description, and the words that were not recognised.

    Args:
        text: the description; only its first `MAX_LENGTH` characters are read.
        vocabulary: phrase in lower case → field and value.
        stop_words: words to ignore.

    Example:
        >>> parse("a WOMAN, 30", {"woman": ("gender", "F")}, frozenset({"a"}))
        ({'gender': ['F'], 'age': [25]}, ())
    """
    words = re.split(r"[\s,;|]+", text[:MAX_LENGTH].lower().replace("–", "-").replace("~", "-"))
    words = [word for word in words if word]
    wanted, unknown = {}, []
    while words:
        for length in range(min(MAX_WORDS, len(words)), 0, -1):
            meaning = _meaning(" ".join(words[:length]), vocabulary)
            if meaning is not None:
                field, value = meaning
                if value not in wanted.setdefault(field, []):
                    wanted[field].append(value)
                break
        else:
            length = 1
            if words[0] not in stop_words:
                unknown.append(words[0])
        words = words[length:]
    return wanted, tuple(unknown)


def _meaning(phrase: str, vocabulary: Mapping) -> tuple[str, object] | None:
    for form in (phrase, phrase.rstrip(PARTICLES)):
        if form in vocabulary:
            return vocabulary[form]
    if re.fullmatch(r"[1-9][0-9]?", phrase):  # an age in years: its age group
        return "age", max(start for start in AGE_GROUPS if start <= int(phrase))
    return None


def search(lookups: Lookups, wanted: Mapping[str, list], most: int = 6) -> SearchResult:
    """The users that match a description best.

    All wanted fields must match; several values of one field are alternatives. With genres, users
    are ordered by the genres' share of their liked movies (smoothed by ten movies with the overall
    share); without, by their number of liked movies.

    Args:
        lookups: look-ups in the data set.
        wanted: field → wanted values, see `parse`.
        most: number of users to return.
    """
    users = lookups.data.users
    mask = np.ones(len(users), bool)
    for field in ("gender", "age", "occupation"):
        if field in wanted:
            mask &= users[field].isin(wanted[field]).to_numpy(bool)
    likes, counts = lookups.likes_by_user, lookups.genre_likes
    share = np.full(len(users), np.nan)
    order = likes.astype(float)
    if genres := wanted.get("genre"):
        liked = counts.reindex(columns=genres, fill_value=0).to_numpy().mean(axis=1)
        share = liked / np.maximum(likes, 1)
        order = (liked + 10 * liked.sum() / max(likes.sum(), 1)) / (likes + 10)
        mask &= liked > 0
    positions = np.flatnonzero(mask) if wanted else np.empty(0, int)
    best = positions[np.argsort(-order[positions], kind="stable")][:most]
    columns = [USER, "gender", "age", "occupation"]
    matches = users.iloc[best][columns].assign(share=share[best]).reset_index(drop=True)
    return SearchResult(matches, len(positions))
