"""The dialog about one film: attention, the score without each field, the nearest rated films."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from movierec import charts
from movierec.datasets import MOVIE, RATING
from movierec.explain import Explanation, explain, nearest
from movierec.newcomer import Newcomer
from movierec.page import state
from movierec.preprocess import FEATURES
from movierec.recommender import Candidates, Recommender
from movierec.settings import TITLES
from movierec.texts import NAMES, plain


def show(
    ready: Recommender,
    model: str,
    who: int | Newcomer,
    everything: Candidates,
    movie_id: int,
    words: Mapping,
) -> None:
    """Open the dialog about one film and what `model`, a key of `TITLES`, says of it."""

    @st.dialog(
        words["why_title"].format(model=TITLES[model]),
        width="large",
        on_dismiss=lambda: state.put(film=None, theirs=False),
    )
    def dialog() -> None:
        found = explain(ready, everything, movie_id)
        labels = field_labels(ready, found, everything, movie_id, words)
        title = plain(ready.library.name(movie_id))
        st.markdown(words["why_sum"].format(title=f"**{title}**", probability=found.probability))
        _show_left_out(found, labels, words)
        _show_attention(found, labels, words)
        _show_nearest(ready, who, movie_id, words)

    dialog()


def field_labels(
    ready: Recommender, found: Explanation, everything: Candidates, movie_id: int, words: Mapping
) -> list[str]:
    """Each field with the value it holds, in words."""
    labels = []
    for feature, text in zip(FEATURES, found.held, strict=True):
        if feature in NAMES and text:
            names = {str(value): name for value, name in words[NAMES[feature]].items()}
            text = names.get(text, text)
        elif feature.startswith("genre"):
            text = words["genres"].get(text, text)
        elif feature == MOVIE:
            text = ready.library.name(movie_id)
        elif feature == "user_id" and everything.person is not None:
            text = words["new_user"]
        labels.append(f"{words['fields'][feature]}: {text or words['unknown']}")
    return labels


def _show_left_out(found: Explanation, labels: list[str], words: Mapping) -> None:
    st.subheader(words["left_out"])
    table = pd.DataFrame(
        {"name": labels, "without": found.without, "probability": found.probability}
    )
    st.altair_chart(charts.left_out(table, words), width="stretch", theme=None)
    st.caption(words["left_out_note"])


def _show_attention(found: Explanation, labels: list[str], words: Mapping) -> None:
    st.subheader(words["attention"])
    layers = found.attention.mean(axis=1)
    number = st.segmented_control(
        words["layers"],
        range(len(layers) + 1),
        default=0,
        required=True,
        format_func=lambda n: words["layer"].format(number=n) if n else words["all_layers"],
    )
    weights = layers[number - 1] if number else layers.mean(axis=0)
    st.altair_chart(charts.attention(weights, labels, words), width="stretch", theme=None)
    st.caption(
        words["attention_note"].format(even=1 / len(labels), low=weights.min(), high=weights.max())
        + " "
        + words["heads"]
    )


def _show_nearest(ready: Recommender, who: int | Newcomer, movie_id: int, words: Mapping) -> None:
    st.subheader(words["near"])
    if isinstance(who, Newcomer):
        rated = pd.DataFrame(who.rated, columns=[MOVIE, RATING])
    else:
        rated = ready.library.history(who)
    rated = rated[rated[MOVIE] != movie_id]
    if rated.empty:
        st.info(words["near_none"])
        return
    columns = words["columns"]
    near = nearest(ready, movie_id, rated)
    st.table(
        pd.DataFrame(
            {
                columns["film"]: [plain(ready.library.name(film)) for film in near[MOVIE]],
                columns["rating"]: near[RATING].astype(str),
                columns["similarity"]: near["similarity"].map("{:.2f}".format),
            }
        ),
        hide_index=True,
    )
    st.caption(words["near_note"])
