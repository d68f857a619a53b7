"""The watch list: movies that the visitor has put aside, kept in the URL."""

from collections.abc import Mapping

import streamlit as st

from movierec.serving.lookups import Lookups
from movierec.web import cards, guard, state
from movierec.web.texts import escaped


def show(lookups: Lookups, words: Mapping) -> None:
    """A button with the number of movies, which opens the list."""
    movies = st.session_state.watch
    label = words["watch_list"].format(count=len(movies))
    with st.popover(label, icon=":material/bookmark:", key="watch_list"):
        if not movies:
            st.caption(words["watch_empty"])
        for movie_id in movies:
            title = lookups.name(movie_id)
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"{escaped(title)}  \n:small[{cards.links(title)}]", width="stretch")
                st.button(
                    f":small[{words['watch_drop'].format(title=escaped(title))}]",
                    key=f"drop-{movie_id}",
                    icon=":material/close:",
                    on_click=guard.callback(state.toggle),
                    args=("watch", movie_id),
                )
