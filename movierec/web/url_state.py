"""A view of the page, and the URL parameters that reproduce it."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, fields
from urllib.parse import quote, unquote

from movierec.data.schema import AGE_GROUPS, GENDERS, MOVIE, OCCUPATIONS, USER, Scale
from movierec.data.tables import Dataset
from movierec.serving import descriptions
from movierec.serving.lookups import ORDERS, Lookups
from movierec.web.texts import exact

MOST_CHARACTERS = 10_000  # of a parameter; longer texts would take long to read
MAX_ITEMS = 100  # movies in a list, and in each of the visitor's own lists
MOST_RATERS = 100_000  # of the filter by the number of raters
ADVENTURES = range(-2, 3)  # halves of the popularity factor that are left out, see `View`
TABS = ("user", "new")
LANGUAGES = ("en", "ko")
ZIP_LENGTH = 10
DEMOGRAPHICS = ("gender", "age", "occupation", "zipcode")

# text → value or None, and what is expected: a key of `expected` in the texts and its values
Parser = tuple[Callable[[str], object], tuple[str, dict]]
Ratings = tuple[tuple[int, float], ...]  # pairs of movie id and rating
About = tuple[tuple[str, str], ...]  # pairs of a column of the users table and its value


@dataclass(frozen=True)
class View:
    """One view of the page; each field is a URL parameter.

    Args:
        lang: language, or None for the browser's.
        tab: "user" for a user of the data set, "new" for a new viewer.
        user: user id.
        who: the description in the user search.
        order: how the list is ordered, see `Recommender.recommend`.
        n: number of movies in the list.
        year, month: target time; None for that of the last rating.
        genre, decade, fresh, raters: filters; `fresh` leaves out well-known movies, `raters` is the
            smallest number of people who rated a movie.
        like: movie id; only movies that people who like it also like.
        adventure: how adventurous the list is: 2 leaves popularity out, -2 doubles its factor.
        compare: whether the other model's list is shown as well.
        film: movie id of the open explanation.
        theirs: whether the explanation is of the other model's score, not of the page's own.
        gender, age, occupation, zip: a new viewer's profile, as in the users table.
        about: further fields of the profile, for a data set that has others than ML-1M.
        rated: a new viewer's ratings.
        seen: ratings that the user gets in addition to those in the data, or instead of those of
            the same movie.
        hidden: ids of movies that the viewer is not interested in.
        watch: ids of the movies on the watch list.
    """

    lang: str | None = None
    tab: str = "user"
    user: int = 1
    who: str = ""
    order: str = ORDERS[0]
    n: int = 10
    year: int | None = None
    month: int | None = None
    genre: str | None = None
    decade: int | None = None
    fresh: bool = False
    raters: int = 0
    like: int | None = None
    adventure: int = 0
    compare: bool = False
    film: int | None = None
    theirs: bool = False
    gender: str | None = None
    age: int | None = None
    occupation: int | None = None
    zip: str = ""
    about: About = ()
    rated: Ratings = ()
    seen: Ratings = ()
    hidden: tuple[int, ...] = ()
    watch: tuple[int, ...] = ()


@dataclass(frozen=True)
class Problem:
    """An invalid URL parameter.

    Args:
        name: of the parameter.
        value: the first 40 characters of its value.
        expected: what is expected: a key of `expected` in the page's texts, and its values.
    """

    name: str
    value: str
    expected: tuple[str, dict]


def has_demographics(data: Dataset) -> bool:
    """Whether users have the fields of ML-1M, coded in the same way."""
    return data.fields.user == (USER, *DEMOGRAPHICS) and data.users["age"].dtype.kind == "i"


def further_fields(data: Dataset) -> tuple[str, ...]:
    """The users' fields, without the id, of a data set that has others than ML-1M."""
    return () if has_demographics(data) else data.fields.user[1:]


def read(params: Mapping[str, str], lookups: Lookups) -> tuple[View, list[Problem]]:
    """The view that URL parameters describe, and the invalid ones, which keep their defaults.

    Parameters with other names are ignored.
    """
    values, problems = {"user": int(lookups.data.users[USER].iloc[0])}, []
    for name, (parse, expected) in _parsers(lookups).items():
        if text := params.get(name, "").strip():
            value = parse(text) if len(text) <= MOST_CHARACTERS else None
            if value is None:
                problems.append(Problem(name, text[:40], expected))
            else:
                values[name] = value
    return View(**values), problems


