"""The section about a user of the data set: find one, their portrait, their history."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from movierec import charts, link, people, texts
from movierec.datasets import RATING, TIMESTAMP, USER
from movierec.library import Library, RequestError
from movierec.page import state
from movierec.portrait import Portrait, portrait
from movierec.texts import plain


def choose(library: Library, words: Mapping) -> int:
    """The box and its answer: the user to show."""
    users = library.data.users[USER]
    limits = {"low": int(users.min()), "high": int(users.max())}
    box, button = st.columns([3, 1.3], vertical_alignment="bottom")
    text = box.text_input(
        words["who"].format(**limits),
        key="who",
        max_chars=people.LONGEST,
        placeholder=words["who_example"],
        help=words["who_help"],
    )
    button.button(
        words["random"],
        icon=":material/casino:",
        width="stretch",
        on_click=lambda: state.put(who=str(np.random.default_rng().choice(users))),
    )
    if text.strip().isdigit():
        number = link.whole(text)
        try:
            library.user(number)
            st.session_state.user = number
        except RequestError:
            st.warning(
                words["no_user"].format(user=plain(text[:20]), name=library.data.name, **limits)
            )
    elif text.strip():
        _show_matches(library, text, words)
    return st.session_state.user


def _show_matches(library: Library, text: str, words: Mapping) -> None:
    wanted, foreign = people.understand(text, texts.vocabulary(), texts.idle())
    if foreign or not wanted:
        unknown = ", ".join(plain(word[:30]) for word in (foreign or [text])[:5])
        st.warning(words["foreign"].format(words=unknown))
    if not wanted:
        return
    found = people.search(library, wanted)
    names = [
        words[texts.NAMES[field]][value] for field, values in wanted.items() for value in values
    ]
    st.caption(words["understood"].format(wanted=", ".join(names), count=found.count))
    if not found.count:
        st.info(words["nobody"])
    for row in found.users.to_dict("records"):
        user = row[USER]
        about = ", ".join(
            words[texts.NAMES[field]][row[field]] for field in ("gender", "age", "occupation")
        )
        label = words["match"].format(user=user, about=about)
        if row["share"] == row["share"]:
            genres = ", ".join(words["genres"][genre] for genre in wanted["genre"])
            label += f" · {genres} " + words["match_share"].format(share=row["share"])
        st.button(
            label,
            key=f"match{user}",
            width="stretch",
            wrap=True,
            on_click=state.put,
            kwargs={"who": str(user)},
        )


def show(library: Library, user_id: int, words: Mapping) -> None:
    """Portrait in words and charts, and what the user rated."""
    user = library.user(user_id)
    described = portrait(library, user_id)
    st.header(words["user"].format(user=user_id), anchor=False)
    sentences = [
        words["about"].format(
            gender=words["genders"][user["gender"]],
            age=words["ages"][user["age"]],
            occupation=words["occupations"][user["occupation"]],
            zipcode=user["zipcode"],
        ),
    ]
    if described.rated:
        sentences.append(_ratings_sentence(described, words))
    if described.liked:
        named = ", ".join(words["genres"].get(genre, genre) for genre in described.favourites)
        sentences.append(
            words["favourites"].format(genres=named) if named else words["no_favourites"]
        )
    st.write(" ".join(sentences))
    st.caption(words["way_user"].format(user=user_id))
    _show_tabs(library, user_id, described, words)


def _ratings_sentence(described: Portrait, words: Mapping) -> str:
    first, last = (f"{time:%Y-%m}" for time in (described.first, described.last))
    when = words["when_one" if first == last else "when"].format(first=first, last=last)
    return words["rated"].format(
        rated=described.rated,
        when=when,
        share=described.liked / described.rated,
        everyone=described.everyone,
    )


def _show_tabs(library: Library, user_id: int, described: Portrait, words: Mapping) -> None:
    """Charts and history; only what stands in the open tab is made."""
    names = words["charts"]
    tabs = st.tabs(list(names.values()), key="tabs", on_change="rerun")
    tabs = dict(zip(names, tabs, strict=True))
    (name,) = (name for name, tab in tabs.items() if tab.open)
    with tabs[name]:
        if name == "history":
            _show_history(library.history(user_id), words)
        elif name == "months" and described.rated:
            st.altair_chart(charts.months(described.months, words), width="stretch", theme=None)
        elif not described.liked:
            st.info(words["nothing_liked"])
        else:
            table = described.genres if name == "genres" else described.decades
            shown = table.assign(name=[_name(value, words) for value in table["name"]])
            st.altair_chart(charts.against_everyone(shown, words), width="stretch", theme=None)
            st.caption(words["chart_note"])


def _name(value: str | int, words: Mapping) -> str:
    """A genre or a decade in words."""
    if isinstance(value, str):
        return words["genres"].get(value, value)
    return words["decade_name"].format(decade=value)


def _show_history(history: pd.DataFrame, words: Mapping) -> None:
    text = st.text_input(words["history_find"], max_chars=people.LONGEST, key="history").strip()
    found = history[history["title"].str.contains(text, case=False, regex=False)]
    if found.empty:
        st.info(words["history_none"].format(text=plain(text), count=len(history)))
        return
    columns = words["columns"]
    st.dataframe(
        pd.DataFrame(
            {
                columns["film"]: found["title"],
                columns["rating"]: found[RATING],
                columns["year"]: found["release_year"],
                columns["genres"]: found["genres"].str.replace("|", ", "),
                columns["date"]: pd.to_datetime(found[TIMESTAMP], unit="s").dt.date,
            }
        ),
        column_config={
            columns["film"]: st.column_config.TextColumn(width="medium"),
            columns["year"]: st.column_config.NumberColumn(format="%d", width="small"),
            columns["rating"]: st.column_config.NumberColumn(width="small"),
        },
        width="stretch",
        height=400,
        hide_index=True,
    )
