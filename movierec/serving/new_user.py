"""Recommendations for a new user, from a profile and a few ratings."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from movierec.errors import quoted
from movierec.models import fold_in
from movierec.serving.lookups import RequestError
from movierec.serving.recommender import Candidates, Recommender, given


@dataclass(frozen=True)
class NewUser:
    """A new user's profile and ratings.

    Args:
        profile: feature → value as in the users table; None or "" for what is not given.
        rated: pairs of movie id and rating, in the order in which they were given.
    """

    profile: Mapping[str, object] = field(default_factory=dict)
    rated: tuple[tuple[int, float], ...] = ()

    @property
    def based_on(self) -> str:
        """What the predictions are based on.

        "ratings": an embedding learnt from the ratings (fold-in), and the profile; "profile": the
        unknown user's embedding and the profile; "nothing": all of the user's fields unknown.
        """
        if self.rated:
            return "ratings"
        return "profile" if given(self.profile) else "nothing"


Viewer = int | NewUser  # a user id of the data set, or a new user


def candidates(
    recommender: Recommender, user: NewUser, year: int | None = None, month: int | None = None
) -> Candidates:
    """All movies, encoded for a new user.

    Fold-in learns the user's embedding from the ratings; the liked movies decide which movies the
    user is likely to turn to.

    Args:
        recommender: the recommender; its model and data are not changed.
        user: the new user.
        year, month: target time, by default that of the data set's newest rating; the user's
            ratings get the same time.

    Raises:
        RequestError: no `NewUser`; impossible year or month; ratings, see `Lookups.rated_movies`.
    """
    if not isinstance(user, NewUser):
        raise RequestError(f"the user is {quoted(user)}, expected a NewUser")
    data = recommender.data
    ids = recommender.new_user_ids(user.profile, year, month)
    unrated = np.ones(len(ids), bool)
    positions, ratings = recommender.lookups.rated_movies(user.rated)
    unrated[positions] = False
    found = Candidates(ids, unrated, positions, positions[ratings >= data.scale.liked])
    if not user.rated:
        return found
    users = np.zeros(len(positions), int)
    rows = ids[positions], ratings, users
    vectors = fold_in.fold_in(recommender.model, *rows, scale=data.scale)
    return dataclasses.replace(found, user_vector=vectors[0])
