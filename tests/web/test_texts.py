"""Both languages have the same texts."""

import re
import string

import pytest

from movierec.data import schema
from movierec.web import texts


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
    different = {path for path in english.keys() ^ korean.keys() if path[0] != "synonyms"}
    assert different == set()
    for path, text in english.items():
        if path[0] != "synonyms":
            assert placeholders(text) == placeholders(korean[path]), path


def test_every_korean_text_is_korean():
    for path, text in leaves(texts.LANGUAGES["ko"]):
        if path[0] in ("synonyms", "metrics") or text == "SF":
            continue
        if any(character.isalpha() for character in re.sub("{.*?}", "", text)):
            assert re.search("[가-힣]", text), path


def test_bold_values_end_before_a_space_or_punctuation():
    for words in texts.LANGUAGES.values():
        for path, text in leaves(words):  # else a title that ends with a bracket is not bold
            assert not re.search(r"}\*\*\w", str(text)), path


@pytest.mark.parametrize("code", texts.LANGUAGES)
def test_every_value_has_a_name(code, ml100k):
    words = texts.LANGUAGES[code]
    assert set(words["genders"]) == set(schema.GENDERS)
    assert set(words["ages"]) == set(schema.AGE_GROUPS)
    assert set(words["occupations"]) == set(range(len(schema.OCCUPATIONS)))
    genres = set("|".join(ml100k.movies["genres"]).split("|"))
    assert genres <= set(words["genres"])


def test_each_name_has_one_meaning():
    seen = {}
    for words in texts.LANGUAGES.values():
        for field, key in texts.NAMES.items():
            for value, name in words[key].items():
                assert seen.setdefault(name.lower(), (field, value)) == (field, value)


@pytest.mark.parametrize(
    "text", ["M*A*S*H", "[a](javascript:x)", "<b>", "$x$", ":red[x]", "1. `a`"]
)
def test_escaped_text_has_no_markup(text):
    assert re.sub(r"\\(.)", r"\1", texts.escaped(text)) == text
    assert not re.search(r"(?<!\\)[*\[\]<>$`:_]", texts.escaped(text))
