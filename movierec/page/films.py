"""The section with the recommendations: controls, cards, the other model's list, download."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from movierec import newcomer, preprocess
from movierec.datasets import MOVIE
from movierec.library import Filters, Library
from movierec.link import MOST, View
from movierec.newcomer import Newcomer
from movierec.page import quality, state
from movierec.recommender import YEARS, Candidates, Recommender
from movierec.settings import TITLES
from movierec.texts import plain

Who = int | Newcomer


def candidates(ready: Recommender, who: Who, view: View) -> Candidates:
    """All films for a user id or a newcomer at the view's target time."""
    if isinstance(who, Newcomer):
        return newcomer.candidates(ready, who, view.year, view.month)
    return ready.candidates(who, view.year, view.month)


def kept_candidates(ready: Recommender, model: str, who: Who, view: View) -> Candidates:
    """`candidates`, made anew only when somebody else or another time is asked for."""
    key = (who, view.year, view.month)
    return state.remembered(model, key, lambda: candidates(ready, who, view))


def listed(ready: Recommender, everything: Candidates, view: View) -> pd.DataFrame:
    """The list that the page shows: `Recommender.rank` with what everybody thinks of each film.

    Returns:
        rank (from 1), movie_id, title, genres, release_year, probability, raters, mean.

    Raises:
        RequestError: see `Recommender.rank`.
    """
    filters = Filters(view.genre, view.decade, view.fresh)
    films = ready.rank(everything, view.n, filters)
    rows = ready.library.film_rows(films[MOVIE])
    films = films.assign(raters=ready.library.raters[rows], mean=ready.library.means[rows])
    films.insert(0, "rank", range(1, len(films) + 1))
    return films


def ask(ready: Recommender, default: tuple[int, int], other: str, words: Mapping) -> None:
    """The controls; each change answers at once."""
    library = ready.library
    year, month = st.columns(2, wrap=False)
    year.number_input(
        words["year"],
        YEARS.start,
        YEARS.stop - 1,
        value=None,
        key="year",
        placeholder=str(default[0]),
        help=words["time_help"],
    )
    month.number_input(
        words["target_month"],
        1,
        12,
        value=None,
        key="month",
        placeholder=str(default[1]),
        help=words["time_help"],
    )
    genre, decade = st.columns(2, wrap=False)
    genre.selectbox(
        words["genre"],
        list(library.carries),
        index=None,
        key="genre",
        format_func=lambda name: words["genres"].get(name, name),
        placeholder=words["any"],
    )
    decade.selectbox(
        words["decade"],
        library.decades,
        index=None,
        key="decade",
        format_func=lambda first: words["decade_name"].format(decade=first),
        placeholder=words["any"],
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(words["n"], 1, MOST, key="n", width=130)
        st.toggle(words["fresh"], key="fresh", help=words["fresh_help"])
        st.toggle(words["compare"].format(model=other), key="compare")


def show(
    library: Library,
    films: pd.DataFrame,
    model: str,
    words: Mapping,
    shared: frozenset[int] = frozenset(),
    theirs: bool = False,
) -> None:
    """Ranked cards of the list that `model` gave, each with a button that asks why.

    Films in `shared` carry a mark; `theirs` says that `model` is not the page's own.
    """
    if films.empty:
        st.info(words["no_films"])
    for film in films.itertuples():
        with st.container(border=True, gap="small", key=f"card-{model}-{film.rank}"):
            with st.container(horizontal=True, wrap=False):
                about = _about(library, film, words, film.movie_id in shared)
                st.markdown(about, width="stretch")
                st.button(
                    words["why"],
                    key=f"why-{model}-{film.movie_id}",
                    help=words["why_help"].format(title=plain(film.title)),
                    on_click=state.put,
                    kwargs={"film": film.movie_id, "theirs": theirs},
                )
            st.progress(film.probability, words["likely"].format(probability=film.probability))


def _about(library: Library, film, words: Mapping, shared: bool) -> str:
    """A card's text: rank, title with year, genres, and what everybody thinks."""
    genres = ", ".join(words["genres"].get(name, name) for name in film.genres.split("|"))
    kind = "crowd" if film.raters > 1 else ("crowd_none", "crowd_one")[film.raters]
    crowd = words[kind].format(raters=film.raters, mean=film.mean)
    mark = f" :blue-badge[{words['both']}]" if shared else ""
    name = plain(library.name(film.movie_id))
    return f"**{film.rank}\\. {name}**{mark}  \n:small[{plain(genres)} · {crowd}]"


def show_both(
    ours: pd.DataFrame,
    mine: tuple[Recommender, str],
    theirs: tuple[Recommender, str],
    who: Who,
    words: Mapping,
) -> None:
    """Two models' lists side by side; `mine` and `theirs` are a recommender and its name."""
    (ready, model), (beside, other) = mine, theirs
    view = state.view()
    others = listed(beside, kept_candidates(beside, other, who, view), view)
    shared = frozenset(ours[MOVIE]) & frozenset(others[MOVIE])
    quality.show_metrics(ready.data.name, words)
    st.caption(words["shared"].format(shared=len(shared), count=len(ours)))
    for place, name, films in zip(st.columns(2), (model, other), (ours, others), strict=True):
        with place:
            st.markdown(f"**{TITLES[name]}**")
            show(ready.library, films, name, words, shared, theirs=name == other)


def show_notes(
    ready: Recommender, films: pd.DataFrame, default: tuple[int, int], words: Mapping
) -> None:
    """What the list does not say by itself, and its CSV file."""
    view = state.view()
    if 0 < len(films) < view.n:
        st.caption(words["fewer"].format(count=len(films)))
    asked = (view.year or default[0], view.month or default[1])
    for value, feature in zip(asked, preprocess.TIME_FEATURES, strict=True):
        if str(value) not in ready.encoder.classes[feature]:
            time = f"{words['fields'][feature]} {value}"
            st.caption(words["unknown_time"].format(time=time))
    if not films.empty:
        st.download_button(
            words["download"],
            films.to_csv(index=False).encode("utf-8-sig"),  # the mark tells Excel the encoding
            file_name="recommendations.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption(words["link"])
