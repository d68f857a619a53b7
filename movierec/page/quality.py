"""The section that says how good the numbers are: committed metrics and a reliability diagram."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from movierec import artefacts, charts
from movierec.settings import TITLES

MEAN = "movie mean"
METRICS = ("ndcg_original", "recall", "auc", "logloss")


def committed(folder: Path) -> pd.DataFrame | None:
    """The tuned models and the movie mean out of evaluation.csv; None where that is missing.

    Returns:
        ranker, users, rows and the columns `METRICS`.
    """
    path = folder / "evaluation.csv"
    if not path.is_file():
        return None
    names = {MEAN: MEAN} | {f"{title}, tuned setting": title for title in TITLES.values()}
    table = pd.read_csv(path)
    table = table[(table["protocol"] == "test-rows") & table["ranker"].isin(names)].replace(
        {"ranker": names}
    )
    return table[["ranker", "users", "rows", *METRICS]].reset_index(drop=True)


def show(dataset: str, words: Mapping) -> None:
    """Models and baseline side by side, and what a probability is worth."""
    metrics, reliability = st.columns(2, gap="large")
    with metrics:
        show_metrics(dataset, words)
    with reliability:
        st.markdown(f"**{words['reliability']}**")
        path = artefacts.place(dataset).folder / "reliability.csv"
        if not path.is_file():
            st.info(words["reliability_missing"])
        else:
            st.altair_chart(
                charts.reliability(pd.read_csv(path), words), width="stretch", theme=None
            )
            st.caption(words["reliability_note"])


def show_metrics(dataset: str, words: Mapping) -> None:
    """The committed metrics of both models and of the movie mean."""
    table = committed(artefacts.place(dataset).folder)
    if table is None:
        st.info(words["quality_missing"])
        return
    st.table(_in_words(table, words), hide_index=True)
    first = table.iloc[0]
    st.caption(words["quality_note"].format(rows=int(first["rows"]), users=int(first["users"])))


def _in_words(table: pd.DataFrame, words: Mapping) -> pd.DataFrame:
    names = words["metrics"]
    shown = table[["ranker", *METRICS]].replace({"ranker": {MEAN: words["mean_ranker"]}})
    for metric in METRICS:
        shown[metric] = shown[metric].map("{:.4f}".format)
    return shown.rename(columns=names)
