"""All texts of the page, one dict per language; `str.format` fills in their `{names}`."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from movierec.web.texts.en import ENGLISH
from movierec.web.texts.ko import KOREAN

LANGUAGES = MappingProxyType({"en": ENGLISH, "ko": KOREAN})
NAMES = {"gender": "genders", "age": "ages", "occupation": "occupations", "genre": "genres"}


def language(locale: str | None) -> str:
    """The page's language for a browser with this locale.

    >>> language("ko-KR"), language("de"), language(None)
    ('ko', 'en', 'en')
    """
    code = (locale or "").split("-")[0].lower()
    return code if code in LANGUAGES else "en"


def escaped(text: str) -> str:
    """The text with all Markdown characters escaped, in one line.

    >>> escaped("M*A*S*H <b>")
    'M\\\\*A\\\\*S\\\\*H \\\\<b\\\\>'
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$~:&^=])", r"\\\1", " ".join(text.split()))


def genre_or_decade(value: str | int, words: Mapping) -> str:
    """The name of a genre or a decade."""
    if isinstance(value, str):
        return words["genres"].get(value, value)
    return words["decade_name"].format(decade=value)


@cache
def vocabulary() -> MappingProxyType:
    """Phrases of all languages → field and value, for `serving.user_search.parse`."""
    meanings = {}
    for texts in LANGUAGES.values():
        for field, key in NAMES.items():
            for value, name in texts[key].items():
                for phrase in (name, *re.split(r"[/·]", name)):
                    phrase = phrase.lower().replace("–", "-").strip()
                    meanings.setdefault(phrase, (field, value))
        for field, synonyms in texts["synonyms"].items():
            for phrase, value in synonyms.items():
                meanings.setdefault(phrase, (field, value))
    return MappingProxyType(meanings)


@cache
def stop_words() -> frozenset[str]:
    """Words of a description that the user search ignores."""
    return frozenset(word for texts in LANGUAGES.values() for word in texts["stop_words"].split())
