"""The base class of this project's own errors, and how messages quote what arrived."""

import reprlib

QUOTED = 80  # characters of a quoted value, at most
PARTS = reprlib.Repr()  # writes only the beginning of a large list
PARTS.maxlist = PARTS.maxtuple = PARTS.maxdict = PARTS.maxset = 40
PARTS.maxstring = PARTS.maxlong = PARTS.maxother = 2 * QUOTED


class MovieRecError(Exception):
    """An error the user can fix; the message says what arrived, what was expected, what to do."""


def quoted(value: object) -> str:
    r"""A value as an error message shows it: in quotes, shortened, control characters escaped.

    >>> quoted("a\x1b[2J")
    "'a\\x1b[2J'"
    >>> len(quoted("a" * 1000))
    80
    """
    if isinstance(value, str | bytes):
        text = repr(value[:QUOTED])
    else:
        try:
            text = PARTS.repr(value)
        except Exception:  # a number with thousands of digits, an object without a repr
            text = f"an object of type {type(value).__name__}"
    text = printable(text)
    return text if len(text) < QUOTED else f"{text[: QUOTED - 3]}..."


def printable(text: str) -> str:
    r"""The text with control characters escaped.

    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
