"""The section about a user of the data set: search, profile, rating history."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import streamlit as st

from movierec.data.schema import MOVIE, RATING, TIMESTAMP, USER
from movierec.serving import descriptions, user_search
from movierec.serving.lookups import Lookups, RequestError
from movierec.serving.user_profile import UserProfile, user_profile
from movierec.web import charts, guard, texts, url_state
from movierec.web.texts import escaped, genre_or_decade

MATCHES = 6  # users on a page of matches


def choose(lookups: Lookups, words: Mapping) -> int:
    """Show the search box and its matches, and return the id of the user to show."""
    users = lookups.data.users[USER]
    limits = {"low": int(users.min()), "high": int(users.max())}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            words["who"].format(**limits),
            key="who",
            max_chars=descriptions.MAX_LENGTH,
            placeholder=words["who_example"],
            help=words["who_help"],
            width="stretch",
        )
        st.button(
            words["random"],
            icon=":material/casino:",
            on_click=guard.callback(
                lambda: st.session_state.update(who=str(np.random.default_rng().choice(users)))
            ),
        )
    digits = descriptions.number(text)
    if digits is not None:
        user_id = url_state.whole_number(digits)
        try:
            lookups.user(user_id)
            _select(user_id)
        except RequestError:
            st.warning(
                words["no_user"].format(user=escaped(text[:20]), name=lookups.data.name, **limits)
            )
    elif text.strip():
        _show_matches(lookups, text, words)
    return st.session_state.user


def _select(user_id: int) -> None:
    """Choose a user; what was seen or hidden was another user's."""
    if user_id != st.session_state.user:
        st.session_state.update(user=user_id, seen=(), hidden=(), like=None)


