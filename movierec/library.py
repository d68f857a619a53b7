"""People and films as the page asks about them: who rated what, and what everybody thinks of it."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from movierec import preprocess
from movierec.datasets import MOVIE, RATING, TIMESTAMP, USER, MovieLens
from movierec.settings import LIKED

WELL_KNOWN = 0.1  # the share of films, those with the most ratings, that counts as well known
FILM_COLUMNS = [MOVIE, "title", "genres", "release_year"]


class RequestError(ValueError):
    """A request that cannot be answered; the message says what arrived and what was expected."""


@dataclass(frozen=True)
class Filters:
    """Which films may be recommended.

    Args:
        genre: only films that carry it.
        decade: only films released in it, as its first year.
        hide_known: leave out the most-rated tenth of all films.
    """

    genre: str | None = None
    decade: int | None = None
    hide_known: bool = False


class Library:
    """A data set with the look-ups that a page needs. It is never changed, so sessions share it.

    Arrays with one value a film stand in the order of `movies`.
    """

    def __init__(self, data: MovieLens):
        self.data = data
        self.movies = preprocess.movies(data).assign(genres=data.movies["genres"])
        self._users = pd.Index(data.users[USER])
        self._films = pd.Index(data.movies[MOVIE])

    @cached_property
    def _by_user(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the ratings table ordered by user, and where in them each user's begin."""
        users = self._users.get_indexer(self.data.ratings[USER])
        order = np.argsort(users, kind="stable").astype(np.int32)
        return order, np.searchsorted(users[order], np.arange(len(self._users) + 1))

    @cached_property
    def carries(self) -> pd.DataFrame:
        """Whether a film (row) carries a genre (column); bool."""
        return self.movies["genres"].str.get_dummies("|").astype(bool)

    @cached_property
    def decades(self) -> list[int]:
        """Decades in which films were released, oldest first."""
        return sorted(int(decade) for decade in self.movies["release_decade"].dropna().unique())

    @cached_property
    def decade_table(self) -> pd.DataFrame:
        """Whether a film (row) was released in a decade (column); bool."""
        return pd.DataFrame({d: self.movies["release_decade"] == d for d in self.decades}).fillna(
            False
        )

    @cached_property
    def _liked(self) -> pd.DataFrame:
        """Rows of user and film of every rating of `LIKED` or more."""
        liked = self.data.ratings[self.data.ratings[RATING] >= LIKED]
        rows = self._users.get_indexer(liked[USER]), self.film_rows(liked[MOVIE])
        return pd.DataFrame(dict(zip(("user", "film"), rows, strict=True)), dtype=np.int32)

    @cached_property
    def likes(self) -> np.ndarray:
        """How many people rated each film `LIKED` or more."""
        return np.bincount(self._liked["film"], minlength=len(self.movies))

    @cached_property
    def likes_by_user(self) -> np.ndarray:
        """How many films each user (in the order of the users table) rated `LIKED` or more."""
        return np.bincount(self._liked["user"], minlength=len(self._users))

    @cached_property
    def genre_likes(self) -> pd.DataFrame:
        """How many of a user's (row) liked films carry a genre (column)."""
        user, film = self._liked["user"].to_numpy(), self._liked["film"].to_numpy()
        return pd.DataFrame(
            {
                genre: np.bincount(user[carried.to_numpy()[film]], minlength=len(self._users))
                for genre, carried in self.carries.items()
            }
        )

    @cached_property
    def raters(self) -> np.ndarray:
        """How many people rated each film."""
        return np.bincount(self.film_rows(self.data.ratings[MOVIE]), minlength=len(self.movies))

    @cached_property
    def means(self) -> np.ndarray:
        """Mean rating of each film; NaN where nobody rated it."""
        rows, stars = self.film_rows(self.data.ratings[MOVIE]), self.data.ratings[RATING]
        total = np.bincount(rows, weights=stars, minlength=len(self.movies))
        return np.where(self.raters > 0, total / np.maximum(self.raters, 1), np.nan)

    def film_rows(self, movie_ids) -> np.ndarray:
        """The rows of `movies` where these films stand; -1 for a film that is not there."""
        return self._films.get_indexer(movie_ids)

    def name(self, movie_id: int) -> str:
        """The film's title with its year, as the raw file spells it."""
        return self.data.movies["title"].iloc[self.film_rows([movie_id])[0]]

    def user_row(self, user_id: int) -> int:
        """The row of the users table where the user stands.

        Raises:
            RequestError: when there is no such user.
        """
        if isinstance(user_id, (int, np.integer)) and not isinstance(user_id, bool):
            row = self._users.get_indexer([user_id])[0]
            if row >= 0:
                return int(row)
        raise RequestError(
            f"there is no user {user_id!r} in {self.data.name}: expected one of its "
            f"{len(self._users):,} users, a whole number from {self._users.min()} to "
            f"{self._users.max()}"
        )

    def user(self, user_id: int) -> pd.Series:
        """The user's row of the users table.

        Raises:
            RequestError: when there is no such user.
        """
        return self.data.users.iloc[self.user_row(user_id)]

    def _rated(self, user_id: int) -> pd.DataFrame:
        """The user's rows of the ratings table."""
        order, starts = self._by_user
        row = self.user_row(user_id)
        return self.data.ratings.iloc[order[starts[row] : starts[row + 1]]]

    def _with_time(self, rated: pd.DataFrame) -> pd.DataFrame:
        """Rows of the ratings table with the year and month of each."""
        return preprocess.ratings(replace(self.data, ratings=rated))

    def history(self, user_id: int) -> pd.DataFrame:
        """What the user has rated, newest first.

        Returns:
            One row a rating: movie_id, title, genres, release_year, rating, timestamp,
            rating_year, rating_month.

        Raises:
            RequestError: when there is no such user.
        """
        rated = self._with_time(self._rated(user_id))
        rated = rated.sort_values([TIMESTAMP, MOVIE], ascending=[False, True])
        films = self.movies.iloc[self.film_rows(rated[MOVIE])][FILM_COLUMNS]
        films = films.reset_index(drop=True)
        return films.join(
            rated[[RATING, TIMESTAMP, *preprocess.TIME_FEATURES]].reset_index(drop=True)
        )

    def default_time(self, user_id: int | None = None) -> tuple[int, int]:
        """Year and month of the last rating: the user's where there is one, else anybody's."""
        everybodys = self.data.ratings
        rated = everybodys if user_id is None else self._rated(user_id)
        if rated.empty:
            rated = everybodys
        newest = self._with_time(rated.loc[[rated[TIMESTAMP].idxmax()]])
        return tuple(int(newest[feature].iloc[0]) for feature in preprocess.TIME_FEATURES)

    def seen(self, user_id: int) -> np.ndarray:
        """Which films the user has rated; bool, shape (movies,)."""
        mask = np.zeros(len(self.movies), bool)
        mask[self.film_rows(self._rated(user_id)[MOVIE])] = True
        return mask

    def admitted(self, filters: Filters) -> np.ndarray:
        """Which films pass the filters; bool, shape (movies,).

        Raises:
            RequestError: a genre or decade that no film has.
        """
        mask = np.ones(len(self.movies), bool)
        if filters.genre is not None:
            _one_of("genre", filters.genre, list(self.carries))
            mask &= self.carries[filters.genre].to_numpy()
        if filters.decade is not None:
            _one_of("decade", filters.decade, self.decades)
            mask &= (self.movies["release_decade"] == filters.decade).fillna(False).to_numpy(bool)
        if filters.hide_known:
            mask &= self.raters <= np.quantile(self.raters, 1 - WELL_KNOWN)
        return mask

    def find(self, text: str, most: int = 8) -> pd.DataFrame:
        """Films whose title holds the text, whatever its case; the most-rated first.

        Returns:
            At most `most` rows of `movies`; none for an empty text.
        """
        if not text.strip():
            return self.movies.iloc[:0]
        found = self.movies["title"].str.contains(text.strip(), case=False, regex=False)
        rows = np.flatnonzero(found.to_numpy(bool))
        return self.movies.iloc[rows[np.argsort(-self.raters[rows], kind="stable")][:most]]


def _one_of(name: str, value, known: list) -> None:
    if value not in known:
        raise RequestError(
            f"there is no {name} {value!r}: choose one of {', '.join(map(str, known))}"
        )
