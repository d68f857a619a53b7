"""The section about somebody new: a form, films to rate, and how the model came to know them."""

from collections.abc import Mapping

import streamlit as st

from movierec import people
from movierec.datasets import MOVIE
from movierec.library import Library
from movierec.link import MOST, ZIP_LENGTH
from movierec.newcomer import Newcomer
from movierec.page import state
from movierec.texts import NAMES, plain


def ask(library: Library, words: Mapping) -> Newcomer:
    """Show the form; who has filled it in."""
    st.header(words["you"], anchor=False)
    gender, age = st.columns(2)
    occupation, zipcode = st.columns(2)
    for place, field in ((gender, "gender"), (age, "age"), (occupation, "occupation")):
        names = words[NAMES[field]]
        place.selectbox(
            words[field],
            list(names),
            key=field,
            index=None,
            format_func=names.get,
            placeholder=words["rather_not"],
        )
    zipcode.text_input(
        words["zip"], key="zip", max_chars=ZIP_LENGTH, placeholder=words["rather_not"]
    )
    st.caption(words["you_note"])
    st.header(words["rate"], anchor=False)
    _show_rating(library, words)
    chosen = state.view()
    newcomer = Newcomer(
        chosen.gender, chosen.age, chosen.occupation, chosen.zip.strip(), chosen.rated
    )
    st.info(
        words[f"way_{newcomer.way}"].format(count=len(newcomer.rated)), icon=":material/explore:"
    )
    return newcomer


def _show_rating(library: Library, words: Mapping) -> None:
    text = st.text_input(
        words["rate_find"],
        key="find",
        max_chars=people.LONGEST,
        placeholder=words["rate_example"],
    )
    found = library.find(text)
    if text.strip() and found.empty:
        st.info(words["rate_none"].format(text=plain(text)))
    rated = dict(st.session_state.rated)
    for movie_id in found.loc[~found[MOVIE].isin(rated), MOVIE]:
        _show_stars(library, int(movie_id), None)
    if not rated:
        st.caption(words["rate_empty"])
        return
    title, button = st.columns([3, 2], vertical_alignment="center")
    title.markdown(f"**{words['rate_yours']}**")
    button.button(words["forget"], on_click=state.put, kwargs={"rated": ()}, width="stretch")
    for movie_id, stars in rated.items():
        _show_stars(library, movie_id, stars)


def _show_stars(library: Library, movie_id: int, stars: int | None) -> None:
    """A film and its stars; a click rates it, a second one on the same star takes that back."""
    key = f"stars{movie_id}"
    st.session_state[key] = None if stars is None else stars - 1
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(plain(library.name(movie_id)), width="stretch")
        st.feedback("stars", key=key, on_change=_rate, args=(movie_id, key), width="content")


def _rate(movie_id: int, key: str) -> None:
    rated = dict(st.session_state.rated)
    rated.pop(movie_id, None)
    stars = st.session_state[key]
    if stars is not None and len(rated) < MOST:
        rated[movie_id] = stars + 1
    st.session_state.rated = tuple(rated.items())
