"""Find users by what they are: "woman 25-34 programmer sci-fi" → a few matches."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.datasets import AGE_GROUPS, USER
from movierec.library import Library

LONGEST = 200  # characters of a description
PHRASE = 4  # words of the longest name
PARTICLES = "을를이가은는의인"  # Korean endings that may stick to a word


@dataclass(frozen=True)
class Found:
    """The answer to a description.

    Args:
        users: the best matches, rows of the users table with `share`: of the wanted genres in
            what the user liked (NaN where none was named).
        count: how many users match.
    """

    users: pd.DataFrame
    count: int


def understand(
    text: str, vocabulary: Mapping[str, tuple[str, object]], idle: frozenset[str]
) -> tuple[dict[str, list], tuple[str, ...]]:
    """Fields and values that a description names, and the words that name nothing.

    Args:
        text: what somebody typed; only the first `LONGEST` characters count.
        vocabulary: phrase in small letters → field and value.
        idle: words to pass over.

    Example:
        >>> understand("a WOMAN, 30", {"woman": ("gender", "F")}, frozenset({"a"}))
        ({'gender': ['F'], 'age': [25]}, ())
    """
    words = re.split(r"[\s,;|]+", text[:LONGEST].lower().replace("–", "-").replace("~", "-"))
    words = [word for word in words if word]
    wanted, foreign = {}, []
    while words:
        for length in range(min(PHRASE, len(words)), 0, -1):
            found = _meaning(" ".join(words[:length]), vocabulary)
            if found is not None:
                field, value = found
                if value not in wanted.setdefault(field, []):
                    wanted[field].append(value)
                break
        else:
            length = 1
            if words[0] not in idle:
                foreign.append(words[0])
        words = words[length:]
    return wanted, tuple(foreign)


def _meaning(phrase: str, vocabulary: Mapping) -> tuple[str, object] | None:
    for form in (phrase, phrase.rstrip(PARTICLES)):
        if form in vocabulary:
            return vocabulary[form]
    if re.fullmatch(r"[1-9][0-9]?", phrase):  # an age in years: the group it falls into
        return "age", max(start for start in AGE_GROUPS if start <= int(phrase))
    return None


def search(library: Library, wanted: Mapping[str, list], most: int = 6) -> Found:
    """The users who fit a description best.

    All that is wanted must fit, several values of one field being alternatives. With genres,
    those come first whose liked films carry them most often for their number (a share is drawn
    towards everyone's by ten films); without, those with the most likes.
    """
    users = library.data.users
    mask = np.ones(len(users), bool)
    for field in ("gender", "age", "occupation"):
        if field in wanted:
            mask &= users[field].isin(wanted[field]).to_numpy(bool)
    likes, counts = library.likes_by_user, library.genre_likes
    share = np.full(len(users), np.nan)
    order = likes.astype(float)
    if genres := wanted.get("genre"):
        liked = counts.reindex(columns=genres, fill_value=0).to_numpy().mean(axis=1)
        share = liked / np.maximum(likes, 1)
        order = (liked + 10 * liked.sum() / max(likes.sum(), 1)) / (likes + 10)
        mask &= liked > 0
    rows = np.flatnonzero(mask) if wanted else np.empty(0, int)
    best = rows[np.argsort(-order[rows], kind="stable")][:most]
    columns = [USER, "gender", "age", "occupation"]
    matches = users.iloc[best][columns].assign(share=share[best]).reset_index(drop=True)
    return Found(matches, len(rows))
