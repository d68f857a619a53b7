"""The view in the session and in the address: every widget's key is a field of `link.View`."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from typing import TypeVar

import streamlit as st

from movierec import link, texts
from movierec.library import Library

T = TypeVar("T")
NAMES = [field.name for field in fields(link.View)]


def start(library: Library) -> Mapping:
    """Take the view from the address when the session begins; the texts to speak.

    What the address asks for in vain is said on the page.
    """
    state = st.session_state
    if "problems" not in state:
        view, state.problems = link.read(st.query_params, library)
        for name in NAMES:
            state[name] = getattr(view, name)
        state.lang = view.lang or texts.language(st.context.locale)
        state.who = str(state.user)
    for name in (*NAMES, "who"):
        state[name] = state[name]  # else Streamlit forgets the widgets of a section not shown
    return texts.LANGUAGES[state.lang]


def view() -> link.View:
    """The view that the widgets stand at."""
    return link.View(**{name: st.session_state[name] for name in NAMES})


def remembered(name: str, key: Hashable, make: Callable[[], T]) -> T:
    """What `make` gives, kept in the session until it is asked for with another key."""
    kept = st.session_state.get(f"kept-{name}")
    if kept is None or kept[0] != key:
        kept = st.session_state[f"kept-{name}"] = (key, make())
    return kept[1]


def publish() -> None:
    """Write the view into the address, so that the link reproduces it."""
    params = link.write(view())
    if st.query_params.to_dict() != params:
        st.query_params.from_dict(params)


def put(**values) -> None:
    """Set parts of the view: what buttons call."""
    for name, value in values.items():
        st.session_state[name] = value
