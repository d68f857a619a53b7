"""URLs reproduce views; invalid parameters are reported."""

import dataclasses
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from movierec.data.schema import MOVIE, USER, Fields, Scale
from movierec.serving.lookups import Lookups
from movierec.web import url_state
from movierec.web.texts import LANGUAGES
from movierec.web.url_state import View

LARGE = 2**31 - 1 - 60  # the 60 ids after it are the largest that are allowed


def views(before):
    """Views of made-up data whose ids are those after `before`."""
    movie = st.integers(before + 1, before + 60)
    rated = st.dictionaries(movie, st.integers(1, 5), max_size=9).map(lambda r: tuple(r.items()))
    movies = st.lists(movie, max_size=9, unique=True).map(tuple)
    return st.builds(
        View,
        lang=st.sampled_from([None, "en", "ko"]),
        tab=st.sampled_from(url_state.TABS),
        user=st.integers(before + 1, before + 40),
        who=st.sampled_from(["", "woman 25-34", "여성, 공포 제외", "not <b> & 'x'"]),
        n=st.integers(1, url_state.MAX_ITEMS),
        year=st.none() | st.integers(1995, 2100),
        month=st.none() | st.integers(1, 12),
        genre=st.sampled_from([None, "Comedy", "Drama"]),
        decade=st.sampled_from([None, 1950, 1990]),
        fresh=st.booleans(),
        raters=st.integers(0, 5000),
        like=st.none() | movie,
        adventure=st.sampled_from(url_state.ADVENTURES),
        compare=st.booleans(),
        film=st.none() | movie,
        theirs=st.booleans(),
        gender=st.sampled_from([None, "F", "M"]),
        age=st.sampled_from([None, 1, 25, 56]),
        occupation=st.none() | st.integers(0, 20),
        zip=st.sampled_from(["", "02460", "A1-B2"]),
        rated=rated,
        seen=rated,
        hidden=movies,
        watch=movies,
    )


@pytest.fixture(scope="module")
def large(made):
    """Look-ups in the made-up data with ids of ten digits."""
    more = {
        name: table.assign(**{c: table[c] + LARGE for c in (USER, MOVIE) if c in table})
        for name in ("users", "movies", "ratings")
        for table in (getattr(made, name),)
    }
    return Lookups(dataclasses.replace(made, **more))


@given(views(0))
def test_write_and_read(lookups, view):
    assert url_state.read(url_state.write(view), lookups) == (view, [])


@given(views(LARGE))
def test_write_and_read_large_ids(large, view):
    assert url_state.read(url_state.write(view), large) == (view, [])


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20, unique=True))
@example([0.3, 1.0, 2.8, 1e6, 1234567.5])
def test_write_and_read_ratings_with_decimals(made, ratings):
    ratings = tuple(sorted(ratings))
    data = dataclasses.replace(made, scale=Scale(ratings, ratings[-1]))
    view = View(rated=tuple(enumerate(ratings, start=1)))
    assert url_state.read(url_state.write(view), Lookups(data)) == (view, [])


def test_the_years_begin_with_the_data(made):
    old = made.ratings.assign(timestamp=made.ratings["timestamp"] - 20 * 366 * 86400)
    read = url_state.read({"year": "1985"}, Lookups(dataclasses.replace(made, ratings=old)))
    assert read == (View(year=1985), [])


class NotRead:
    """A table whose columns cannot be read."""

    def __getitem__(self, name):
        raise AssertionError(name)


def test_a_field_named_twice_is_refused_without_a_look_at_its_values():
    data = SimpleNamespace(users=NotRead(), fields=Fields(user=(USER, "town"), movie=(MOVIE,)))
    text = ",".join(["town:a"] * 1000)
    assert url_state._about(text, SimpleNamespace(data=data)) is None


def test_defaults_are_not_written(lookups):
    assert url_state.write(View(user=7)) == {"user": "7"}
    assert url_state.read({}, lookups) == (View(), [])


INVALID = [
    ("user", ["41", "seven", "٧", "9" * 5000], "a whole number from 1 to 40"),
    ("who", ["x" * 201], "a text of at most 200 characters"),
    ("n", ["0"], "a whole number from 1 to 100"),
    ("month", ["13"], "a whole number from 1 to 12"),
    ("year", ["1994"], "a whole number from 1995 to 2100"),
    ("genre", ["Telenovela"], "one of: Comedy, Drama, War"),
    ("decade", ["1955"], "one of: 1950, 1960, 1970, 1980, 1990"),
    ("lang", ["de"], "one of: en, ko"),
    ("fresh", ["yes"], "one of: 0, 1"),
    ("adventure", ["3"], "one of: -2, -1, 0, 1, 2"),
    ("film", ["61"], "the number of a film in ml-1m"),
    ("like", ["x"], "the number of a film in ml-1m"),
    ("age", ["30"], "one of: 1, 18, 25, 35, 45, 50, 56"),
    ("occupation", ["21"], "a whole number from 0 to 20"),
    ("zip", ["x" * 11], "a text of at most 10 characters"),
    ("rated", ["1", "1:6", "61:5", "1:5,1:4", "1:5," * 200], "a list of at most 100 film numbers"),
    ("seen", ["1:5," + " " * 10_000 + "2:5"], "a list of at most 100 film numbers"),
    ("watch", ["61", "1,1", "1,", "1:5", "1," * 200], "a list of at most 100 different film"),
]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [(name, value, expected) for name, values, expected in INVALID for value in values],
)
def test_an_invalid_parameter_keeps_its_default(lookups, name, value, expected):
    view, (problem,) = url_state.read({name: value}, lookups)
    assert view == View()
    assert (problem.name, problem.value) == (name, value[:40])
    key, values = problem.expected
    assert LANGUAGES["en"]["expected"][key].format(**values).startswith(expected)


@given(st.dictionaries(st.sampled_from(list(vars(View()))), st.text(max_size=50)))
def test_any_url_has_a_view(lookups, params):
    view, _ = url_state.read(params, lookups)
    assert url_state.read(url_state.write(view), lookups) == (view, [])
