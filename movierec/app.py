"""The Streamlit page: a user, what they liked, and what the model recommends to them."""

import pandas as pd
import streamlit as st

from movierec import artefacts, preprocess, recommender
from movierec.datasets import AGE_GROUPS, GENDERS, OCCUPATIONS, RATING, TIMESTAMP, USER
from movierec.models import TITLES
from movierec.rawfiles import DataError
from movierec.recommender import Recommender
from movierec.sources import NotFoundError

MOST = 100


def page(model: str) -> None:
    """Show the whole page for one model, a key of `movierec.models.MODELS`."""
    st.set_page_config(
        page_title=f"{TITLES[model]} film recommender", page_icon="🎬", layout="wide"
    )
    st.title(f"{TITLES[model]} film recommender")
    try:
        ready = _load(model)
    except (DataError, artefacts.ArtefactError) as error:
        st.error(f"The recommender cannot start: {error}", icon="🧰")
        st.stop()
    if ready.data.name != "ml-1m":
        st.info(
            "MovieLens 1M is not on this machine, so this page runs on MovieLens 100K. "
            "`make data` fetches ML-1M, and data/README.md says where to put it by hand."
        )
    request = _ask(ready)
    try:
        films = ready.recommend(**request)
    except recommender.RequestError as error:
        st.error(f"That cannot be answered: {error}.", icon="✋")
        st.stop()
    _show_user(ready, request["user_id"])
    recommended, liked = st.columns([3, 2], gap="large")
    with recommended:
        _show_recommendations(ready, films, request)
    with liked:
        _show_liked(ready, request["user_id"])


@st.cache_resource(show_spinner="Loading the data and the model …")
def _load(model: str) -> Recommender:
    """The recommender on ML-1M where that is at hand, else on ML-100K; shared by all sessions."""
    try:
        return recommender.load(model, "ml-1m", download=False)
    except NotFoundError:
        return recommender.load(model, "ml-100k")


def _ask(ready: Recommender) -> dict:
    """The form's values, as arguments of `Recommender.recommend`."""
    users = ready.data.users[USER]
    with st.form("request"):
        user, year, month, n = st.columns(4)
        request = {
            "user_id": user.number_input(
                f"User id ({users.min()} to {users.max()})",
                min_value=int(users.min()),
                max_value=int(users.max()),
            ),
            "year": year.number_input(
                "Target year",
                recommender.YEARS.start,
                recommender.YEARS.stop - 1,
                value=None,
                placeholder="year of the user's last rating",
            ),
            "month": month.number_input(
                "Target month", 1, 12, value=None, placeholder="month of the user's last rating"
            ),
            "n": n.number_input("How many films", 1, MOST, value=10),
        }
        st.form_submit_button("Recommend", type="primary")
    return request


def _show_user(ready: Recommender, user_id: int) -> None:
    user = ready.user(user_id)
    st.subheader(f"User {user_id}")
    st.write(
        f"A {GENDERS[user['gender']]}, {AGE_GROUPS[user['age']]} years old, "
        f"{OCCUPATIONS[user['occupation']]}, zip code {user['zipcode']}; "
        f"has rated {len(ready.history(user_id)):,} films."
    )


def _show_recommendations(ready: Recommender, films: pd.DataFrame, request: dict) -> None:
    st.subheader("Recommended, best first")
    st.table(
        pd.DataFrame(
            {
                "rank": range(1, len(films) + 1),
                "film": films["title"],
                "year": films["release_year"].astype("str").replace("<NA>", "unknown"),
                "genres": films["genres"].str.replace("|", ", "),
                "probability": films["probability"].map("{:.1%}".format),
            }
        )
    )
    test = ready.entry["metrics"]["test"]
    st.caption(
        "Probability: what the model thinks of a rating of 4 or more. On held-out ratings its "
        f"AUC is {test['auc']:.3f}; model/evaluation.csv compares it with simpler rankers."
    )
    default = dict(zip(("year", "month"), ready.default_time(request["user_id"]), strict=True))
    for name, feature in zip(default, preprocess.TIME_FEATURES, strict=True):
        value = request[name] or default[name]
        if str(value) not in ready.encoder.classes[feature]:
            st.caption(f"No training rating is from {name} {value}: the model takes it as unknown.")


def _show_liked(ready: Recommender, user_id: int) -> None:
    liked = ready.history(user_id, liked=True)
    st.subheader("Liked: rated 4 or 5, newest first")
    if liked.empty:
        st.write("This user has rated no film 4 or more.")
        return
    year = liked["release_year"].astype("str").replace("<NA>", "year unknown")
    st.dataframe(
        pd.DataFrame(
            {
                "film": liked["title"] + " (" + year + ")",
                "rating": liked[RATING],
                "rated on": pd.to_datetime(liked[TIMESTAMP], unit="s").dt.date,
            }
        ),
        column_config={
            "film": st.column_config.TextColumn(width="medium"),
            "rating": st.column_config.NumberColumn(width="small"),
        },
        width="stretch",
        hide_index=True,
    )
