"""The base class of this project's own errors."""


class MovieRecError(Exception):
    """An error the user can fix; the message says what arrived, what was expected, what to do."""
