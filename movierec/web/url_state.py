"""A view of the page, and the URL parameters that reproduce it."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, fields

from movierec.data.schema import AGE_GROUPS, GENDERS, MOVIE, OCCUPATIONS, RATINGS, USER, YEARS
from movierec.serving.lookups import ORDERS, Lookups

MAX_ITEMS = 100  # movies in a list, and ratings of a new viewer
TABS = ("user", "new")
LANGUAGES = ("en", "ko")
ZIP_LENGTH = 10

Parser = tuple[Callable[[str], object], str]  # text → value or None, and what is expected


@dataclass(frozen=True)
class View:
    """One view of the page; each field is a URL parameter.

    Args:
        lang: language, or None for the browser's.
        tab: "user" for a user of the data set, "new" for a new viewer.
        user: user id.
        order: how the list is ordered, see `Recommender.recommend`.
        n: number of movies in the list.
        year, month: target time; None for that of the last rating.
        genre, decade, fresh: filters; `fresh` hides well-known movies.
        compare: whether the other model's list is shown as well.
        film: movie id of the open explanation.
        theirs: whether the explanation is of the other model's score, not of the page's own.
        gender, age, occupation, zip: a new viewer's profile, as in the users table.
        rated: a new viewer's ratings, pairs of movie id and rating (1 to 5).
    """

    lang: str | None = None
    tab: str = "user"
    user: int = 1
    order: str = ORDERS[0]
    n: int = 10
    year: int | None = None
    month: int | None = None
    genre: str | None = None
    decade: int | None = None
    fresh: bool = False
    compare: bool = False
    film: int | None = None
    theirs: bool = False
    gender: str | None = None
    age: int | None = None
    occupation: int | None = None
    zip: str = ""
    rated: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Problem:
    """An invalid URL parameter: its name, its value (at most 40 characters), what is expected."""

    name: str
    value: str
    expected: str


def read(params: Mapping[str, str], lookups: Lookups) -> tuple[View, list[Problem]]:
    """The view that URL parameters describe, and the invalid ones, which keep their defaults.

    Parameters with other names are ignored.
    """
    values, problems = {"user": int(lookups.data.users[USER].iloc[0])}, []
    for name, (parse, expected) in _parsers(lookups).items():
        if text := params.get(name, "").strip():
            value = parse(text)
            if value is None:
                problems.append(Problem(name, text[:40], expected))
            else:
                values[name] = value
    return View(**values), problems


def _parsers(lookups: Lookups) -> dict[str, Parser]:
    """A parser for each URL parameter, by its name."""
    users, movies = lookups.data.users[USER], lookups.data.movies[MOVIE]
    flag = {"0": False, "1": True}.get, "0, 1"
    return {
        "lang": _choice(LANGUAGES),
        "tab": _choice(TABS),
        "user": _number(set(users), f"{users.min()}–{users.max()}"),
        "order": _choice(ORDERS),
        "n": _between(range(1, MAX_ITEMS + 1)),
        "year": _between(YEARS),
        "month": _between(range(1, 13)),
        "genre": _choice(lookups.genre_table),
        "decade": _choice(lookups.decades),
        "fresh": flag,
        "compare": flag,
        "film": _number(set(movies), "a movie id"),
        "theirs": flag,
        "gender": _choice(GENDERS),
        "age": _choice(AGE_GROUPS),
        "occupation": _between(range(len(OCCUPATIONS))),
        "zip": (lambda text: text if len(text) <= ZIP_LENGTH else None, f"≤ {ZIP_LENGTH}"),
        "rated": (lambda text: _ratings(text, lookups), "movie:stars,movie:stars"),
    }


def _choice(options: Iterable) -> Parser:
    return {str(option): option for option in options}.get, ", ".join(map(str, options))


def _between(numbers: range) -> Parser:
    return _number(numbers, f"{numbers.start}–{numbers.stop - 1}")


def _number(allowed: Container[int], expected: str) -> Parser:
    def parse(text: str) -> int | None:
        value = whole_number(text)
        return value if value in allowed else None

    return parse, expected


def write(view: View) -> dict[str, str]:
    """The URL parameters of a view: the user, and all values that are not defaults."""
    params = {}
    for field in fields(View):
        value = getattr(view, field.name)
        if field.name != "user" and value == field.default:
            continue
        if field.name == "rated":
            value = ",".join(f"{movie}:{stars}" for movie, stars in value)
        params[field.name] = str(int(value) if isinstance(value, bool) else value)
    return params


def whole_number(text: str) -> int | None:
    """The number that a text of at most nine digits contains, otherwise None.

    >>> whole_number(" 42 "), whole_number("4.2"), whole_number("forty"), whole_number("9" * 5000)
    (42, None, None, None)
    """
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _ratings(text: str, lookups: Lookups) -> tuple[tuple[int, int], ...] | None:
    """Pairs of movie id and rating; None for an invalid text."""
    texts = text.split(",")[: MAX_ITEMS + 1]
    pairs = [tuple(whole_number(part) for part in pair.split(":")) for pair in texts]
    if len(pairs) > MAX_ITEMS or any(len(pair) != 2 or None in pair for pair in pairs):
        return None
    movies = {movie for movie, _ in pairs}
    known = (lookups.data.movie_positions(list(movies)) >= 0).all()
    valid = all(1 <= stars <= RATINGS for _, stars in pairs)
    return tuple(pairs) if known and valid and len(movies) == len(pairs) else None
