"""Addresses reproduce views; what they ask for in vain is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec import link
from movierec.library import Library
from movierec.link import View


@pytest.fixture(scope="module")
def library(made):
    return Library(made)


VIEWS = st.builds(
    View,
    lang=st.sampled_from([None, "en", "ko"]),
    tab=st.sampled_from(link.TABS),
    user=st.integers(1, 40),
    n=st.integers(1, link.MOST),
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
def test_there_and_back(library, view):
    assert link.read(link.write(view), library) == (view, [])


def test_a_plain_address_is_short(library):
    assert link.write(View(user=7)) == {"user": "7"}
    assert link.read({}, library) == (View(), [])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("user", "41", "1–40"),
        ("user", "seven", "1–40"),
        ("user", "7.0", "1–40"),
        ("user", "-7", "1–40"),
        ("user", "٧", "1–40"),
        ("user", "9" * 5000, "1–40"),
        ("n", "0", "1–100"),
        ("n", "10000", "1–100"),
        ("month", "13", "1–12"),
        ("year", "1994", "1995–2100"),
        ("genre", "Telenovela", "Comedy, Drama, War"),
        ("genre", "<script>alert(1)</script>", "Comedy, Drama, War"),
        ("decade", "1955", "1950, 1960, 1970, 1980, 1990"),
        ("lang", "de", "en, ko"),
        ("fresh", "yes", "0, 1"),
        ("film", "61", "a movie id"),
        ("age", "30", "1, 18, 25, 35, 45, 50, 56"),
        ("occupation", "21", "0–20"),
        ("zip", "x" * 11, "≤ 10"),
        ("rated", "1", "movie:stars,movie:stars"),
        ("rated", "1:6", "movie:stars,movie:stars"),
        ("rated", "61:5", "movie:stars,movie:stars"),
        ("rated", "1:5,1:4", "movie:stars,movie:stars"),
        ("rated", "1:5," * 200, "movie:stars,movie:stars"),
    ],
)
def test_what_cannot_be_had_keeps_its_default(library, name, value, expected):
    view, problems = link.read({name: value}, library)
    assert view == View()
    assert problems == [link.Problem(name, value[:40], expected)]


@given(st.dictionaries(st.sampled_from(list(vars(View()))), st.text(max_size=50)))
def test_any_address_gets_a_view(library, params):
    view, _ = link.read(params, library)
    assert link.read(link.write(view), library) == (view, [])
