"""The section for a new viewer: a profile form, movies to rate, and what the list is based on."""

import itertools
import re
from collections.abc import Mapping

import streamlit as st

from movierec.data.schema import MOVIE
from movierec.serving import descriptions
from movierec.serving.lookups import Lookups
from movierec.serving.new_user import NewUser
from movierec.serving.starters import starters
from movierec.web import cards, guard, state, url_state
from movierec.web.texts import NAMES, escaped
from movierec.web.url_state import ZIP_LENGTH

MOST_FOUND = 8  # movies that a search shows


def show(lookups: Lookups, words: Mapping) -> NewUser:
    """Show the form and the ratings, and return the new user that they describe."""
    if len(lookups.data.fields.user) > 1:
        with st.expander(words["you"], key="profile"):
            _show_profile(lookups, words)
    _show_ratings(lookups, words)
    view = state.view()
    profile = dict(view.about)
    if url_state.has_demographics(lookups.data):
        given = (view.gender, view.age, view.occupation, view.zip.strip())
        profile = dict(zip(url_state.DEMOGRAPHICS, given, strict=True))
    user = NewUser(profile, view.rated)
    based_on = words[f"based_on_{user.based_on}"].format(count=len(user.rated))
    st.info(based_on, icon=":material/explore:")
    return user


def _show_profile(lookups: Lookups, words: Mapping) -> None:
    """Show the fields of the profile."""
    if url_state.has_demographics(lookups.data):
        _show_demographics(lookups, words)
    else:
        _show_further_fields(lookups, words)
    st.caption(words["you_note"])


def _show_further_fields(lookups: Lookups, words: Mapping) -> None:
    """Show a choice for each field of a data set that has others than ML-1M."""
    columns = itertools.cycle(st.columns(2))
    for name, column in zip(url_state.further_fields(lookups.data), columns, strict=False):
        key, values = f"about-{name}", lookups.data.users[name]
        st.session_state[key] = dict(st.session_state.about).get(name)
        column.selectbox(
            name,
            sorted(values[values != ""].unique()),
            key=key,
            index=None,
            placeholder=words["rather_not"],
            on_change=guard.callback(state.describe),
            args=(name, key),
        )


def _show_demographics(lookups: Lookups, words: Mapping) -> None:
    """Show ML-1M's fields, and a note if the model cannot use the zip code."""
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
    text = zipcode.text_input(
        words["zip"], key="zip", max_chars=ZIP_LENGTH, placeholder=words["rather_not"]
    ).strip()
    if text and text not in set(lookups.data.users["zipcode"]):
        known = "zip_unknown" if re.fullmatch("[0-9]{5}(-[0-9]{4})?", text) else "zip_invalid"
        st.warning(words[known].format(zip=escaped(text)))


@st.cache_resource(show_spinner=False, hash_funcs={Lookups: id})
def _starters(lookups: Lookups) -> list[int]:
    """`starters`, computed once."""
    return starters(lookups)


def _show_ratings(lookups: Lookups, words: Mapping) -> None:
    """Well-known movies to rate, the visitor's other rated movies, and a search for more.

    Rows keep their places while one rates: a movie that was found is appended below all others, and
    remains when its stars are removed.
    """
    session, first = st.session_state, _starters(lookups)
    rows = session.setdefault("rate_rows", [])
    rows += [movie for movie in dict(session.rated) if movie not in {*first, *rows}]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(words["rate"], anchor=False, width="stretch")
        st.button(
            words["forget"],
            on_click=guard.callback(session.update),
            kwargs={"rated": (), "rate_rows": []},
            disabled=not session.rated,
        )
    st.caption(words["rate_note"])
    for movie_id in [*first, *rows]:
        _show_row(lookups, movie_id, words)
    text = st.text_input(
        words["rate_find"],
        key="find",
        max_chars=descriptions.MAX_LENGTH,
        placeholder=words["rate_example"],
    )
    found = lookups.find(text)
    if found.misspelt or (text.strip() and not len(found.positions)):
        some = "rate_similar" if len(found.positions) else "rate_none"
        sentences = [words[some].format(text=escaped(text))]
        if "last_release" in lookups.years:
            sentences.append(words["rate_end"].format(**lookups.years))
        st.info(" ".join(sentences))
    movies = lookups.data.movies[MOVIE].iloc[found.positions[:MOST_FOUND]].tolist()
    for movie_id in movies:
        _show_row(lookups, movie_id, words, place="found")


def _show_row(lookups: Lookups, movie_id: int, words: Mapping, place: str = "rate") -> None:
    """A movie and its stars; the search box is cleared when they are used."""
    with st.container(
        horizontal=True, wrap=False, vertical_alignment="center", key=f"{place}-{movie_id}"
    ):
        st.markdown(escaped(lookups.name(movie_id)), width="stretch")
        clear = st.session_state.update
        cards.show_stars("rated", movie_id, place, lookups, words, after=lambda: clear(find=""))
