"""URLs reproduce views; invalid parameters are reported."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.web import url_state
from movierec.web.url_state import View

VIEWS = st.builds(
    View,
    lang=st.sampled_from([None, "en", "ko"]),
    tab=st.sampled_from(url_state.TABS),
    user=st.integers(1, 40),
    n=st.integers(1, url_state.MAX_ITEMS),
    year=st.none() | st.integers(1995, 2100),
    month=st.none() | st.integers(1, 12),
    genre=st.sampled_from([None, "Comedy", "Drama"]),
    decade=st.sampled_from([None, 1950, 1990]),
    fresh=st.booleans(),
    compare=st.booleans(),
    film=st.none() | st.integers(1, 60),
    theirs=st.booleans(),
    gender=st.sampled_from([None, "F", "M"]),
    age=st.sampled_from([None, 1, 25, 56]),
    occupation=st.none() | st.integers(0, 20),
    zip=st.sampled_from(["", "02460", "A1-B2"]),
    rated=st.dictionaries(st.integers(1, 60), st.integers(1, 5), max_size=9).map(
        lambda stars: tuple(stars.items())
    ),
)


@given(VIEWS)
def test_write_and_read(lookups, view):
    assert url_state.read(url_state.write(view), lookups) == (view, [])


def test_defaults_are_not_written(lookups):
    assert url_state.write(View(user=7)) == {"user": "7"}
    assert url_state.read({}, lookups) == (View(), [])


INVALID = [
    ("user", ["41", "seven", "٧", "9" * 5000], "1–40"),
    ("n", ["0"], "1–100"),
    ("month", ["13"], "1–12"),
    ("year", ["1994"], "1995–2100"),
    ("genre", ["Telenovela"], "Comedy, Drama, War"),
    ("decade", ["1955"], "1950, 1960, 1970, 1980, 1990"),
    ("lang", ["de"], "en, ko"),
    ("fresh", ["yes"], "0, 1"),
    ("film", ["61"], "a movie id"),
    ("age", ["30"], "1, 18, 25, 35, 45, 50, 56"),
    ("occupation", ["21"], "0–20"),
    ("zip", ["x" * 11], "≤ 10"),
    ("rated", ["1", "1:6", "61:5", "1:5,1:4", "1:5," * 200], "movie:stars,movie:stars"),
]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [(name, value, expected) for name, values, expected in INVALID for value in values],
)
def test_an_invalid_parameter_keeps_its_default(lookups, name, value, expected):
    view, problems = url_state.read({name: value}, lookups)
    assert view == View()
    assert problems == [url_state.Problem(name, value[:40], expected)]


@given(st.dictionaries(st.sampled_from(list(vars(View()))), st.text(max_size=50)))
def test_any_url_has_a_view(lookups, params):
    view, _ = url_state.read(params, lookups)
    assert url_state.read(url_state.write(view), lookups) == (view, [])
