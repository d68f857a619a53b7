"""The view in the session and in the URL: each widget's key is a field of `url_state.View`.

Streamlit makes each change of the URL one step of the browser's history. On Back and Forward it
runs the page with another URL than the page wrote last, and the view is read from it again.

Streamlit's `bind="query-params"` is not used: it writes translated labels ("genre=드라마",
"decade=1990s") and "fresh=true", does not read the present links ("decade=1990", "fresh=1"),
replaces invalid values without a warning, and removes the parameters of widgets that are not shown.
"""

from collections.abc import Mapping
from dataclasses import fields, replace

import streamlit as st

from movierec.serving import descriptions
from movierec.serving.lookups import Lookups
from movierec.web import texts, url_state

NAMES = [field.name for field in fields(url_state.View)]
OUTSIDE = ("lang", "tab", "who", "user", "gender", "age", "occupation", "zip", "about", "rated")


def start(model: str, lookups: Lookups) -> Mapping:
    """Read the view from the URL where needed, and return the texts in the session's language.

    It is needed in a new session, on the other model's page, when Streamlit has dropped the values
    of widgets (after the connection was lost), and after Back or Forward. Back and Forward are
    recognised by a URL that is not the one written last although no widget was used.
    `st.session_state.problems` gets the invalid URL parameters, for the page to show.
    """
    state, address = st.session_state, st.query_params.to_dict()
    complete = state.get("model") == model and all(name in state for name in NAMES)
    if not complete or (address != state.address and view() == state.written):
        _read(address, lookups)
        state.model = model
    for name in NAMES:
        state[name] = state[name]  # otherwise Streamlit drops the values of widgets not shown
    return texts.of(state.lang, lookups.data.scale)


def _read(address: dict[str, str], lookups: Lookups) -> None:
    """Take the view from the URL."""
    state = st.session_state
    view_, state.problems = url_state.read(address, lookups)
    state.update(vars(view_))
    state.lang = view_.lang or texts.language(st.context.locale)
    state.who = view_.who or str(view_.user)
    state.address, state.written = address, view()


def view() -> url_state.View:
    """The session's present view."""
    state = st.session_state
    shown = url_state.View(**{name: state[name] for name in NAMES})
    is_description = descriptions.number(shown.who) is None
    return replace(
        shown, n=shown.n or url_state.View.n, who=shown.who.strip() if is_description else ""
    )


def outside() -> tuple:
    """The values of the view that are set outside the list's fragment.

    Changes that follow each other closely, as on a busy computer, reach Streamlit as one message,
    and it reruns the fragment of the first change only. So each fragment compares what it shows
    with the session, and reruns the page where they differ.
    """
    return tuple(st.session_state[name] for name in OUTSIDE)


def publish() -> None:
    """Write the view to the URL, if it has changed, so that the link reproduces it."""
    state, shown = st.session_state, view()
    if shown != state.written:
        st.query_params.from_dict(url_state.write(shown))
        state.address, state.written = st.query_params.to_dict(), shown


def toggle(name: str, movie_id: int) -> None:
    """Add a movie to the list `name` of the view, or remove it."""
    movies = st.session_state[name]
    if movie_id in movies:
        st.session_state[name] = tuple(movie for movie in movies if movie != movie_id)
    elif len(movies) < url_state.MAX_ITEMS:
        st.session_state[name] = (*movies, movie_id)


def describe(name: str, key: str) -> None:
    """Set a further field of the new viewer's profile from the widget `key`."""
    about = dict(st.session_state.about) | {name: st.session_state[key]}
    about = {name: value for name, value in about.items() if value is not None}
    st.session_state.about = tuple(about.items())


def rate(name: str, movie_id: int, key: str) -> None:
    """Set a movie's rating in the list `name` of the view from the star widget `key`.

    A movie that is rated again keeps its place. No stars remove it.
    """
    ratings = dict(st.session_state[name])
    stars = st.session_state[key]
    if stars is None:
        ratings.pop(movie_id, None)
    elif movie_id in ratings or len(ratings) < url_state.MAX_ITEMS:
        ratings[movie_id] = stars
    st.session_state[name] = tuple(ratings.items())
