"""All texts of the page, one dict a language; a text's `{names}` are filled with `str.format`."""

import re
from functools import cache
from types import MappingProxyType

from movierec.texts.en import ENGLISH
from movierec.texts.ko import KOREAN

LANGUAGES = MappingProxyType({"en": ENGLISH, "ko": KOREAN})
NAMES = {"gender": "genders", "age": "ages", "occupation": "occupations", "genre": "genres"}


def language(locale: str | None) -> str:
    """The language to speak to a browser of that locale.

    >>> language("ko-KR"), language("de"), language(None)
    ('ko', 'en', 'en')
    """
    code = (locale or "").split("-")[0].lower()
    return code if code in LANGUAGES else "en"


def plain(text: str) -> str:
    """The text so that Markdown shows it as it is, with no markup of any kind.

    >>> plain("M*A*S*H <b>")
    'M\\\\*A\\\\*S\\\\*H \\\\<b\\\\>'
    """
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$~:&^=])", r"\\\1", " ".join(text.split()))


@cache
def vocabulary() -> MappingProxyType:
    """What the words of a description mean, in every language: phrase → field and value.

    See `movierec.people.understand`.
    """
    meanings = {}
    for texts in LANGUAGES.values():
        for field, key in NAMES.items():
            for value, name in texts[key].items():
                for phrase in (name, *re.split(r"[/·]", name)):
                    phrase = phrase.lower().replace("–", "-").strip()
                    meanings.setdefault(phrase, (field, value))
        for field, also in texts["also"].items():
            for phrase, value in also.items():
                meanings.setdefault(phrase, (field, value))
    return MappingProxyType(meanings)


@cache
def idle() -> frozenset[str]:
    """Words of a description that mean nothing to the search."""
    return frozenset(word for texts in LANGUAGES.values() for word in texts["idle"].split())
