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
    text = repr(value[:QUOTED] if isinstance(value, str | bytes) else value)
    return text if len(text) < QUOTED else f"{text[: QUOTED - 3]}..."
