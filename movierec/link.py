"""What a view of the page is made of, to and from the address that reproduces it."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, fields, replace

from movierec.datasets import AGE_GROUPS, GENDERS, MOVIE, OCCUPATIONS, USER
from movierec.library import Library
from movierec.recommender import YEARS

MOST = 100
TABS = ("user", "new")
LANGUAGES = ("en", "ko")
ZIP_LENGTH = 10


@dataclass(frozen=True)
class View:
    """One view of the page; each field is a parameter of its address.

    Args:
        lang: a language, or None for the browser's.
        tab: somebody of the data set, or a new viewer.
        user: user id.
        n: how many films.
        year, month: target time; None is that of the last rating.
        genre, decade, fresh: filters; `fresh` hides the well known.
        compare: whether the other model's list stands beside.
        film: movie id of the open explanation.
        theirs: whether it explains the other model rather than the page's own.
        gender, age, occupation, zip: a new viewer's profile, as in the users table.
        rated: what the new viewer has rated, pairs of movie id and 1 to 5.
    """

    lang: str | None = None
    tab: str = "user"
    user: int = 1
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
    """A parameter that could not be used: its name, what arrived (cut short), what fits."""

    name: str
    value: str
    expected: str


def read(params: Mapping[str, str], library: Library) -> tuple[View, list[Problem]]:
    """The view that an address asks for; what cannot be used keeps its default.

    Args:
        params: the address's parameters. Foreign names are left alone.
        library: what users, films, genres and decades there are.
    """
    view, problems = View(user=int(library.data.users[USER].iloc[0])), []
    for name, (parse, expected) in _parsers(library).items():
        if text := params.get(name, "").strip():
            value = parse(text)
            if value is None:
                problems.append(Problem(name, text[:40], expected))
            else:
                view = replace(view, **{name: value})
    return view, problems


Parser = tuple[Callable[[str], object], str]


def _parsers(library: Library) -> dict[str, Parser]:
    """For each parameter, text → value or None, and what is expected in words."""
    users, films = library.data.users[USER], library.data.movies[MOVIE]
    flag = {"0": False, "1": True}.get, "0, 1"
    return {
        "lang": _choice(LANGUAGES),
        "tab": _choice(TABS),
        "user": _number(set(users), f"{users.min()}–{users.max()}"),
        "n": _between(range(1, MOST + 1)),
        "year": _between(YEARS),
        "month": _between(range(1, 13)),
        "genre": _choice(list(library.carries)),
        "decade": _choice(library.decades),
        "fresh": flag,
        "compare": flag,
        "film": _number(set(films), "a movie id"),
        "theirs": flag,
        "gender": _choice(GENDERS),
        "age": _choice(AGE_GROUPS),
        "occupation": _between(range(len(OCCUPATIONS))),
        "zip": (lambda text: text if len(text) <= ZIP_LENGTH else None, f"≤ {ZIP_LENGTH}"),
        "rated": (lambda text: _rated(text, library), "movie:stars,movie:stars"),
    }


def _choice(options: Iterable) -> Parser:
    return {str(option): option for option in options}.get, ", ".join(map(str, options))


def _between(numbers: range) -> Parser:
    return _number(numbers, f"{numbers.start}–{numbers.stop - 1}")


def _number(allowed: Container[int], expected: str) -> Parser:
    def parse(text: str) -> int | None:
        value = whole(text)
        return value if value in allowed else None

    return parse, expected


def write(view: View) -> dict[str, str]:
    """The parameters that reproduce a view: whatever is not the default."""
    default = View()
    texts = {}
    for field in fields(View):
        value = getattr(view, field.name)
        if field.name == "rated":
            value = ",".join(f"{movie}:{stars}" for movie, stars in value)
        if field.name == "user" or (value and value != getattr(default, field.name)):
            texts[field.name] = str(int(value)) if isinstance(value, bool) else str(value)
        elif value == 0 and field.name == "occupation":
            texts[field.name] = "0"
    return texts


def whole(text: str) -> int | None:
    """The whole number that a text holds, or None.

    >>> whole(" 42 "), whole("4.2"), whole("forty"), whole("9" * 5000)
    (42, None, None, None)
    """
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _rated(text: str, library: Library) -> tuple[tuple[int, int], ...] | None:
    """Pairs of film and stars, or None when the text holds anything else."""
    pairs = [[whole(part) for part in pair.split(":")] for pair in text.split(",")[: MOST + 1]]
    if len(pairs) > MOST or any(len(pair) != 2 or None in pair for pair in pairs):
        return None
    known = (library.film_rows([movie for movie, _ in pairs]) >= 0).all()
    distinct = len({movie for movie, _ in pairs}) == len(pairs)
    stars = all(1 <= given <= 5 for _, given in pairs)
    return tuple((movie, given) for movie, given in pairs) if known and distinct and stars else None
