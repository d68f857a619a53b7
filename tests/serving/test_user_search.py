"""Search by description: which fields are recognised, and which users match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.serving import user_search
from movierec.web import texts


def parse(text):
    return user_search.parse(text, texts.vocabulary(), texts.stop_words())


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
    assert parse(text) == ({field: [value] for field, value in wanted.items()}, ())


def test_unknown_words_are_returned():
    assert parse("woman xyzzy <script>") == ({"gender": ["F"]}, ("xyzzy", "<script>"))
    assert parse("x" * 10_000)[1] == ("x" * user_search.MAX_LENGTH,)  # the rest is not read


@given(st.text(max_size=300))
def test_any_text_can_be_parsed(text):
    wanted, unknown = parse(text)
    assert set(wanted) <= {"gender", "age", "occupation", "genre"}
    assert len("".join(unknown)) <= 2 * user_search.MAX_LENGTH


def test_all_wanted_fields_match(lookups, made):
    result = user_search.search(lookups, {"gender": ["F"], "occupation": [4, 6]})
    expected = made.users.query("gender == 'F' and occupation in (4, 6)")
    assert result.count == len(expected)
    assert set(result.users["user_id"]) <= set(expected["user_id"])


def test_users_who_like_a_genre_most_come_first(lookups):
    result = user_search.search(lookups, {"genre": ["Comedy"]}, most=20)
    assert (result.users["user_id"] % 2 == 0).all()  # in the made-up data even users like comedies
    assert result.users["share"].between(0, 1).all()
    assert len(result.users) == 20


def test_no_user_matches_or_no_field_is_wanted(lookups):
    assert user_search.search(lookups, {"age": [56]}).count == 0
    assert user_search.search(lookups, {"genre": ["unknown"]}).count == 0  # no movie has it
    assert user_search.search(lookups, {}).users.empty
