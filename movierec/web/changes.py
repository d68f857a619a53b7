"""How many movies of a new viewer's list changed with the latest rating, and why."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from movierec.data.schema import MOVIE, RATING
from movierec.serving.explanation import reasons
from movierec.serving.new_user import NewUser
from movierec.serving.recommender import Recommender
from movierec.web.texts import escaped
from movierec.web.url_state import View


def show(
    recommender: Recommender, viewer: NewUser, movies: pd.DataFrame, view: View, words: Mapping
) -> None:
    """Compare the list with the one before the ratings changed.

    Nothing is shown after any other change. The session keeps the present list with its view, and
    the list to compare it with.
    """
    state, ids = st.session_state, movies[MOVIE].tolist()
    settled = replace(view, film=None, theirs=False, watch=())  # what does not change the list
    last_view, last_ids = state.get("last_list", (None, []))
    if settled != last_view:
        only_ratings = (
            last_view is not None and replace(settled, rated=last_view.rated) == last_view
        )
        state.compared_list = last_ids if only_ratings else None
        state.last_list = settled, ids
    if state.compared_list is None:
        return
    new = [movie_id for movie_id in ids if movie_id not in state.compared_list]
    lines = [words["changed"].format(new=len(new), count=len(ids))]
    groups = _by_reason(recommender, new, viewer) if viewer.rated else {}
    for liked, titles in groups.items():
        text = words["changed_for" if liked else "changed_taste"]
        lines.append(text.format(liked=escaped(liked), titles=escaped(" · ".join(titles))))
    st.info("  \n".join(lines), icon=":material/sync_alt:")


def _by_reason(
    recommender: Recommender, movies: list[int], viewer: NewUser
) -> dict[str, list[str]]:
    """The movies' titles by the liked movie that raises each of them most ("" if none does)."""
    name, rated = recommender.lookups.name, pd.DataFrame(viewer.rated, columns=[MOVIE, RATING])
    groups = {}
    for movie_id in movies:
        found = reasons(recommender, movie_id, rated)[MOVIE]
        groups.setdefault("" if found.empty else name(found[0]), []).append(name(movie_id))
    return groups
