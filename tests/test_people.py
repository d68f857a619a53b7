"""Descriptions are understood, and the users found are those described."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec import people, texts
from movierec.library import Library


def understand(text):
    return people.understand(text, texts.vocabulary(), texts.idle())


PROGRAMMER = {"gender": "F", "age": 25, "occupation": 12, "genre": "Sci-Fi"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("woman 25-34 programmer sci-fi", PROGRAMMER),
        ("a woman, 25–34, programmer, likes Sci-Fi", PROGRAMMER),
        ("여성 25-34 프로그래머 SF", PROGRAMMER),
        ("25~34세 남자 SF를 좋아하는", {"gender": "M", "age": 25, "genre": "Sci-Fi"}),
        ("man of 57, retired", {"gender": "M", "age": 56, "occupation": 13}),
        ("under 18", {"age": 1}),
        ("grad student, film-noir", {"occupation": 4, "genre": "Film-Noir"}),
        ("", {}),
    ],
)
def test_descriptions(text, wanted):
    assert understand(text) == ({field: [value] for field, value in wanted.items()}, ())


def test_words_that_mean_nothing():
    assert understand("woman xyzzy <script>") == ({"gender": ["F"]}, ("xyzzy", "<script>"))


@given(st.text(max_size=300))
def test_any_text_gets_an_answer(text):
    wanted, foreign = understand(text)
    assert set(wanted) <= {"gender", "age", "occupation", "genre"}
    assert len("".join(foreign)) <= 2 * people.LONGEST


def test_only_the_start_of_a_long_text_counts():
    assert understand("x" * 10_000)[1] == ("x" * people.LONGEST,)


def test_all_that_is_wanted_fits(made):
    library = Library(made)
    found = people.search(library, {"gender": ["F"], "occupation": [4, 6]})
    expected = made.users.query("gender == 'F' and occupation in (4, 6)")
    assert found.count == len(expected)
    assert set(found.users["user_id"]) <= set(expected["user_id"])


def test_those_who_like_a_genre_most_come_first(made):
    found = people.search(Library(made), {"genre": ["Comedy"]}, most=20)
    assert (found.users["user_id"] % 2 == 0).all()  # in the made-up data even users like comedies
    assert found.users["share"].between(0, 1).all()
    assert len(found.users) == 20


def test_nobody_fits_and_nothing_wanted(made):
    library = Library(made)
    assert people.search(library, {"age": [56]}).count == 0
    assert people.search(library, {"genre": ["unknown"]}).count == 0  # no film carries it
    assert people.search(library, {}).users.empty
