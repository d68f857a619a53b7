"""The section about the models' quality: committed test metrics and a reliability diagram."""

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from movierec.evaluation import results
from movierec.models.artifacts import ArtifactError, model_folder
from movierec.models.registry import TITLES
from movierec.web import charts

MEAN = "movie mean"
TUNED = ", tuned setting"  # after the model's title in evaluation.csv
METRICS = ("ndcg_original@10", "recall@10", "auc", "logloss")

log = logging.getLogger("movierec")


@st.cache_data(show_spinner=False)
def _table(path: Path, text: tuple[str, ...], numbers: tuple[str, ...]) -> pd.DataFrame:
    """Columns of a committed table; no rows if the file is missing or damaged."""
    empty = pd.DataFrame(columns=[*text, *numbers])
    if not path.is_file():
        return empty
    try:
        table = results.table_of(path)[[*text, *numbers]]
        return table.assign(**{name: pd.to_numeric(table[name]) for name in numbers})
    except (ArtifactError, KeyError, ValueError) as error:
        log.warning("%s is not shown, run `make evaluate` to write it again: %s", path, error)
        return empty


def _evaluation(folder: Path, protocol: str, numbers: tuple[str, ...]) -> pd.DataFrame:
    """A protocol's rows of evaluation.csv, with the columns `numbers`."""
    table = _table(folder / "evaluation.csv", ("protocol", "ranker"), ("users", *numbers))
    return table[table["protocol"] == protocol]


def committed(folder: Path) -> pd.DataFrame:
    """The rows of the tuned models and the movie mean in evaluation.csv, if there are any."""
    table = _evaluation(folder, "test-rows", ("rows", *METRICS))
    names = {MEAN: MEAN} | {f"{title}{TUNED}": title for title in TITLES.values()}
    table = table[table["ranker"].isin(names)].replace({"ranker": names})
    return table[["ranker", "users", "rows", *METRICS]].reset_index(drop=True)


def calibration(folder: Path, model: str) -> dict[str, float] | None:
    """Numbers of test rows and users, and the calibration error; None if not evaluated."""
    table = _evaluation(folder, "test-rows", ("rows", "ece"))
    row = table[table["ranker"] == f"{TITLES[model]}{TUNED}"]
    if row.empty or row["ece"].isna().any():
        return None
    first = row.iloc[0]
    return {"rows": int(first["rows"]), "users": int(first["users"]), "error": first["ece"]}


def agreement(folder: Path, model: str) -> dict[str, float] | None:
    """How far attention agrees with the changes without a field, from explanations.csv.

    The number of recommendations, the rank correlation, and the same with the changes of another
    recommendation; None if that was not evaluated.
    """
    numbers = ("recommendations", "correlation", "other")
    table = _table(folder / "explanations.csv", ("model",), numbers)
    rows = table.loc[table["model"] == TITLES[model], list(numbers)]
    return next(iter(rows.to_dict("records")), None)


def show_whole_catalogue(dataset: str, model: str, words: Mapping) -> None:
    """Hit Ratio@10 of lists out of all movies, beside popularity and EASE.

    A note says so if only the other model's lists were evaluated, not those of `model`.
    """
    table = _evaluation(model_folder(dataset).path, "full-ranking", ("hit_ratio@10",))
    own = f"{TITLES['autointmlp']}{TUNED}: "
    ours = table["ranker"].str.startswith(own).astype(bool)
    table = table[table["ranker"].isin(list(words["baselines"])) | ours]
    if table.empty:
        st.caption(words["catalogue_missing"])
        return
    names = {f"{own}{order.replace('-', ' ')}": name for order, name in words["orders"].items()}
    names = {long: f"{TITLES['autointmlp']}, {name}" for long, name in names.items()}
    shown = {
        words["metrics"]["ranker"]: table["ranker"].replace(names | words["baselines"]),
        words["metrics"]["hit_ratio@10"]: table["hit_ratio@10"].map("{:.3f}".format),
    }
    st.markdown(words["catalogue"].format(users=int(table["users"].iloc[0])))
    st.table(pd.DataFrame(shown), hide_index=True)
    if model != "autointmlp":
        titles = {"model": TITLES[model], "other": TITLES["autointmlp"]}
        st.caption(words["catalogue_other"].format(**titles))


def show(dataset: str, words: Mapping) -> None:
    """The metrics, and how well the predicted probabilities are calibrated."""
    metrics, reliability = st.columns(2, gap="large")
    with metrics:
        show_metrics(dataset, words)
    with reliability:
        st.markdown(f"**{words['reliability']}**")
        names = {f"{title}{TUNED}": title for title in TITLES.values()}
        path = model_folder(dataset).path / "reliability.csv"
        table = _table(path, ("ranker",), ("predicted", "liked", "rows"))
        table = table[table["ranker"].isin(names)].replace({"ranker": names})
        if table.empty:
            st.info(words["reliability_missing"])
            return
        st.vega_lite_chart(spec=charts.reliability(table, words), width="stretch", theme=None)
        st.caption(words["reliability_note"])


def show_metrics(dataset: str, words: Mapping) -> None:
    """The committed metrics of both models and of the movie mean."""
    table = committed(model_folder(dataset).path)
    if table.empty:
        st.info(words["quality_missing"])
        return
    shown = table[["ranker", *METRICS]].replace({"ranker": {MEAN: words["movie_mean"]}})
    for metric in METRICS:
        shown[metric] = shown[metric].map("{:.4f}".format)
    st.table(shown.rename(columns=words["metrics"]), hide_index=True)
    first = table.iloc[0]
    st.caption(words["quality_note"].format(rows=int(first["rows"]), users=int(first["users"])))
