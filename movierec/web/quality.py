"""The section about the models' quality: committed test metrics and a reliability diagram."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from movierec.models.artifacts import model_folder
from movierec.models.registry import TITLES
from movierec.web import charts

MEAN = "movie mean"
TUNED = ", tuned setting"  # after the model's title in evaluation.csv
METRICS = ("ndcg_original@10", "recall@10", "auc", "logloss")


@st.cache_data(show_spinner=False)
def _evaluation(folder: Path, protocol: str) -> pd.DataFrame | None:
    """The rows of a protocol in evaluation.csv; None without that file."""
    path = folder / "evaluation.csv"
    if not path.is_file():
        return None
    table = pd.read_csv(path)
    return table[table["protocol"] == protocol]


def committed(folder: Path) -> pd.DataFrame | None:
    """The rows of the tuned models and the movie mean in evaluation.csv; None without any."""
    table = _evaluation(folder, "test-rows")
    if table is None:
        return None
    names = {MEAN: MEAN} | {f"{title}{TUNED}": title for title in TITLES.values()}
    table = table[table["ranker"].isin(names)].replace({"ranker": names})
    if table.empty:
        return None
    return table[["ranker", "users", "rows", *METRICS]].reset_index(drop=True)


def calibration(folder: Path, model: str) -> dict[str, float] | None:
    """Numbers of test rows and users, and the calibration error; None if not evaluated."""
    table = _evaluation(folder, "test-rows")
    if table is None:
        return None
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
    path = folder / "explanations.csv"
    if not path.is_file():
        return None
    table = pd.read_csv(path)
    rows = table.loc[table["model"] == TITLES[model], ["recommendations", "correlation", "other"]]
    return next(iter(rows.to_dict("records")), None)


def show_whole_catalogue(dataset: str, words: Mapping) -> None:
    """Hit Ratio@10 of lists out of all movies, beside popularity and EASE."""
    table = _evaluation(model_folder(dataset).path, "full-ranking")
    own = f"{TITLES['autointmlp']}{TUNED}: "
    if table is not None:
        ours = table["ranker"].str.startswith(own)
        table = table[table["ranker"].isin(list(words["baselines"])) | ours]
    if table is None or table.empty:
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


def show(dataset: str, words: Mapping) -> None:
    """The metrics, and how well the predicted probabilities are calibrated."""
    metrics, reliability = st.columns(2, gap="large")
    with metrics:
        show_metrics(dataset, words)
    with reliability:
        st.markdown(f"**{words['reliability']}**")
        path = model_folder(dataset).path / "reliability.csv"
        if not path.is_file():
            st.info(words["reliability_missing"])
            return
        names = {f"{title}{TUNED}": title for title in TITLES.values()}
        table = pd.read_csv(path)
        table = table[table["ranker"].isin(names)].replace({"ranker": names})
        st.vega_lite_chart(spec=charts.reliability(table, words), width="stretch", theme=None)
        st.caption(words["reliability_note"])


def show_metrics(dataset: str, words: Mapping) -> None:
    """The committed metrics of both models and of the movie mean."""
    table = committed(model_folder(dataset).path)
    if table is None:
        st.info(words["quality_missing"])
        return
    shown = table[["ranker", *METRICS]].replace({"ranker": {MEAN: words["movie_mean"]}})
    for metric in METRICS:
        shown[metric] = shown[metric].map("{:.4f}".format)
    st.table(shown.rename(columns=words["metrics"]), hide_index=True)
    first = table.iloc[0]
    st.caption(words["quality_note"].format(rows=int(first["rows"]), users=int(first["users"])))
