"""The controls of the list: order, filters, number of movies, target time, comparison."""

from collections.abc import Mapping

import streamlit as st

from movierec.models.registry import TITLES
from movierec.serving.lookups import Lookups
from movierec.serving.recommender import Recommender
from movierec.web import guard, state, url_state
from movierec.web.texts import escaped, genre_or_decade
from movierec.web.url_state import ADVENTURES, MAX_ITEMS, MOST_RATERS, View


def show(
    recommender: Recommender, default_time: tuple[int, int], other: str, words: Mapping
) -> None:
    """Show the order, filters, and the rest under "More"; link to the page of the model `other`."""
    lookups = recommender.lookups
    with st.container(horizontal=True, vertical_alignment="center"):
        order = st.segmented_control(
            words["order"],
            recommender.orders,
            key="order",
            required=True,
            format_func=words["orders"].get,
            label_visibility="collapsed",
        )
        with st.popover(words["more"], icon=":material/tune:", key="controls"):
            if lookups.data.fields.time:
                _show_time(lookups.rating_years, default_time, words)
            st.number_input(
                words["raters"],
                0,
                MOST_RATERS,
                step=10,
                key="raters",
                help=words["raters_help"],
            )
            st.select_slider(
                words["adventure"],
                ADVENTURES,
                key="adventure",
                format_func=words["adventures"].get,
                help=words["adventure_help"],
                disabled=order == "surest",
            )
            st.toggle(words["fresh"], key="fresh", help=words["fresh_help"])
            st.toggle(words["compare"].format(model=TITLES[other]), key="compare")
        st.page_link(
            st.session_state.pages[other],
            label=words["other_page"].format(model=TITLES[other]),
            query_params=url_state.write(state.view()),
        )
    st.caption(words["order_notes"][order])
    filters = {"genre": list(lookups.data.genre_table), "decade": lookups.decades}
    filters = {key: options for key, options in filters.items() if options}
    with st.container(horizontal=True):
        for key, options in filters.items():
            st.selectbox(
                words[key],
                options,
                index=None,
                key=key,
                format_func=lambda value: genre_or_decade(value, words),
                placeholder=words["any"],
                width="stretch",
            )
        st.number_input(
            words["n"],
            1,
            MAX_ITEMS,
            value=None,
            key="n",
            placeholder=str(View.n),
            on_change=guard.callback(_keep_a_number),
            width=150,
        )
    _show_active(lookups, words)


def _keep_a_number() -> None:
    """Return to the default number of movies when the field is emptied."""
    if st.session_state.n is None:
        st.session_state.n = View.n


def _show_time(years: range, default_time: tuple[int, int], words: Mapping) -> None:
    times = (("year", "year", years), ("month", "target_month", range(1, 13)))
    columns = st.columns(2, wrap=False)
    for column, (key, label, values), default in zip(columns, times, default_time, strict=True):
        column.number_input(
            words[label],
            values[0],
            values[-1],
            value=None,
            key=key,
            placeholder=str(default),
            help=words["time_help"],
        )


def _show_active(lookups: Lookups, words: Mapping) -> None:
    """Name the restrictions that no visible control shows, each with a button that ends it."""
    session = st.session_state
    active = {}
    if session.like is not None:
        active["like"] = words["only_like"].format(title=escaped(lookups.name(session.like)))
    if session.hidden:
        active["hidden"] = words["only_hidden"].format(count=len(session.hidden))
    if session.tab == "user" and session.seen:
        active["seen"] = words["only_seen"].format(count=len(session.seen))
    if session.raters:
        active["raters"] = words["only_raters"].format(raters=session.raters)
    if session.fresh:
        active["fresh"] = words["fresh"]
    if session.adventure and session.order != "surest":
        active["adventure"] = words["adventures"][session.adventure]
    if session.year or session.month:
        active["year"] = words["only_time"]
    if not active:
        return
    with st.container(horizontal=True, gap="small", key="active"):
        for name, text in active.items():
            reset = {"year": None, "month": None} if name == "year" else {name: getattr(View, name)}
            st.button(
                text,
                key=f"end-{name}",
                icon=":material/close:",
                on_click=guard.callback(session.update),
                kwargs=reset,
            )
