"""The view in the session and in the URL: each widget's key is a field of `url_state.View`.

Streamlit's `bind="query-params"` is not used: it writes translated labels ("genre=드라마",
"decade=1990s") and "fresh=true", does not read the present links ("decade=1990", "fresh=1"),
replaces invalid values without a warning, and removes the parameters of widgets that are not shown.
"""

from collections.abc import Mapping
from dataclasses import fields

import streamlit as st

from movierec.serving.lookups import Lookups
from movierec.web import texts, url_state

NAMES = [field.name for field in fields(url_state.View)]


def start(lookups: Lookups) -> Mapping:
    """The texts in the session's language; a new session takes its view from the URL.

    `st.session_state.problems` gets the invalid URL parameters, for the page to show.
    """
    state = st.session_state
    if "problems" not in state:
        view, state.problems = url_state.read(st.query_params, lookups)
        state.update(vars(view))
        state.lang = view.lang or texts.language(st.context.locale)
        state.who = str(state.user)
    for name in (*NAMES, "who"):
        state[name] = state[name]  # otherwise Streamlit drops the values of widgets not shown
    return texts.LANGUAGES[state.lang]


def view() -> url_state.View:
    """The session's present view."""
    return url_state.View(**{name: st.session_state[name] for name in NAMES})


def publish() -> None:
    """Write the view to the URL, so that the link reproduces it."""
    params = url_state.write(view())
    if st.query_params.to_dict() != params:
        st.query_params.from_dict(params)
