"""Column names, fields, rating scales, and the names of coded values."""

from dataclasses import dataclass

import numpy as np

USER, MOVIE, RATING, TIMESTAMP = "user_id", "movie_id", "rating", "timestamp"

YEARS = range(1995, 2101)  # years in which a rating can be given

GENRE_FEATURES = ("genre1", "genre2", "genre3")
RELEASE_FEATURES = ("release_year", "release_decade")
TIME_FEATURES = ("rating_year", "rating_month")


@dataclass(frozen=True)
class Fields:
    """The features that a model reads of a data set, in this order.

    Args:
        user: features of the user; the first one is the id.
        movie: features of the movie; the first one is the id.
        time: features of the time of the rating; empty if the ratings have no time.
    """

    user: tuple[str, ...]
    movie: tuple[str, ...]
    time: tuple[str, ...] = TIME_FEATURES

    @property
    def all(self) -> tuple[str, ...]:
        """All features, in the order in which a model reads them."""
        return self.user + self.movie + self.time

    @property
    def movie_columns(self) -> slice:
        """The positions of the movie's features."""
        return slice(len(self.user), len(self.user + self.movie))


@dataclass(frozen=True)
class Scale:
    """The ratings that can be given, and those that mean "liked".

    Args:
        ratings: all of them, ascending.
        liked: the lowest rating that has the label 1.
    """

    ratings: tuple[float, ...]
    liked: float

    @property
    def implicit(self) -> bool:
        """Whether the scale has only one rating, meaning that the user chose the movie."""
        return len(self.ratings) == 1

    @property
    def positive(self) -> int:
        """How many ratings mean "liked"."""
        return sum(rating >= self.liked for rating in self.ratings)

    def labels(self, ratings: np.ndarray) -> np.ndarray:
        """1 where a rating is `liked` or more, else 0; float32."""
        return (np.asarray(ratings) >= self.liked).astype(np.float32)

    def classes(self, ratings: np.ndarray) -> np.ndarray:
        """The position of each rating on the scale, from 0; int32.

        Raises:
            ValueError: a rating that is not on the scale.
        """
        ratings = np.asarray(ratings)
        classes = np.searchsorted(self.ratings, ratings).astype(np.int32)
        known = np.take(self.ratings, classes, mode="clip") == ratings
        if not known.all():
            expected = ", ".join(f"{rating:g}" for rating in self.ratings)
            raise ValueError(f"expected ratings of {expected}. Received: {ratings[~known][0]:g}")
        return classes


FIVE_STARS = Scale((1, 2, 3, 4, 5), 4)
HALF_STARS = Scale((0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5), 4)

GENDERS = {"F": "woman", "M": "man"}
AGE_GROUPS = {
    1: "under 18",
    18: "18–24",
    25: "25–34",
    35: "35–44",
    45: "45–49",
    50: "50–55",
    56: "56 or older",
}
OCCUPATIONS = (
    "other or not specified, academic/educator, artist, clerical/admin, college/grad student, "
    "customer service, doctor/health care, executive/managerial, farmer, homemaker, K-12 student, "
    "lawyer, programmer, retired, sales/marketing, scientist, self-employed, technician/engineer, "
    "tradesman/craftsman, unemployed, writer"
).split(", ")  # the index is ML-1M's number
