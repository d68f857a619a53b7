"""The section about the models' quality: committed test metrics and a reliability diagram."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import streamlit as st

from movierec.models.artifacts import model_folder
from movierec.models.registry import TITLES

MEAN = "movie mean"
METRICS = ("ndcg_original@10", "recall@10", "auc", "logloss")


def committed(folder: Path) -> pd.DataFrame | None:
    """The rows of the tuned models and the movie mean in evaluation.csv; None without that file."""
    path = folder / "evaluation.csv"
    if not path.is_file():
        return None
    names = {MEAN: MEAN} | {f"{title}, tuned setting": title for title in TITLES.values()}
    table = pd.read_csv(path)
    table = table[(table["protocol"] == "test-rows") & table["ranker"].isin(names)]
    table = table.replace({"ranker": names})
    return table[["ranker", "users", "rows", *METRICS]].reset_index(drop=True)


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
        from movierec.web import charts  # altair is slow to import

        st.altair_chart(charts.reliability(pd.read_csv(path), words), width="stretch", theme=None)
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
