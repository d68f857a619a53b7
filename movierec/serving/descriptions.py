"""Read a user search: a number, or a description such as "woman 25-34 sci-fi, not horror"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from movierec.data.schema import AGE_GROUPS

MAX_LENGTH = 200  # characters of a description
MAX_WORDS = 4  # words of the longest phrase in the vocabulary
PARTICLES = "을를이가은는의인"  # Korean particles that may follow a word without a space
NUMBER = re.compile(
    r"\s*(?:(?:user|number|no|id|사용자|번호|#)[\s.:]*)*([0-9]+)\s*번?\s*(?:사용자)?\s*", re.I
)


@dataclass(frozen=True)
class Words:
    """The words of descriptions, in lower case.

    Args:
        vocabulary: phrase → field and value.
        ignored: words without a meaning here.
        negations: words that exclude the phrase after them, and phrases joined to it.
        negations_after: words that exclude the phrase before them, as in Korean.
        joining: words that join phrases, such as "or".
    """

    vocabulary: Mapping[str, tuple[str, object]]
    ignored: frozenset[str] = frozenset()
    negations: frozenset[str] = frozenset()
    negations_after: frozenset[str] = frozenset()
    joining: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Wanted:
    """What a description asks for.

    Args:
        fields: field → wanted values.
        excluded: field → values that the users must not have, or genres that they dislike.
        unknown: words that were not recognised.
    """

    fields: dict[str, list]
    excluded: dict[str, list]
    unknown: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fields or self.excluded)


def number(text: str) -> str | None:
    """The digits of a text that names a user by number; None for any other text.

    >>> number("42"), number("User #42"), number("42번"), number("42 years")
    ('42', '42', '42', None)
    """
    match = NUMBER.fullmatch(text)
    return match[1] if match else None


def parse(text: str, known: Words) -> Wanted:
    """What a description asks for; only its first `MAX_LENGTH` characters are read.

    Example:
        >>> vocabulary = {"woman": ("gender", "F"), "war": ("genre", "War")}
        >>> known = Words(vocabulary, frozenset({"a"}), frozenset({"not"}))
        >>> parse("a WOMAN, 30, not war", known)
        Wanted(fields={'gender': ['F'], 'age': [25]}, excluded={'genre': ['War']}, unknown=())
    """
    words = words_of(text[:MAX_LENGTH])
    found, unknown = [], []  # found: field, value, whether excluded
    negated = False
    while words:
        length, meaning = _longest(words, known.vocabulary)
        if meaning is not None:
            found.append((*meaning, negated))
            rest = words[length:]
            joined = rest and rest[0] in known.joining
            negated = negated and joined and _longest(rest[1:], known.vocabulary)[1] is not None
        elif words[0] in known.negations:
            negated = True
        elif words[0] in known.negations_after and found:
            found[-1] = (*found[-1][:2], True)
        elif words[0] not in known.ignored | known.joining:
            unknown.append(words[0])
        words = words[length:]
    fields, excluded = {}, {}
    for field, value, is_excluded in found:
        values = (excluded if is_excluded else fields).setdefault(field, [])
        if value not in values:
            values.append(value)
    return Wanted(fields, excluded, tuple(unknown))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, with the usual hyphens and apostrophes.

    >>> words_of("Sci–Fi, Children’s")
    ['sci-fi', "children's"]
    """
    text = text.lower().replace("–", "-").replace("~", "-").replace("’", "'")
    return [word for word in re.split(r"[\s,;|.]+", text) if word]


def _longest(words: list[str], vocabulary: Mapping) -> tuple[int, tuple[str, object] | None]:
    """Number of words of the longest phrase that begins here, and its meaning.

    1 and None if there is none.
    """
    for length in range(min(MAX_WORDS, len(words)), 0, -1):
        meaning = _meaning(" ".join(words[:length]), vocabulary)
        if meaning is not None:
            return length, meaning
    return 1, None


def _meaning(phrase: str, vocabulary: Mapping) -> tuple[str, object] | None:
    for form in (phrase, phrase.rstrip(PARTICLES)):
        if form in vocabulary:
            return vocabulary[form]
    if re.fullmatch(r"[1-9][0-9]?세?", phrase):  # an age in years: its age group
        return "age", max(start for start in AGE_GROUPS if start <= int(phrase.rstrip("세")))
    return None
