"""The recommended movies: their computation, one list, or two models' lists side by side."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from movierec.data.schema import MOVIE
from movierec.models.registry import TITLES
from movierec.serving import new_user
from movierec.serving.lookups import Filters, Lookups
from movierec.serving.new_user import NewUser, Viewer
from movierec.serving.recommender import Candidates, Recommender
from movierec.web import cards, quality
from movierec.web.url_state import Ratings, View


def candidates(recommender: Recommender, model: str, viewer: Viewer, view: View) -> Candidates:
    """All movies for a viewer at the view's target time, ready to be ranked."""
    seen = () if isinstance(viewer, NewUser) else view.seen
    return _candidates(recommender, model, viewer, view.year, view.month, seen)


@st.cache_resource(scope="session", max_entries=len(TITLES), show_spinner=False)
def _candidates(
    _recommender: Recommender,
    model: str,
    viewer: Viewer,
    year: int | None,
    month: int | None,
    seen: Ratings,
) -> Candidates:
    """`candidates`, cached: each session keeps the latest results, one for each model.

    The recommender itself is not hashed, so its name, `model`, is part of the cache key.
    """
    if isinstance(viewer, NewUser):
        return new_user.candidates(_recommender, viewer, year, month)
    return _recommender.candidates(viewer, year, month, seen)


def ranked(recommender: Recommender, encoded: Candidates, view: View) -> pd.DataFrame:
    """`Recommender.rank` with the filters of the page.

    The column `rank` (from 1) is added in front, `raters` and `mean`, the number and mean of all
    users' ratings, at the end.
    """
    filters = Filters(view.genre, view.decade, view.fresh, view.raters, view.hidden, view.like)
    n = min(view.n, len(recommender.data.movies))
    movies = recommender.rank(encoded, n, filters, view.order, view.adventure / 2)
    positions = recommender.data.movie_positions(movies[MOVIE])
    lookups = recommender.lookups
    movies = movies.assign(raters=lookups.raters[positions], mean=lookups.means[positions])
    movies.insert(0, "rank", range(1, len(movies) + 1))
    return movies


def show_list(
    lookups: Lookups,
    movies: pd.DataFrame,
    model: str,
    words: Mapping,
    shared: frozenset[int] = frozenset(),
    theirs: bool = False,
) -> None:
    """One card per movie of `model`'s list.

    Args:
        movies: see `ranked`.
        shared: ids of the movies that get a badge because both lists have them.
        theirs: whether `model` is the other model, not the page's own.
    """
    if movies.empty:
        st.info(words["no_films"])
    with st.container(gap="xsmall"):
        for movie in movies.itertuples():
            cards.show(lookups, movie, model, words, movie.movie_id in shared, theirs)


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
