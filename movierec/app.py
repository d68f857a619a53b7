"""The Streamlit page: somebody, what they like, what the model recommends to them, and why."""

import gc
from collections.abc import Mapping

import streamlit as st

from movierec import artefacts, datasets, link, recommender, texts
from movierec.library import Library, RequestError
from movierec.newcomer import Newcomer
from movierec.page import films, newcomer, person, quality, state, why
from movierec.rawfiles import DataError
from movierec.recommender import Recommender
from movierec.settings import TITLES
from movierec.sources import NotFoundError
from movierec.texts import plain


def page(model: str) -> None:
    """Show the whole page for one model, a key of `movierec.settings.TITLES`."""
    st.set_page_config(page_title=f"{TITLES[model]} · MovieLens", page_icon="🎬", layout="wide")
    (other,) = set(TITLES) - {model}
    ready = _ready(model)
    words = state.start(ready.library)
    _show_head(ready, TITLES[model], words)
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_way_down(words)
        who = _ask_who(ready.library, words)
    with right:
        _show_films(ready, who, model, other, words)
    shelf = st.expander(words["quality"], key="quality", on_change="rerun")
    if shelf.open:
        with shelf:
            quality.show(ready.data.name, words)


def _ready(model: str) -> Recommender:
    """The recommender; where it cannot be had, the page says why and stops."""
    words = texts.LANGUAGES[st.session_state.get("lang") or texts.language(st.context.locale)]
    try:
        with st.spinner(words["loading"]):
            return load(model)
    except (DataError, artefacts.ArtefactError) as error:
        st.title(words["title"].format(model=TITLES[model]))
        st.error(words["cannot_start"].format(reason=plain(str(error))), icon=":material/build:")
        st.stop()


@st.cache_resource(show_spinner=False)
def load(model: str) -> Recommender:
    """The recommender, shared by all sessions, after it has answered once."""
    ready = recommender.attach(load_library(), model)
    ready.recommend(int(ready.data.users["user_id"].iloc[0]))
    gc.collect()
    gc.freeze()  # Streamlit collects garbage after every run: not among what stays, that is 0.3 s
    return ready


@st.cache_resource(show_spinner=False)
def load_library() -> Library:
    """ML-1M where that is at hand, else ML-100K."""
    try:
        return Library(datasets.load("ml-1m", download=False))
    except NotFoundError:
        return Library(datasets.load("ml-100k"))


def _show_head(ready: Recommender, title: str, words: Mapping) -> None:
    """Title, languages, what the link asked for in vain, and whose films to show."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(words["title"].format(model=title), width="stretch", anchor=False)
        st.segmented_control(
            "Language · 언어",
            list(texts.LANGUAGES),
            key="lang",
            required=True,
            format_func=lambda code: texts.LANGUAGES[code]["language"],
            label_visibility="collapsed",
            width="content",
        )
    st.caption(words["intro"])
    if ready.data.name != "ml-1m":
        st.info(words["small_data"])
    for problem in st.session_state.problems:
        st.warning(
            words["bad_link"].format(
                name=problem.name, value=plain(problem.value), expected=plain(problem.expected)
            )
        )
    st.session_state.problems = []
    st.segmented_control(
        words["tab"], link.TABS, key="tab", required=True, format_func=words["tabs"].get
    )


def _show_way_down(words: Mapping) -> None:
    """A link to the films, for a narrow page: there they stand below everything about the person.

    640 pixels is where Streamlit puts columns below each other.
    """
    st.html("<style>@media (min-width: 641px) { .st-key-down { display: none } }</style>")
    with st.container(key="down"):
        st.markdown(f"[{words['down']}](#films)")


def _ask_who(library: Library, words: Mapping) -> int | Newcomer:
    """A user of the data set or a new viewer, as the section on the left says."""
    if st.session_state.tab == "new":
        return newcomer.ask(library, words)
    user_id = person.choose(library, words)
    person.show(library, user_id, words)
    return user_id


@st.fragment
def _show_films(
    ready: Recommender, who: int | Newcomer, model: str, other: str, words: Mapping
) -> None:
    """Controls, one list or two, and the explanation that is open.

    A change of a control runs this alone, not the whole page.
    """
    st.header(words["recommended"], anchor="films")
    default = ready.library.default_time(None if isinstance(who, Newcomer) else who)
    films.ask(ready, default, TITLES[other], words)
    state.publish()
    view = state.view()
    try:
        with st.spinner(words["asking"]):
            everything = films.kept_candidates(ready, model, who, view)
            ours = films.listed(ready, everything, view)
        if view.compare:
            films.show_both(ours, (ready, model), (_ready(other), other), who, words)
        else:
            films.show(ready.library, ours, model, words)
    except RequestError as error:
        st.error(words["cannot_answer"].format(reason=plain(str(error))), icon=":material/block:")
        return
    films.show_notes(ready, ours, default, words)
    if view.film is not None:
        name, asked = (other, _ready(other)) if view.theirs else (model, ready)
        everything = films.kept_candidates(asked, name, who, view)
        why.show(asked, name, who, everything, view.film, words)
