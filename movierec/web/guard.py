"""What the page does about unexpected errors: a sentence with a reference that is in the log."""

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
    """`show_part`, but an unexpected error shows a sentence and a reference found in the log."""

    @functools.wraps(show_part)
    def shown(*arguments) -> None:
        try:
            show_part(*arguments)
        except Exception:
            _show(_logged())

    return shown


def callback(action: Callable) -> Callable:
    """`action`, for `on_click` and the like; `show_failure` shows an unexpected error.

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
    """Show, once, that a callback failed."""
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
