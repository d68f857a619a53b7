"""Somebody who is no user of the data set: what they tell about themselves, and what to see."""

from dataclasses import dataclass

import numpy as np

from movierec import foldin
from movierec.recommender import Candidates, Recommender


@dataclass(frozen=True)
class Newcomer:
    """What a new viewer says; None or "" where they rather do not.

    Args:
        gender, age, occupation, zipcode: as in the users table.
        rated: films they know, pairs of movie id and 1 to 5.
    """

    gender: str | None = None
    age: int | None = None
    occupation: int | None = None
    zipcode: str = ""
    rated: tuple[tuple[int, int], ...] = ()

    @property
    def way(self) -> str:
        """How the model comes to know them.

        "ratings": their embedding is learnt from the ratings (fold-in); "profile": the unknown
        user's embedding with their profile; "nothing": every personal field unknown.
        """
        if self.rated:
            return "ratings"
        told = (self.gender, self.age, self.occupation, self.zipcode or None)
        return "nothing" if told == (None,) * 4 else "profile"


def candidates(
    ready: Recommender, newcomer: Newcomer, year: int | None = None, month: int | None = None
) -> Candidates:
    """All films for a newcomer, with the embedding learnt from what they rated, if anything.

    Args:
        ready: the recommender; neither model nor data is changed.
        newcomer: who asks.
        year, month: target time, by default that of the data's newest rating; the ratings are
            taken as given then.

    Raises:
        RequestError: impossible year or month.
    """
    profile = {
        "gender": newcomer.gender,
        "age": newcomer.age,
        "occupation": newcomer.occupation,
        "zipcode": newcomer.zipcode or None,
    }
    ids = ready.profile_ids(profile, year, month)
    unseen = np.ones(len(ids), bool)
    if not newcomer.rated:
        return ready.scored(ids, unseen)
    movies, stars = np.array(newcomer.rated).T
    rows = ready.library.film_rows(movies)
    unseen[rows] = False
    vectors = foldin.fold_in(ready.model, ids[rows], stars, np.zeros(len(rows), int))
    return ready.scored(ids, unseen, vectors[0])
