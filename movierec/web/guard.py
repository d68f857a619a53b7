"""Handle the page's unexpected errors: show a sentence with a reference that is also in the log."""

import functools
import logging
import secrets
from collections.abc import Callable, Mapping

import streamlit as st

from movierec.web import texts

log = logging.getLogger("movierec")


def words() -> Mapping:
    """The texts in the session's language, or else the browser's."""
    return texts.LANGUAGES[st.session_state.get("lang") or texts.language(st.context.locale)]


def guarded(show_part: Callable) -> Callable:
    """Wrap `show_part`: an unexpected error shows a sentence with a reference to the log."""

    @functools.wraps(show_part)
    def shown(*arguments) -> None:
        try:
            show_part(*arguments)
        except Exception:
            _show(_logged())

    return shown


def callback(action: Callable) -> Callable:
    """Wrap a callback such as `on_click`: `show_failure` shows its unexpected errors.

    A callback runs before the page, so it has no place to show anything itself.
    """

    @functools.wraps(action)
    def called(*arguments, **named) -> None:
        try:
            action(*arguments, **named)
        except Exception:
            st.session_state.failure = _logged()

    return called


def show_failure() -> None:
    """Show once that a callback has failed."""
    reference = st.session_state.pop("failure", None)
    if reference is not None:
        _show(reference)


def _logged() -> str:
    """Log the present exception and return its reference."""
    reference = secrets.token_hex(4)
    log.exception("the page failed, reference %s", reference)
    return reference


def _show(reference: str) -> None:
    st.error(words()["unexpected"].format(reference=reference), icon=":material/error:")