def _parsers(lookups: Lookups) -> dict[str, Parser]:
    """A parser for each URL parameter, by its name."""
    users = lookups.data.users[USER]
    movies = set(lookups.data.movies[MOVIE])
    user_ids = {"low": int(users.min()), "high": int(users.max())}
    flag = {"0": False, "1": True}.get, ("choice", {"options": "0, 1"})
    movie = _number(movies, ("movie", {"name": lookups.data.name}))
    own_movies = (lambda text: _movies(text, movies)), ("movies", {"most": MAX_ITEMS})
    scale = lookups.data.scale
    limits = {"most": MAX_ITEMS, "low": exact(scale.ratings[0]), "high": exact(scale.ratings[-1])}
    ratings = (lambda text: _ratings(text, movies, scale)), ("ratings", limits)
    return {
        "lang": _choice(LANGUAGES),
        "tab": _choice(TABS),
        "user": _number(set(users), ("between", user_ids)),
        "who": _text(descriptions.MAX_LENGTH),
        "order": _choice(ORDERS),
        "n": _between(range(1, MAX_ITEMS + 1)),
        "year": _between(lookups.rating_years),
        "month": _between(range(1, 13)),
        "genre": _choice(lookups.data.genre_table),
        "decade": _choice(lookups.decades),
        "fresh": flag,
        "raters": _between(range(MOST_RATERS + 1)),
        "like": movie,
        "adventure": _choice(ADVENTURES),
        "compare": flag,
        "film": movie,
        "theirs": flag,
        "gender": _choice(GENDERS),
        "age": _choice(AGE_GROUPS),
        "occupation": _between(range(len(OCCUPATIONS))),
        "zip": _text(ZIP_LENGTH),
        "about": ((lambda text: _about(text, lookups)), ("about", {})),
        "rated": ratings,
        "seen": ratings,
        "hidden": own_movies,
        "watch": own_movies,
    }


def _choice(options: Iterable) -> Parser:
    names = {str(option): option for option in options}
    return names.get, ("choice", {"options": ", ".join(names)})


def _between(numbers: range) -> Parser:
    return _number(numbers, ("between", {"low": numbers.start, "high": numbers.stop - 1}))


def _number(allowed: Container[int], expected: tuple[str, dict]) -> Parser:
    def parse(text: str) -> int | None:
        value = whole_number(text)
        return value if value in allowed else None

    return parse, expected


def _text(most: int) -> Parser:
    return (lambda text: text if len(text) <= most else None), ("text", {"most": most})


def write(view: View) -> dict[str, str]:
    """The URL parameters of a view: the user, and all values that are not defaults."""
    params = {}
    for field in fields(View):
        value = getattr(view, field.name)
        if field.name != "user" and value == field.default:
            continue
        if isinstance(value, tuple):
            value = ",".join(_item(item) for item in value)
        params[field.name] = str(int(value) if isinstance(value, bool) else value)
    return params


def _item(item: int | tuple) -> str:
    """A movie id, or a pair with a colon: 3 or (3, 4.5) or ("town", "Ulm")."""
    parts = item if isinstance(item, tuple) else (item,)
    return ":".join(exact(p) if isinstance(p, float) else quote(str(p), safe="") for p in parts)


def whole_number(text: str) -> int | None:
    """The number that a text of at most ten digits contains, otherwise None.

    >>> whole_number(" 42 "), whole_number("4.2"), whole_number("forty"), whole_number("9" * 5000)
    (42, None, None, None)
    """
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _movies(text: str, known: Container[int]) -> tuple[int, ...] | None:
    """At most `MAX_ITEMS` different known movie ids; None for an invalid text."""
    movies = tuple(whole_number(part) for part in text.split(",")[: MAX_ITEMS + 1])
    valid = len(movies) <= MAX_ITEMS and all(movie in known for movie in movies)
    return movies if valid and len(set(movies)) == len(movies) else None


def _about(text: str, lookups: Lookups) -> About | None:
    """Pairs of a further field and its value; None for an invalid text."""
    users, further = lookups.data.users, further_fields(lookups.data)
    parts = [pair.split(":") for pair in text.split(",")[: len(further) + 1]]
    pairs = [tuple(map(unquote, pair)) for pair in parts]
    valid = all(len(pair) == 2 and pair[0] in further for pair in pairs)
    if not valid or len(dict(pairs)) < len(pairs):
        return None
    known = all((users[name] == value).any() for name, value in pairs)
    return tuple(pairs) if known else None


def _ratings(text: str, known: Container[int], scale: Scale) -> Ratings | None:
    """Pairs of movie id and rating; None for an invalid text."""
    pairs = [pair.partition(":") for pair in text.split(",")]
    movies = _movies(",".join(movie for movie, _, _ in pairs), known)
    ratings = {exact(rating): rating for rating in scale.ratings}
    stars = tuple(ratings.get(stars.strip()) for _, _, stars in pairs)
    valid = all(rating is not None for rating in stars)
    return tuple(zip(movies, stars, strict=True)) if movies and valid else None
