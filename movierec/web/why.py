"""The dialog about one movie: a sentence, similar rated movies, the fields, attention."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from movierec.data.schema import MOVIE, RATING, USER
from movierec.models.artifacts import model_folder
from movierec.models.registry import TITLES
from movierec.serving.explanation import Explanation, explain, nearest, reasons
from movierec.serving.lookups import Lookups
from movierec.serving.new_user import NewUser, Viewer
from movierec.serving.recommender import Candidates, Recommender
from movierec.web import charts, guard, quality, state
from movierec.web.texts import NAMES, escaped, exact, percent

LAST = 3  # last rated movies that the explanation of a carry-on list names


def show(
    recommender: Recommender,
    model: str,
    viewer: Viewer,
    encoded: Candidates,
    movie_id: int,
    words: Mapping,
) -> None:
    """Open the dialog that explains a movie's score.

    `encoded` has all movies, encoded for the viewer by `recommender`, whose model is `model`.
    """

    @st.dialog(
        words["why_title"].format(model=TITLES[model]),
        width="large",
        on_dismiss=guard.callback(lambda: st.session_state.update(film=None, theirs=False)),
    )
    @guard.guarded
    def dialog() -> None:
        if st.session_state.film != movie_id:  # dismissed, see `state.outside`
            st.rerun()
        explanation = explain(recommender, encoded, movie_id)
        title = recommender.lookups.name(movie_id)
        features = recommender.encoder.features
        labels = field_labels(features, explanation.field_values, title, viewer, words)
        rated = _rated(recommender, viewer, movie_id)
        _show_sentence(recommender, viewer, explanation, movie_id, rated, words)
        _show_nearest(recommender, movie_id, rated, words)
        _show_fields(explanation, labels, words)
        if not len(explanation.attention):  # a model without interacting layers
            return
        with st.expander(words["attention"], key="attention", on_change="rerun") as attention:
            if attention.open:
                _show_attention(recommender.data.name, model, explanation, labels, words)

    dialog()


def _show_sentence(
    recommender: Recommender,
    viewer: Viewer,
    explanation: Explanation,
    movie_id: int,
    rated: pd.DataFrame,
    words: Mapping,
) -> None:
    """Show which rated movies put this one on the list, and its probability."""
    sentences, order = [], state.view().order
    if order != "surest":
        last = order == "carry-on" and not rated.empty
        movies = rated[:LAST] if last else reasons(recommender, movie_id, rated)
        if movies.empty:
            sentences.append(words["why_turn_none"])
        else:
            who = "new" if isinstance(viewer, NewUser) else "user"
            given = _given(recommender.lookups, movies, words)
            sentences.append(words["why_next" if last else "why_turn"][who].format(given=given))
    title = escaped(recommender.lookups.name(movie_id))
    probability = percent(explanation.probability)
    sentences.append(words["why_sum"].format(title=title, probability=probability))
    st.markdown(" ".join(sentences))


def _given(lookups: Lookups, movies: pd.DataFrame, words: Mapping) -> str:
    """The ratings of movies in words, such as "5 to Alien and 4 to Psycho"."""
    *parts, last = (
        words["gave"].format(stars=exact(rating), title=escaped(lookups.name(movie_id)))
        for movie_id, rating in zip(movies[MOVIE], movies[RATING], strict=True)
    )
    return words["and"].join([", ".join(parts), last]) if parts else last


def field_labels(
    features: Sequence[str],
    values: Sequence[str],
    title: str,
    viewer: Viewer,
    words: Mapping,
) -> list[str]:
    """The name and value of each field, in words; `title` is the movie's."""
    labels = []
    for feature, text in zip(features, values, strict=True):
        if feature in NAMES and text:
            names = {str(value): name for value, name in words[NAMES[feature]].items()}
            text = names.get(text, text)
        elif feature.startswith("genre"):
            text = words["genres"].get(text, text)
        elif feature == MOVIE:
            text = title
        elif feature == USER and isinstance(viewer, NewUser) and viewer.rated:
            text = words["new_user"]
        name = words["fields"].get(feature, feature)
        labels.append(f"{name}: {text or words['unknown']}")
    return labels


def _show_fields(explanation: Explanation, labels: list[str], words: Mapping) -> None:
    st.subheader(words["change_title"])
    without = [percent(probability) for probability in explanation.without]
    table = pd.DataFrame({"name": labels, "change": explanation.changes, "without": without})
    st.vega_lite_chart(spec=charts.log_odds(table, words), width="stretch", theme=None)
    st.caption(words["change_note"].format(probability=percent(explanation.probability)))


def _show_attention(
    dataset: str, model: str, explanation: Explanation, labels: list[str], words: Mapping
) -> None:
    """The heat map, and what it can and cannot say."""
    st.markdown(words["attention_can"])
    agreement = quality.agreement(model_folder(dataset).path, model)
    if agreement is not None:
        st.markdown(words["attention_cannot"].format(**agreement))
    layers = explanation.attention.mean(axis=1)
    number = st.segmented_control(
        words["layers"],
        range(len(layers) + 1),
        default=0,
        required=True,
        format_func=lambda n: words["layer"].format(number=n) if n else words["all_layers"],
    )
    weights = layers[number - 1] if number else layers.mean(axis=0)
    st.vega_lite_chart(spec=charts.attention(weights, labels, words), width="stretch", theme=None)
    values = {"uniform": 1 / len(labels), "low": weights.min(), "high": weights.max()}
    st.caption(words["attention_note"].format(**values))


def _rated(recommender: Recommender, viewer: Viewer, movie_id: int) -> pd.DataFrame:
    """The viewer's movie_id and rating of all movies but `movie_id`, newest first."""
    if isinstance(viewer, NewUser):
        rated = pd.DataFrame(viewer.rated[::-1], columns=[MOVIE, RATING])
    else:
        history = recommender.lookups.history(viewer)[[MOVIE, RATING]]
        seen = pd.DataFrame(state.view().seen[::-1], columns=[MOVIE, RATING])
        rated = pd.concat([seen.astype(history.dtypes), history]).drop_duplicates(MOVIE)
    return rated[rated[MOVIE] != movie_id]


def _show_nearest(
    recommender: Recommender, movie_id: int, rated: pd.DataFrame, words: Mapping
) -> None:
    st.subheader(words["near"])
    if rated.empty:
        st.info(words["near_none"])
        return
    columns = words["columns"]
    near = nearest(recommender, movie_id, rated)
    shown = {
        columns["film"]: [escaped(recommender.lookups.name(id_)) for id_ in near[MOVIE]],
        columns["rating"]: near[RATING].map(exact),
        columns["similarity"]: near["similarity"].map("{:.2f}".format),
    }
    st.table(pd.DataFrame(shown), hide_index=True)
    st.caption(words["near_note"])
