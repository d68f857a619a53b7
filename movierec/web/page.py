"""The Streamlit page: choose a viewer, see the recommended movies, and why each is recommended."""

import contextlib
import functools
import os
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from movierec.data import movielens
from movierec.data.download import first_available
from movierec.errors import MovieRecError
from movierec.models.registry import TITLES
from movierec.serving.lookups import Lookups, RequestError
from movierec.serving.new_user import NewUser, Viewer
from movierec.serving.recommender import Recommender, attach
from movierec.web import (
    changes,
    controls,
    guard,
    new_viewer,
    quality,
    recommendations,
    state,
    texts,
    under_list,
    url_state,
    user,
    watch_list,
    why,
)
from movierec.web.texts import escaped

STYLE = Path(__file__).with_name("page.css")


@guard.guarded
def show(model: str) -> None:
    """Show the page of one model, a key of `registry.TITLES`, with a link to the other's page."""
    pages = {
        name: st.Page(
            functools.partial(_show, name), title=title, url_path=name, default=name == model
        )
        for name, title in TITLES.items()
    }
    st.session_state.pages = pages
    st.navigation(list(pages.values()), position="hidden").run()


def _show(model: str) -> None:
    st.set_page_config(page_title=f"{TITLES[model]} · MovieLens", page_icon="🎬", layout="wide")
    st.html(STYLE)
    recommender = _loaded(model)
    words = state.start(model, recommender.lookups)
    _show_head(recommender.data, model, words)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_link_to_films(words)
        viewer = _choose_viewer(recommender.lookups, words)
        if not isinstance(viewer, NewUser):
            user.show(recommender.lookups, viewer, words)
    with right:
        _show_recommendations(model, viewer, words, state.outside())
    expander = st.expander(words["quality"], key="quality", on_change="rerun")
    if expander.open:
        with expander:
            quality.show(recommender.data.name, words)


def _loaded(model: str) -> Recommender:
    """The recommender; if it cannot be loaded, show the reason and stop the script."""
    words = guard.words()
    try:
        with st.spinner(words["loading"]):
            return load(model)
    except MovieRecError as error:
        st.title(words["title"].format(model=TITLES[model]))
        st.error(words["cannot_start"].format(reason=escaped(str(error))), icon=":material/build:")
        st.stop()


@st.cache_resource(show_spinner=False)
def load(model: str) -> Recommender:
    """The recommender, shared by all sessions; one request has already warmed it up."""
    recommender = attach(load_lookups(), model)
    with contextlib.suppress(RequestError):  # the first user has rated every movie
        recommender.recommend(int(recommender.data.users["user_id"].iloc[0]), 1)
    recommender.lookups.find("a title")
    return recommender


@st.cache_resource(show_spinner=False)
def load_lookups() -> Lookups:
    """Look-ups in the data set that the environment variable `DATASET` names.

    By default that is ML-1M if it is on disk, otherwise ML-100K.
    """

    def from_disk_or_ml100k(name: str) -> movielens.Dataset:
        return movielens.load(name, fetch=name == "ml-100k")

    chosen = os.environ.get("DATASET")
    names = (chosen,) if chosen else ("ml-1m", "ml-100k")
    data = first_available(names, from_disk_or_ml100k)
    return Lookups(data, texts.korean_titles())


def _show_head(data: movielens.Dataset, model: str, words: Mapping) -> None:
    """Title, kind of viewer, language, and warnings about invalid URL parameters."""
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(words["title"].format(model=TITLES[model]), width="stretch", anchor=False)
        st.segmented_control(
            words["tab"],
            url_state.TABS,
            key="tab",
            required=True,
            format_func=words["tabs"].get,
            label_visibility="collapsed",
        )
        st.segmented_control(
            "Language · 언어",
            list(texts.LANGUAGES),
            key="lang",
            required=True,
            format_func=lambda code: texts.LANGUAGES[code]["language"],
            label_visibility="collapsed",
            width="content",
        )
    st.caption(words["intro"].format(fields=len(data.fields.all)))
    if data.name == "ml-100k" and not os.environ.get("DATASET"):
        st.info(words["small_data"])
    for problem in st.session_state.problems:
        key, values = problem.expected
        expected = escaped(words["expected"][key].format(**values))
        value = escaped(problem.value)
        st.warning(words["bad_link"].format(name=problem.name, value=value, expected=expected))
    st.session_state.problems = []
    guard.show_failure()


def _show_link_to_films(words: Mapping) -> None:
    """Show a link to the list on pages up to 640 pixels wide, where the list is further down."""
    with st.container(key="to_films"):
        st.markdown(f"[{words['to_films']}](#films)")


def _choose_viewer(lookups: Lookups, words: Mapping) -> Viewer:
    """Show the choice of a user or the new viewer's form; return who it describes."""
    if st.session_state.tab == "new":
        return new_viewer.show(lookups, words)
    return user.choose(lookups, words)


@st.fragment
@guard.guarded
def _show_recommendations(model: str, viewer: Viewer, words: Mapping, outside: tuple) -> None:
    """Controls, one or two lists, and the open explanation; a control reruns only this part.

    `viewer` and `words` belong to `outside`, the values of `state.outside`.
    """
    if state.outside() != outside:  # also after a new viewer rated a film on its card
        st.rerun()
    guard.show_failure()
    recommender, lookups = load(model), load_lookups()
    default_time = lookups.default_time(None if isinstance(viewer, NewUser) else viewer)
    (other,) = set(TITLES) - {model}
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(words["recommended"], anchor="films", width="stretch")
        watch_list.show(lookups, words)
    controls.show(recommender, default_time, other, words)
    state.publish()
    view = state.view()
    models = {model: recommender}
    if view.compare:
        models[other] = _loaded(other)
    try:
        lists = {}
        for name, loaded in models.items():
            encoded = recommendations.candidates(loaded, name, viewer, view)
            lists[name] = recommendations.ranked(loaded, encoded, view)
    except RequestError as error:
        st.error(words["cannot_answer"].format(reason=escaped(str(error))), icon=":material/block:")
        return
    if isinstance(viewer, NewUser):
        changes.show(recommender, viewer, lists[model], view, words)
    if view.compare:
        recommendations.show_comparison(lookups, lists, words)
    else:
        recommendations.show_list(lookups, lists[model], model, words)
    under_list.show(recommender, viewer, lists, default_time, words)
    if view.film is not None:
        explained = other if view.theirs else model
        loaded = _loaded(explained)
        encoded = recommendations.candidates(loaded, explained, viewer, view)
        why.show(loaded, explained, viewer, encoded, view.film, words)
