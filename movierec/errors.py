"""The base class of this project's own errors, and how messages quote what arrived."""

QUOTED = 80  # characters of a quoted value, at most


class MovieRecError(Exception):
    """An error the user can fix; the message says what arrived, what was expected, what to do."""


def quoted(value: object) -> str:
    r"""A value as an error message shows it: in quotes, shortened, control characters escaped.

    >>> quoted("a\x1b[2J")
    "'a\\x1b[2J'"
    >>> len(quoted("a" * 1000))
    80
    """
    try:
        text = repr(value[:QUOTED] if isinstance(value, str | bytes) else value)
    except ValueError:  # a number with thousands of digits
        text = f"a very large {type(value).__name__}"
    if not text.isprintable():  # the repr of another library's object
        text = ascii(text)
    return text if len(text) < QUOTED else f"{text[: QUOTED - 3]}..."
