"""Both languages say the same things."""

import re
import string

import pytest

from movierec import datasets, texts


def leaves(table, path=()):
    """Path and text of every entry, nested ones too."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_the_same_keys_and_placeholders():
    english, korean = (dict(leaves(texts.LANGUAGES[code])) for code in ("en", "ko"))
    own = {path for path in english.keys() ^ korean.keys() if path[0] != "also"}
    assert own == set()
    for path, text in english.items():
        if path[0] != "also":
            assert placeholders(text) == placeholders(korean[path]), path


def test_no_text_is_left_in_the_other_language():
    for path, text in leaves(texts.LANGUAGES["ko"]):
        if path[0] not in ("also", "metrics") and text not in ("SF",):
            assert re.search("[가-힣]", text), path


@pytest.mark.parametrize("code", texts.LANGUAGES)
def test_every_value_has_a_name(code, ml100k):
    words = texts.LANGUAGES[code]
    assert set(words["genders"]) == set(datasets.GENDERS)
    assert set(words["ages"]) == set(datasets.AGE_GROUPS)
    assert set(words["occupations"]) == set(range(len(datasets.OCCUPATIONS)))
    genres = set("|".join(ml100k.movies["genres"]).split("|"))
    assert genres <= set(words["genres"])


def test_names_stand_for_one_thing_only():
    seen = {}
    for words in texts.LANGUAGES.values():
        for field, key in texts.NAMES.items():
            for value, name in words[key].items():
                assert seen.setdefault(name.lower(), (field, value)) == (field, value)


@pytest.mark.parametrize(
    "text", ["M*A*S*H", "[a](javascript:x)", "<b>", "$x$", ":red[x]", "1. `a`"]
)
def test_plain_shows_text_as_it_is(text):
    assert re.sub(r"\\(.)", r"\1", texts.plain(text)) == text
    assert not re.search(r"(?<!\\)[*\[\]<>$`:_]", texts.plain(text))
