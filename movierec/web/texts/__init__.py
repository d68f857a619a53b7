"""All texts of the page, one dict per language; `str.format` fills in their `{names}`."""

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from movierec.data.schema import FIVE_STARS, Scale
from movierec.errors import printable
from movierec.serving.descriptions import Words, words_of
from movierec.web.texts.en import ENGLISH
from movierec.web.texts.ko import KOREAN

LANGUAGES = MappingProxyType({"en": ENGLISH, "ko": KOREAN})
KOREAN_TITLES = Path(__file__).with_name("korean_titles.csv")
NAMES = {"gender": "genders", "age": "ages", "occupation": "occupations", "genre": "genres"}


@cache
def of(language: str, scale: Scale) -> Mapping:
    """The texts in a language, for ratings of a scale; they are written for five stars.

    With other ratings "4 or 5" becomes the lowest liked one "or more". Where the data only say that
    something was chosen, some texts differ.
    """
    words = LANGUAGES[language]
    if scale == FIVE_STARS:
        return words
    if len(scale.ratings) == 1:
        words = words | words["implicit"]
    liked = exact(scale.liked)
    phrases = {"4 or 5": f"{liked} or more", "3 or less": f"less than {liked}"}
    phrases |= {"4점이나 5점": f"{liked}점 이상", "4점 이상": f"{liked}점 이상"}
    phrases |= {"3점 이하를": f"{liked}점 미만을"}

    def adapted(text):
        if isinstance(text, dict):
            return {key: adapted(value) for key, value in text.items()}
        if isinstance(text, str):
            for phrase, other in phrases.items():
                text = text.replace(phrase, other)
        return text

    return adapted(words)


def language(locale: str | None) -> str:
    """The page's language for a browser with this locale.

    >>> language("ko-KR"), language("de"), language(None)
    ('ko', 'en', 'en')
    """
    code = (locale or "").split("-")[0].lower()
    return code if code in LANGUAGES else "en"


def escaped(text: str) -> str:
    """The text with all Markdown and control characters escaped, in one line.

    >>> escaped("M*A*S*H <b>")
    'M\\\\*A\\\\*S\\\\*H \\\\<b\\\\>'
    """
    line = printable(" ".join(text.split()))
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$~:&^=])", r"\\\1", line)


def genre_or_decade(value: str | int, words: Mapping) -> str:
    """The name of a genre or a decade."""
    if isinstance(value, str):
        return words["genres"].get(value, value)
    return words["decade_name"].format(decade=value)


@cache
def search_words(genres: tuple[str, ...]) -> Words:
    """The words that the user search knows, in all languages; `genres` are those of the data."""
    meanings = {" ".join(words_of(genre)): ("genre", genre) for genre in genres}
    for texts in LANGUAGES.values():
        for field, key in NAMES.items():
            for value, name in texts[key].items():
                for phrase in (name, *re.split(r"[/·]", name)):
                    phrase = phrase.lower().replace("–", "-").strip()
                    meanings.setdefault(phrase, (field, value))
        for field, synonyms in texts["synonyms"].items():
            for phrase, value in synonyms.items():
                meanings.setdefault(phrase, (field, value))
    meanings = {
        phrase: (field, value)
        for phrase, (field, value) in meanings.items()
        if field != "genre" or value in genres
    }
    keys = ("stop_words", "negations", "negations_after", "joining")
    sets = [{w for texts in LANGUAGES.values() for w in texts[key].split()} for key in keys]
    return Words(MappingProxyType(meanings), *map(frozenset, sets))


@cache
def korean_titles() -> MappingProxyType:
    """Title of a well-known movie, as in MovieLens → its title in Korea."""
    with KOREAN_TITLES.open(encoding="utf-8", newline="") as file:
        return MappingProxyType(dict(csv.reader(file)))


def exact(rating: float) -> str:
    """A rating as text without rounding, for the page and for links.

    >>> exact(4), exact(4.5), exact(1234567.5), exact(1e6)
    ('4', '4.5', '1234567.5', '1000000')
    """
    return repr(float(rating)).removesuffix(".0")


def percent(probability: float) -> str:
    """A probability as a whole number of percent; never 100 %.

    >>> percent(0.934), percent(0.999)
    ('93%', '>99%')
    """
    return f"{probability:.0%}" if probability <= 0.99 else ">99%"
