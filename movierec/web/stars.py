"""Five stars that rate a movie."""

from collections.abc import Mapping

import streamlit as st

from movierec.data.schema import RATINGS
from movierec.serving.lookups import Lookups
from movierec.web import state


def show(
    name: str, movie_id: int, place: str, lookups: Lookups, words: Mapping, after=lambda: None
) -> None:
    """Stars that set a movie's rating in the list `name` of the view; the same star removes it.

    Args:
        name: "rated" or "seen", a field of `url_state.View`.
        movie_id: the movie.
        place: where on the page the stars are; a movie can have stars in several places.
        lookups: look-ups in the data set.
        words: the page's texts.
        after: called after the rating has changed.
    """
    key = f"stars-{place}-{movie_id}"
    st.session_state[key] = dict(st.session_state[name]).get(movie_id)

    def rate() -> None:
        state.rate(name, movie_id, key)
        after()

    st.segmented_control(
        words["your_rating"].format(title=lookups.name(movie_id)),  # not shown, so not escaped
        range(1, RATINGS + 1),
        key=key,
        format_func=lambda stars: f"★ :small[{words['stars'].format(stars=stars)}]",
        label_visibility="collapsed",
        on_change=rate,
        width="content",
    )
