"""The section for a new viewer: a profile form, movies to rate, and what the list is based on."""

from collections.abc import Mapping

import streamlit as st

from movierec.data.schema import MOVIE
from movierec.serving import user_search
from movierec.serving.lookups import Lookups
from movierec.serving.new_user import NewUser
from movierec.web import state
from movierec.web.texts import NAMES, escaped
from movierec.web.url_state import MAX_ITEMS, ZIP_LENGTH


def show(lookups: Lookups, words: Mapping) -> NewUser:
    """Show the form and the ratings; the new user they describe."""
    st.header(words["you"], anchor=False)
    *columns, zipcode = (*st.columns(2), *st.columns(2))
    for column, field in zip(columns, ("gender", "age", "occupation"), strict=True):
        names = words[NAMES[field]]
        column.selectbox(
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
    _show_ratings(lookups, words)
    view = state.view()
    user = NewUser(view.gender, view.age, view.occupation, view.zip.strip(), view.rated)
    based_on = words[f"based_on_{user.based_on}"].format(count=len(user.rated))
    st.info(based_on, icon=":material/explore:")
    return user


def _show_ratings(lookups: Lookups, words: Mapping) -> None:
    """A search for movies to rate, and the movies rated so far."""
    text = st.text_input(
        words["rate_find"],
        key="find",
        max_chars=user_search.MAX_LENGTH,
        placeholder=words["rate_example"],
    )
    matches = lookups.find(text)
    if text.strip() and matches.empty:
        st.info(words["rate_none"].format(text=escaped(text)))
    rated = dict(st.session_state.rated)
    for movie_id in matches.loc[~matches[MOVIE].isin(rated), MOVIE]:
        _show_stars(lookups, int(movie_id), None)
    if not rated:
        st.caption(words["rate_empty"])
        return
    title, button = st.columns([3, 2], vertical_alignment="center")
    title.markdown(f"**{words['rate_yours']}**")
    forget = st.session_state.update
    button.button(words["forget"], on_click=forget, kwargs={"rated": ()}, width="stretch")
    for movie_id, stars in rated.items():
        _show_stars(lookups, movie_id, stars)


def _show_stars(lookups: Lookups, movie_id: int, stars: int | None) -> None:
    """A movie and its stars; a click sets the rating, a click on the same star removes it."""
    key = f"stars{movie_id}"
    st.session_state[key] = None if stars is None else stars - 1
    with st.container(horizontal=True, wrap=False, vertical_alignment="center"):
        st.markdown(escaped(lookups.name(movie_id)), width="stretch")
        st.feedback("stars", key=key, on_change=_rate, args=(movie_id, key), width="content")


def _rate(movie_id: int, key: str) -> None:
    """Set the movie's rating from the star widget `key`."""
    rated = dict(st.session_state.rated)
    rated.pop(movie_id, None)
    stars = st.session_state[key]
    if stars is not None and len(rated) < MAX_ITEMS:
        rated[movie_id] = stars + 1
    st.session_state.rated = tuple(rated.items())
