"""Below the list: what its numbers mean, where they were checked, the download, how to share it."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from movierec.data import movielens
from movierec.data.schema import Scale
from movierec.models.artifacts import model_folder
from movierec.models.registry import TITLES
from movierec.serving.new_user import NewUser, Viewer
from movierec.serving.recommender import Recommender
from movierec.web import quality, state, texts
from movierec.web.texts import percent
from movierec.web.url_state import View

UNLIKELY = 0.5  # if the best probability is below, the list says so


def show(
    recommender: Recommender,
    viewer: Viewer,
    lists: Mapping[str, pd.DataFrame],
    default_time: tuple[int, int],
    words: Mapping,
) -> None:
    """Show everything below the list.

    Args:
        recommender: the page's own.
        viewer: whose lists these are.
        lists: see `recommendations.ranked`, by model, the page's own first.
        default_time: year and month when none is chosen.
        words: the page's texts.
    """
    view, lookups = state.view(), recommender.lookups
    model, movies = next(iter(lists.items()))
    target = (view.year or default_time[0], view.month or default_time[1])
    if 0 < len(movies) < view.n:
        st.caption(words["fewer"].format(count=len(movies)))
    if not movies.empty and (best := movies["probability"].max()) < UNLIKELY:
        st.warning(words["unlikely"].format(best=percent(best)))
    for value, feature in zip(target, recommender.data.fields.time, strict=False):
        if str(value) not in recommender.encoder.classes[feature]:
            st.caption(words["unknown_time"].format(time=f"{words['fields'][feature]} {value}"))
    with st.container(horizontal=True, vertical_alignment="center"):
        if not movies.empty:
            dated = target if recommender.data.fields.time else None
            _show_download(viewer, lists, dated, view, words)
        st.caption(words["link"], width="stretch")
    data = lookups.data
    _show_meaning(data.name, lookups.years, data.scale, model, st.session_state.lang)


def _show_download(
    viewer: Viewer,
    lists: Mapping[str, pd.DataFrame],
    target: tuple[int, int] | None,
    view: View,
    words: Mapping,
) -> None:
    def content() -> bytes:
        """The CSV file, made when the button is clicked; Excel needs the byte order mark."""
        return table(viewer, lists, target, view).to_csv(index=False).encode("utf-8-sig")

    st.download_button(
        words["download"],
        content,
        file_name=file_name(viewer, lists, target, view),
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def table(
    viewer: Viewer, lists: Mapping[str, pd.DataFrame], target: tuple[int, int] | None, view: View
) -> pd.DataFrame:
    """The lists below each other, with the user, model, order and time of each row.

    `target` is the year and month, None for data without times.
    """
    about = {"user": "new viewer" if isinstance(viewer, NewUser) else viewer, "order": view.order}
    if target is not None:
        about |= {"year": target[0], "month": target[1]}
    parts = [movies.assign(model=TITLES[model], **about) for model, movies in lists.items()]
    first = ["user", "model", *(name for name in about if name != "user")]
    whole = pd.concat(parts, ignore_index=True)
    return whole[[*first, *(column for column in whole if column not in first)]]


def file_name(
    viewer: Viewer, lists: Mapping[str, pd.DataFrame], target: tuple[int, int] | None, view: View
) -> str:
    """For example "user-42-autointmlp-for-you-2000-12.csv"; see `table`."""
    who = "new-viewer" if isinstance(viewer, NewUser) else f"user-{viewer}"
    parts = [who, *lists, view.order]
    if target is not None:
        year, month = target
        parts.append(f"{year}-{month:02}")
    return f"{'-'.join(parts)}.csv"


@st.cache_data(show_spinner=False)
def _show_meaning(
    dataset: str, years: Mapping[str, int], scale: Scale, model: str, lang: str
) -> None:
    """What the numbers mean, where they were checked, what the data cover, and the citation."""
    words = texts.of(lang, scale)
    sentences = [words["meaning_number"]]
    checked = quality.calibration(model_folder(dataset).path, model)
    if checked is not None:
        sentences.append(words["meaning_checked"].format(**checked))
    if len(years) == 4:
        sentences.append(words["meaning_data"].format(**years))
    st.markdown(f"**{words['meaning']}**  \n{' '.join(sentences)}")
    quality.show_whole_catalogue(dataset, model, words)
    if dataset in movielens.NAMES:
        st.caption(words["citation"])
