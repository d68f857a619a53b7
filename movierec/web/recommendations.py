"""The section with the recommendations: controls, cards, the comparison of models, download."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from movierec.data.encoder import FeatureEncoder
from movierec.data.schema import MOVIE, TIME_FEATURES, YEARS
from movierec.models.registry import TITLES
from movierec.serving import new_user
from movierec.serving.lookups import ORDERS, Filters, Lookups
from movierec.serving.new_user import NewUser
from movierec.serving.recommender import Candidates, Recommender
from movierec.web import quality, state
from movierec.web.texts import escaped, genre_or_decade
from movierec.web.url_state import MAX_ITEMS, View

FEW_RATERS = 20  # the probability of a movie with fewer is marked as uncertain
Viewer = int | NewUser  # a user id of the data set, or a new user


@st.cache_resource(scope="session", max_entries=len(TITLES), show_spinner=False)
def candidates(
    _recommender: Recommender, model: str, viewer: Viewer, year: int | None, month: int | None
) -> Candidates:
    """All movies for a viewer at a target time, ready to be ranked.

    The session caches the latest results, as many as there are models. The recommender itself is
    not hashed, so its name, `model`, is part of the cache key.
    """
    if isinstance(viewer, NewUser):
        return new_user.candidates(_recommender, viewer, year, month)
    return _recommender.candidates(viewer, year, month)


def ranked(recommender: Recommender, scored: Candidates, view: View) -> pd.DataFrame:
    """`Recommender.rank` with the filters of the page.

    The column `rank` (from 1) is added in front, `raters` and `mean`, the number and mean of all
    users' ratings, at the end.
    """
    filters = Filters(view.genre, view.decade, view.fresh)
    movies = recommender.rank(scored, view.n, filters, view.order)
    positions = recommender.data.movie_positions(movies[MOVIE])
    lookups = recommender.lookups
    movies = movies.assign(raters=lookups.raters[positions], mean=lookups.means[positions])
    movies.insert(0, "rank", range(1, len(movies) + 1))
    return movies


def show_controls(
    lookups: Lookups, default_time: tuple[int, int], other: str, words: Mapping
) -> None:
    """Order, target time, filters, number of movies, and a switch for the model titled `other`."""
    order = st.segmented_control(
        words["order"], ORDERS, key="order", required=True, format_func=words["orders"].get
    )
    st.caption(words["order_notes"][order])
    times = (("year", "year", YEARS), ("month", "target_month", range(1, 13)))
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
    filters = {"genre": list(lookups.genre_table), "decade": lookups.decades}
    for column, (key, options) in zip(st.columns(2, wrap=False), filters.items(), strict=True):
        column.selectbox(
            words[key],
            options,
            index=None,
            key=key,
            format_func=lambda value: genre_or_decade(value, words),
            placeholder=words["any"],
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(words["n"], 1, MAX_ITEMS, key="n", width=130)
        st.toggle(words["fresh"], key="fresh", help=words["fresh_help"])
        st.toggle(words["compare"].format(model=other), key="compare")


def show_list(
    lookups: Lookups,
    movies: pd.DataFrame,
    model: str,
    words: Mapping,
    shared: frozenset[int] = frozenset(),
    theirs: bool = False,
) -> None:
    """One card per movie of `model`'s list, each with a button that opens the explanation.

    Args:
        movies: see `ranked`.
        shared: ids of the movies that get a badge because both lists have them.
        theirs: whether `model` is the other model, not the page's own.
    """
    if movies.empty:
        st.info(words["no_films"])
    for movie in movies.itertuples():
        with st.container(border=True, gap="small", key=f"card-{model}-{movie.rank}"):
            with st.container(horizontal=True, wrap=False):
                description = _description(lookups, movie, words, movie.movie_id in shared)
                st.markdown(description, width="stretch")
                st.button(
                    words["why"],
                    key=f"why-{model}-{movie.movie_id}",
                    help=words["why_help"].format(title=escaped(movie.title)),
                    on_click=st.session_state.update,
                    kwargs={"film": movie.movie_id, "theirs": theirs},
                )
            st.progress(movie.probability, likely(movie.probability, movie.raters, words))


def likely(probability: float, raters: int, words: Mapping) -> str:
    """The probability of a rating of 4 or 5 in words, with a note if few people rated the movie."""
    text = words["likely_most"] if probability > 0.99 else words["likely"]
    text = text.format(probability=probability)
    return f"{text} · {words['few_raters']}" if raters < FEW_RATERS else text


def _description(lookups: Lookups, movie, words: Mapping, shared: bool) -> str:
    """A card's text: rank, title with year, genres, number and mean of all users' ratings."""
    genres = ", ".join(genre_or_decade(name, words) for name in movie.genres.split("|"))
    number = ("raters_none", "raters_one", "raters_many")[min(movie.raters, 2)]
    raters = words[number].format(raters=movie.raters, mean=movie.mean)
    badge = f" :blue-badge[{words['both']}]" if shared else ""
    title = escaped(lookups.name(movie.movie_id))
    return f"**{movie.rank}\\. {title}**{badge}  \n:small[{escaped(genres)} · {raters}]"


def show_comparison(lookups: Lookups, lists: Mapping[str, pd.DataFrame], words: Mapping) -> None:
    """Two models' metrics and lists side by side; `lists` by model, the page's own first."""
    own, other = lists.values()
    shared = frozenset(own[MOVIE]) & frozenset(other[MOVIE])
    quality.show_metrics(lookups.data.name, words)
    st.caption(words["shared"].format(shared=len(shared), count=len(own)))
    for column, (model, movies) in zip(st.columns(2), lists.items(), strict=True):
        with column:
            st.markdown(f"**{TITLES[model]}**")
            show_list(lookups, movies, model, words, shared, theirs=movies is other)


def show_notes(
    encoder: FeatureEncoder, movies: pd.DataFrame, default_time: tuple[int, int], words: Mapping
) -> None:
    """Notes about the list, the download of its CSV file, and how to share the view."""
    view = state.view()
    if 0 < len(movies) < view.n:
        st.caption(words["fewer"].format(count=len(movies)))
    target = (view.year or default_time[0], view.month or default_time[1])
    for value, feature in zip(target, TIME_FEATURES, strict=True):
        if str(value) not in encoder.classes[feature]:
            st.caption(words["unknown_time"].format(time=f"{words['fields'][feature]} {value}"))
    if not movies.empty:
        st.download_button(
            words["download"],
            movies.to_csv(index=False).encode("utf-8-sig"),  # Excel needs the byte order mark
            file_name="recommendations.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    st.caption(words["link"])
