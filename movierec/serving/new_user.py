"""Recommendations for a new user, from a profile and a few ratings."""

from dataclasses import dataclass

import numpy as np

from movierec.data.schema import LIKED
from movierec.models import fold_in
from movierec.serving.recommender import Candidates, Recommender


@dataclass(frozen=True)
class NewUser:
    """A new user's profile and ratings; None or "" for what is not given.

    Args:
        gender, age, occupation, zipcode: as in the users table.
        rated: pairs of movie id and rating (1 to 5).
    """

    gender: str | None = None
    age: int | None = None
    occupation: int | None = None
    zipcode: str = ""
    rated: tuple[tuple[int, int], ...] = ()

    @property
    def based_on(self) -> str:
        """What the predictions are based on.

        "ratings": an embedding learnt from the ratings (fold-in), and the profile; "profile": the
        unknown user's embedding and the profile; "nothing": all of the user's fields unknown.
        """
        if self.rated:
            return "ratings"
        profile = (self.gender, self.age, self.occupation, self.zipcode or None)
        return "nothing" if profile == (None,) * 4 else "profile"


Viewer = int | NewUser  # a user id of the data set, or a new user


def candidates(
    recommender: Recommender, user: NewUser, year: int | None = None, month: int | None = None
) -> Candidates:
    """All movies for a new user. Ratings give an embedding by fold-in, liked movies candidates.

    Args:
        recommender: the recommender; its model and data are not changed.
        user: the new user.
        year, month: target time, by default that of the data set's newest rating; the user's
            ratings get the same time.

    Raises:
        RequestError: impossible year or month.
    """
    profile = {
        "gender": user.gender,
        "age": user.age,
        "occupation": user.occupation,
        "zipcode": user.zipcode or None,
    }
    ids = recommender.new_user_ids(profile, year, month)
    unrated = np.ones(len(ids), bool)
    movies, ratings = np.array(user.rated, int).reshape(-1, 2).T
    positions = recommender.data.movie_positions(movies)
    unrated[positions] = False
    turned_to = recommender.turned_to(positions[ratings >= LIKED], unrated)
    if not user.rated:
        return Candidates(ids, unrated, turned_to)
    users = np.zeros(len(positions), int)
    vectors = fold_in.fold_in(recommender.model, ids[positions], ratings, users)
    return Candidates(ids, unrated, turned_to, vectors[0])