def _show_matches(lookups: Lookups, text: str, words: Mapping) -> None:
    """The users that match a description, each as a button that chooses the user, by pages."""
    wanted = descriptions.parse(text, texts.search_words(tuple(lookups.data.genre_table)))
    if wanted.unknown or not wanted:
        listed = ", ".join(escaped(word[:30]) for word in (wanted.unknown or [text])[:5])
        st.warning(words["unknown_words"].format(words=listed))
    if not wanted:
        return
    matches = user_search.search(lookups, wanted)
    st.caption(words["wanted"].format(wanted=_in_words(wanted, words), count=len(matches)))
    if wanted.excluded.get("genre"):
        limits = {"most": user_search.LIKED_AT_MOST, "least": user_search.RATED_AT_LEAST}
        st.caption(words["disliked_means"].format(**limits))
    if matches.empty:
        st.info(words["no_match"])
        return
    pages = -(-len(matches) // MATCHES)
    key = f"matches-{text}"  # another description begins at its first page
    first = MATCHES * (min(st.session_state.get(key, 1), pages) - 1)
    for row in matches[first : first + MATCHES].to_dict("records"):
        label = words["match"].format(user=row[USER], about=", ".join(_about(row, lookups, words)))
        if genres := wanted.fields.get("genre"):
            names = escaped(", ".join(genre_or_decade(genre, words) for genre in genres))
            label += f" · {names} " + words["match_share"].format(share=row["share"])
        st.button(
            label,
            key=f"match{row[USER]}",
            type="primary" if row[USER] == st.session_state.user else "secondary",
            width="stretch",
            wrap=True,
            on_click=guard.callback(_select),
            args=(row[USER],),
        )
    if pages > 1:
        st.pagination(pages, key=key, max_visible_pages=5)


def _about(user: Mapping, lookups: Lookups, words: Mapping) -> list[str]:
    """What the data set says about a user besides the zip code, in words."""
    if url_state.has_demographics(lookups.data):
        return [words[texts.NAMES[field]][user[field]] for field in ("gender", "age", "occupation")]
    return [
        words["profile"].format(name=escaped(name), value=escaped(user[name]))
        for name in url_state.further_fields(lookups.data)
        if user[name]
    ]


def _in_words(wanted: descriptions.Wanted, words: Mapping) -> str:
    """What is wanted and what is not, in the page's language."""
    named = [
        (text, escaped(words[texts.NAMES[field]].get(value, value)))
        for text, fields in (("{name}", wanted.fields), (words["is_excluded"], wanted.excluded))
        for field, values in fields.items()
        for value in values
    ]
    return ", ".join(text.format(name=name) for text, name in named)


def show(lookups: Lookups, user_id: int, words: Mapping) -> None:
    """The user's profile in words and charts, and the rating history."""
    user = lookups.user(user_id)
    profile = user_profile(lookups, user_id)
    st.header(words["user"].format(user=user_id), anchor=False)
    about = _about(user, lookups, words)
    if url_state.has_demographics(lookups.data):
        values = dict(zip(("gender", "age", "occupation"), about, strict=True))
        sentences = [words["about"].format(**values, zipcode=user["zipcode"])]
    else:
        sentences = [f"{', '.join(about)}."] if about else []
    if profile.rated:
        sentences.append(_ratings_sentence(profile, bool(lookups.data.fields.time), words))
    if profile.liked and len(profile.genres):
        genres = ", ".join(genre_or_decade(genre, words) for genre in profile.favourites)
        sentences.append(
            words["favourites"].format(genres=genres) if genres else words["no_favourites"]
        )
    st.write(" ".join(sentences))
    st.caption(words["based_on_user"].format(user=user_id))
    _show_tabs(lookups, user_id, profile, words)


def _ratings_sentence(profile: UserProfile, dated: bool, words: Mapping) -> str:
    first, last = (f"{time:%Y-%m}" for time in (profile.first, profile.last))
    when = words["when_one" if first == last else "when"].format(first=first, last=last)
    return words["rated" if dated else "rated_undated"].format(
        rated=profile.rated,
        when=when,
        share=profile.liked / profile.rated,
        overall=profile.overall_share,
    )


def _show_tabs(lookups: Lookups, user_id: int, profile: UserProfile, words: Mapping) -> None:
    """Charts and history; only the open tab's content is computed."""
    fields = lookups.data.fields
    missing = {"genres": lookups.data.genre_table.empty, "decades": not lookups.decades}
    missing |= {"months": not fields.time}
    names = {key: name for key, name in words["charts"].items() if not missing.get(key)}
    tabs = st.tabs(list(names.values()), key="tabs", on_change="rerun")
    name, tab = next(pair for pair in zip(names, tabs, strict=True) if pair[1].open)
    with tab:
        if name == "history":
            _show_history(lookups, user_id, words)
        elif name == "months" and profile.rated:
            st.vega_lite_chart(
                spec=charts.months(profile.months, words), width="stretch", theme=None
            )
        elif not profile.liked:
            st.info(words["nothing_liked"])
        else:
            table = profile.genres if name == "genres" else profile.decades
            table = table.assign(name=[genre_or_decade(name, words) for name in table["name"]])
            st.vega_lite_chart(spec=charts.shares(table, words), width="stretch", theme=None)
            st.caption(words["chart_note"])


def _show_history(lookups: Lookups, user_id: int, words: Mapping) -> None:
    """The user's ratings, with a search in the titles."""
    history = lookups.history(user_id)
    text = st.text_input(
        words["history_find"], max_chars=descriptions.MAX_LENGTH, key=f"history-{user_id}"
    )
    rows = history
    if text.strip():
        found = lookups.data.movies[MOVIE].iloc[lookups.find(text).positions]
        rows = history[history[MOVIE].isin(found)]
    if rows.empty:
        st.info(words["history_none"].format(text=escaped(text), count=len(history)))
        return
    columns = words["columns"]
    shown = {
        columns["film"]: rows["title"],
        columns["rating"]: rows[RATING],
        columns["year"]: rows["release_year"],
        columns["genres"]: rows["genres"].map(
            lambda genres: ", ".join(genre_or_decade(genre, words) for genre in genres.split("|"))
        ),
        columns["date"]: pd.to_datetime(rows[TIMESTAMP], unit="s").dt.date,
    }
    if not lookups.data.fields.time:
        del shown[columns["date"]]
    st.dataframe(
        pd.DataFrame(shown),
        column_config={
            columns["film"]: st.column_config.TextColumn(width="medium"),
            columns["year"]: st.column_config.NumberColumn(format="%d", width="small"),
            columns["rating"]: st.column_config.NumberColumn(width="small"),
        },
        width="stretch",
        height=400,
        hide_index=True,
    )
