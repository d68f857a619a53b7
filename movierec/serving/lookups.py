"""Facts about users and movies that the web page shows and filters by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import sparse

from movierec.data import features
from movierec.data.schema import MOVIE, RATING, TIME_FEATURES, TIMESTAMP, USER, YEARS
from movierec.data.tables import Dataset
from movierec.errors import MovieRecError, quoted
from movierec.serving.movie_search import Matches, TitleIndex

FEW_RATERS = 20  # a movie with fewer has few raters, and its probability is uncertain
WELL_KNOWN = 0.1  # share of movies, those with the most ratings, that counts as well known
ORDERS = ("for-you", "surest", "carry-on")  # of a list, see `Recommender.recommend`
MOVIE_COLUMNS = [MOVIE, "title", "genres", "release_year"]


class RequestError(MovieRecError, ValueError):
    """A request that cannot be answered; the message says what arrived and what was expected."""


def is_whole(value) -> bool:
    """Whether a value is a whole number; True and False are not."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _or_none(accepts: Callable) -> Callable:
    return lambda value: value is None or accepts(value)


FILTER_VALUES = {
    "genre": (_or_none(lambda value: isinstance(value, str)), "a genre or None"),
    "decade": (_or_none(is_whole), "a year or None"),
    "hide_known": (lambda value: isinstance(value, bool | np.bool_), "True or False"),
    "raters": (lambda value: is_whole(value) and value >= 0, "a whole number from 0"),
    "hidden": (
        lambda value: isinstance(value, tuple) and all(map(is_whole, value)),
        "a tuple of movie ids",
    ),
    "like": (_or_none(is_whole), "a movie id or None"),
}


@dataclass(frozen=True)
class Filters:
    """Which movies may be recommended.

    Args:
        genre: only movies of this genre.
        decade: only movies released in this decade, given as its first year.
        hide_known: leave out the most-rated tenth of all movies.
        raters: only movies rated by at least this many users.
        hidden: ids of movies to leave out.
        like: id of a movie: only those that people who like it also like.

    Raises:
        RequestError: a value of another type, or a negative number of raters.
    """

    genre: str | None = None
    decade: int | None = None
    hide_known: bool = False
    raters: int = 0
    hidden: tuple[int, ...] = ()
    like: int | None = None

    def __post_init__(self):
        for name, (accepts, expected) in FILTER_VALUES.items():
            value = getattr(self, name)
            if not accepts(value):
                raise RequestError(f"the filter {name} is {quoted(value)}, expected {expected}")


