"""Search by description: which fields are recognised, and which users match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.serving import descriptions, user_search
from movierec.serving.descriptions import Wanted
from movierec.web import texts


def parse(text, genres=tuple(texts.LANGUAGES["en"]["genres"])):
    return descriptions.parse(text, texts.search_words(genres))


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
def test_fields_named_in_a_description(text, wanted):
    assert parse(text) == Wanted({field: [value] for field, value in wanted.items()}, {})


@pytest.mark.parametrize(
    ("text", "wanted", "excluded"),
    [
        ("woman not student", {"gender": ["F"]}, {"occupation": [4]}),
        ("hates horror", {}, {"genre": ["Horror"]}),
        (
            "man who hates horror and war, likes comedy",
            {"gender": ["M"], "genre": ["Comedy"]},
            {"genre": ["Horror", "War"]},
        ),
        ("hates horror and likes comedy", {"genre": ["Comedy"]}, {"genre": ["Horror"]}),
        ("doesn’t like musicals", {}, {"genre": ["Musical"]}),
        ("공포를 싫어하는 여성", {"gender": ["F"]}, {"genre": ["Horror"]}),
        ("여성 학생 제외", {"gender": ["F"]}, {"occupation": [4]}),
    ],
)
def test_what_a_description_excludes(text, wanted, excluded):
    assert parse(text) == Wanted(wanted, excluded)


@pytest.mark.parametrize(
    "text", ["42", " 42 ", "user 42", "User #42", "#42", "no. 42", "42번", "사용자 42"]
)
def test_a_number_with_and_without_words(text):
    assert descriptions.number(text) == "42"


@pytest.mark.parametrize("text", ["woman 42", "42 years", "25-34", "", "forty", "４２"])
def test_other_texts_are_no_numbers(text):
    assert descriptions.number(text) is None


def test_unknown_words_are_returned():
    found = parse("woman xyzzy <script>")
    assert found == Wanted({"gender": ["F"]}, {}, ("xyzzy", "<script>"))
    assert parse("x" * 10_000).unknown == ("x" * descriptions.MAX_LENGTH,)  # the rest is not read


def test_genres_are_those_of_the_data():
    assert parse("likes children", ("Children", "IMAX")) == Wanted({"genre": ["Children"]}, {})
    assert parse("sci-fi", ("Sci–Fi",)) == Wanted({"genre": ["Sci–Fi"]}, {})
    assert parse("imax, not horror", ("IMAX",)) == Wanted({"genre": ["IMAX"]}, {}, ("horror",))


@given(st.text(max_size=300))
def test_any_text_can_be_parsed(text):
    found = parse(text)
    assert {*found.fields, *found.excluded} <= {"gender", "age", "occupation", "genre"}
    assert len("".join(found.unknown)) <= 2 * descriptions.MAX_LENGTH


def test_all_wanted_fields_match_and_no_excluded_one(lookups, made):
    matches = user_search.search(lookups, Wanted({"gender": ["F"], "occupation": [4, 6]}, {}))
    expected = made.users.query("gender == 'F' and occupation in (4, 6)")
    assert set(matches["user_id"]) == set(expected["user_id"])
    matches = user_search.search(lookups, Wanted({"gender": ["F"]}, {"occupation": [4, 6]}))
    expected = made.users.query("gender == 'F' and occupation not in (4, 6)")
    assert set(matches["user_id"]) == set(expected["user_id"])


def test_users_who_like_a_genre_most_come_first(lookups):
    matches = user_search.search(lookups, Wanted({"genre": ["Comedy"]}, {}))[:20]
    assert (matches["user_id"] % 2 == 0).all()  # in the made-up data even users like comedies
    assert matches["share"].between(0, 1).all()


def test_users_who_dislike_a_genre(lookups):
    matches = user_search.search(lookups, Wanted({}, {"genre": ["Comedy"]}))
    assert len(matches)
    assert (matches["user_id"] % 2 == 1).all()
    assert user_search.search(lookups, Wanted({}, {"genre": ["unknown"]})).empty


def test_no_user_matches_or_no_field_is_wanted(lookups):
    assert user_search.search(lookups, Wanted({"age": [56]}, {})).empty
    assert user_search.search(lookups, Wanted({"genre": ["unknown"]}, {})).empty  # no movie has it
    assert user_search.search(lookups, Wanted({}, {})).empty