class Lookups:
    """Look-ups in a data set. Never changed, so sessions and models can share it.

    Arrays with one value per movie are in the order of `movies`.

    Args:
        data: the data set.
        other_titles: title → another title of that movie, for `find`.
    """

    def __init__(self, data: Dataset, other_titles: Mapping[str, str] = MappingProxyType({})):
        self.data, self.other_titles = data, other_titles
        self.movies = data.movie_features.assign(genres=data.movies["genres"])

    @cached_property
    def _by_user(self) -> tuple[np.ndarray, np.ndarray]:
        """Row indices of the ratings ordered by user and time, and where each user's begin."""
        users = self.data.rating_users
        order = np.lexsort((self.data.ratings[TIMESTAMP], users)).astype(np.int32)
        return order, np.searchsorted(users[order], np.arange(len(self.data.users) + 1))

    @cached_property
    def last_times(self) -> pd.DataFrame:
        """Year and month of every user's last rating, see `default_time`."""
        order, starts = self._by_user
        rows, none = order[starts[1:] - 1], np.diff(starts) == 0
        newest = self.data.ratings[TIMESTAMP].max()
        times = np.where(none, newest, self.data.ratings[TIMESTAMP].to_numpy()[rows])
        return features.time_features(pd.Series(times))

    @cached_property
    def rated_table(self) -> sparse.csr_array:
        """1 where a user (row) has rated a movie (column); float32."""
        return self.data.matrix(np.arange(len(self.data.ratings)))

    @cached_property
    def liked_table(self) -> sparse.csr_array:
        """1 where a user (row) rated a movie (column) `scale.liked` or more; float32."""
        return self.data.matrix(np.flatnonzero(self.data.labels > 0))

    def histories(self, users: np.ndarray, length: int) -> np.ndarray:
        """Positions of the movies that users rated last, see `NextMovieModel.log_probability`.

        Args:
            users: positions of users.
            length: number of movies, at most.

        Returns:
            Oldest first, then -1, shape (users, length).
        """
        order, starts = self._by_user
        stop = starts[users + 1][:, None]
        positions = np.maximum(starts[users][:, None], stop - length) + np.arange(length)
        rows = order[np.minimum(positions, len(order) - 1)]
        return np.where(positions < stop, self.data.rating_movies[rows], -1)

    @cached_property
    def decades(self) -> list[int]:
        """Decades in which movies were released, oldest first."""
        return sorted(int(decade) for decade in self.movies["release_decade"].dropna().unique())

    @cached_property
    def decade_table(self) -> pd.DataFrame:
        """Whether a movie (row) was released in a decade (column); bool."""
        return pd.DataFrame({d: self.movies["release_decade"] == d for d in self.decades}).fillna(
            False
        )

    @cached_property
    def _liked(self) -> tuple[np.ndarray, np.ndarray]:
        """User and movie positions of all ratings of `scale.liked` or more."""
        liked = self.data.labels > 0
        return self.data.rating_users[liked], self.data.rating_movies[liked]

    @cached_property
    def likes(self) -> np.ndarray:
        """Number of users who rated each movie `scale.liked` or more."""
        return np.bincount(self._liked[1], minlength=len(self.movies))

    @cached_property
    def likes_by_user(self) -> np.ndarray:
        """Number of movies that each user rated `scale.liked` or more, by position."""
        return np.bincount(self._liked[0], minlength=len(self.data.users))

    @cached_property
    def genre_likes(self) -> pd.DataFrame:
        """How many of a user's (row) liked movies have a genre (column)."""
        user, movie = self._liked
        size = len(self.data.users)
        return pd.DataFrame(
            {
                genre: np.bincount(user[has_genre.to_numpy()[movie]], minlength=size)
                for genre, has_genre in self.data.genre_table.items()
            }
        )

    def genre_ratings(self, genre: str) -> np.ndarray:
        """Number of movies of a genre that each user rated, in the users table's order."""
        if genre not in self.data.genre_table:
            return np.zeros(len(self.data.users), int)
        rows = self.data.genre_table[genre].to_numpy()[self.data.rating_movies]
        return np.bincount(self.data.rating_users[rows], minlength=len(self.data.users))

    @cached_property
    def raters(self) -> np.ndarray:
        """Number of users who rated each movie."""
        return np.bincount(self.data.rating_movies, minlength=len(self.movies))

    @cached_property
    def means(self) -> np.ndarray:
        """Mean rating of each movie; NaN if nobody rated it."""
        ratings = self.data.ratings[RATING]
        total = np.bincount(self.data.rating_movies, weights=ratings, minlength=len(self.movies))
        return np.where(self.raters > 0, total / np.maximum(self.raters, 1), np.nan)

    @cached_property
    def years(self) -> dict[str, int]:
        """First and last year of release and of rating.

        Years that the data set lacks are left out.
        """
        found = {}
        if len(released := self.movies["release_year"].dropna()):
            found |= {"first_release": int(released.min()), "last_release": int(released.max())}
        if self.data.fields.time:
            times = self.data.ratings[TIMESTAMP].agg(["min", "max"])
            first, last = pd.to_datetime(times, unit="s").dt.year
            found |= {"first_rating": int(first), "last_rating": int(last)}
        return found

    @cached_property
    def rating_years(self) -> range:
        """`YEARS`, beginning with the year of the first rating if that is earlier."""
        return range(min(YEARS.start, self.years.get("first_rating", YEARS.start)), YEARS.stop)

    @cached_property
    def _titles(self) -> TitleIndex:
        return TitleIndex(self.data.movies["title"], self.raters, self.other_titles)

    def find(self, text: str) -> Matches:
        """The movies whose titles match a text, see `movie_search`; none for an empty text.

        Raises:
            RequestError: not a text.
        """
        if not isinstance(text, str):
            raise RequestError(f"the title is {quoted(text)}, expected a text")
        return self._titles.find(text.encode("utf-8", "ignore").decode())  # no lone surrogates

    @cached_property
    def _names(self) -> dict[int, str]:
        return dict(zip(self.data.movies[MOVIE].tolist(), self.data.movies["title"], strict=True))

    def name(self, movie_id: int) -> str:
        """The movie's title with its year, as in the raw file.

        Raises:
            RequestError: unknown movie.
        """
        if not is_whole(movie_id) or movie_id not in self._names:
            raise self._no_movie(movie_id)
        return self._names[movie_id]

    def _no_movie(self, movie_id) -> RequestError:
        return RequestError(
            f"there is no movie {quoted(movie_id)} in {self.data.name}: expected the movie_id of "
            f"one of its {len(self.data.movies):,} movies"
        )

    def movie_position(self, movie_id: int) -> int:
        """The movie's position in the movies table.

        Raises:
            RequestError: unknown movie.
        """
        return int(self.movie_positions([movie_id])[0])

    def movie_positions(self, movie_ids: Sequence[int]) -> np.ndarray:
        """The movies' positions in the movies table, shape (ids,).

        Raises:
            RequestError: an unknown movie.
        """
        positions = self.data.movie_positions(movie_ids)
        if (positions < 0).any():
            raise self._no_movie(movie_ids[int(np.argmin(positions))])
        return positions

    def rated_movies(self, rated: Iterable[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
        """Positions of movies and their ratings, both of shape (pairs,).

        Args:
            rated: pairs of movie id and rating.

        Raises:
            RequestError: other than pairs, an unknown movie, a movie that is rated twice, or a
                rating that is not on the data set's scale.
        """
        try:
            pairs = [(movie_id, rating) for movie_id, rating in rated]
        except (TypeError, ValueError):
            raise RequestError(
                f"the ratings are {quoted(rated)}, expected pairs of movie id and rating"
            ) from None
        positions = self.movie_positions([movie_id for movie_id, _ in pairs])
        if len(set(positions)) < len(positions):
            raise RequestError("a movie is rated twice: expected one rating of each movie")
        scale = self.data.scale.ratings
        for movie_id, rating in pairs:
            known = isinstance(rating, Real) and not isinstance(rating, bool)
            if not known or rating not in scale:
                expected = ", ".join(f"{value:g}" for value in scale)
                raise RequestError(
                    f"the rating of movie {movie_id} is {quoted(rating)}, expected {expected}"
                )
        return positions, np.array([rating for _, rating in pairs], float)

    @cached_property
    def _user_positions(self) -> dict[int, int]:
        return {user_id: place for place, user_id in enumerate(self.data.users[USER].tolist())}

    def user_position(self, user_id: int) -> int:
        """The user's position in the users table.

        Raises:
            RequestError: unknown user.
        """
        if is_whole(user_id):
            position = self._user_positions.get(int(user_id))
            if position is not None:
                return position
        ids = self.data.users[USER]
        raise RequestError(
            f"there is no user {quoted(user_id)} in {self.data.name}: expected one of its "
            f"{len(ids):,} users, a whole number from {ids.min()} to {ids.max()}"
        )

    def user(self, user_id: int) -> pd.Series:
        """The user's row of the users table.

        Raises:
            RequestError: unknown user.
        """
        return self.data.users.iloc[self.user_position(user_id)]

    def rows_of(self, user_id: int) -> np.ndarray:
        """Row indices of the user's ratings, oldest first.

        Ratings of the same second keep the order of the file.

        Raises:
            RequestError: unknown user.
        """
        order, starts = self._by_user
        position = self.user_position(user_id)
        return order[starts[position] : starts[position + 1]]

    def history(self, user_id: int) -> pd.DataFrame:
        """The user's ratings, newest first.

        Returns:
            One row per rating: movie_id, title, genres, release_year, rating, timestamp,
            rating_year, rating_month.

        Raises:
            RequestError: unknown user.
        """
        rated = self.data.ratings.iloc[self.rows_of(user_id)]
        rated = rated.sort_values([TIMESTAMP, MOVIE], ascending=[False, True], ignore_index=True)
        movies = self.movies.iloc[self.data.movie_positions(rated[MOVIE])][MOVIE_COLUMNS]
        movies = movies.reset_index(drop=True)
        times = features.time_features(rated[TIMESTAMP])
        return movies.join(rated[[RATING, TIMESTAMP]]).join(times)

    def default_time(self, user_id: int | None = None) -> tuple[int, int]:
        """Year and month of the user's last rating.

        Without a user, or if the user has no ratings, of the data set's last rating.
        """
        if user_id is not None:
            year, month = self.last_times.to_numpy()[self.user_position(user_id)]
            return int(year), int(month)
        newest = features.time_features(pd.Series([self.data.ratings[TIMESTAMP].max()]))
        return tuple(int(newest[feature].iloc[0]) for feature in TIME_FEATURES)

    def rated(self, user_id: int) -> np.ndarray:
        """Positions of the movies that the user has rated, in the order of `rows_of`."""
        return self.data.rating_movies[self.rows_of(user_id)]

    def liked(self, user_id: int) -> np.ndarray:
        """Positions of the movies that the user rated `scale.liked` or more."""
        rows = self.rows_of(user_id)
        return self.data.rating_movies[rows[self.data.labels[rows] > 0]]

    def passing(self, filters: Filters) -> np.ndarray:
        """Which movies pass all filters except `like`; bool, shape (movies,).

        Raises:
            RequestError: a genre or decade that no movie has.
        """
        mask = np.ones(len(self.movies), bool)
        if filters.genre is not None:
            _check_one_of("genre", filters.genre, list(self.data.genre_table))
            mask &= self.data.genre_table[filters.genre].to_numpy()
        if filters.decade is not None:
            _check_one_of("decade", filters.decade, self.decades)
            mask &= self.decade_table[filters.decade].to_numpy(bool)
        if filters.hide_known:
            mask &= self.raters <= np.quantile(self.raters, 1 - WELL_KNOWN)
        mask &= self.raters >= filters.raters
        hidden = self.data.movie_positions(list(filters.hidden))
        mask[hidden[hidden >= 0]] = False
        return mask


def _check_one_of(name: str, value: str | int, known: list) -> None:
    if value not in known:
        raise RequestError(
            f"there is no {name} {quoted(value)}: choose one of {', '.join(map(str, known))}"
        )
