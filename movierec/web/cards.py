"""A recommended movie as a card, and what a visitor can do with it."""

from collections.abc import Mapping
from urllib.parse import urlencode

import streamlit as st

from movierec.data.schema import HALF_STARS
from movierec.serving.lookups import FEW_RATERS, Lookups
from movierec.serving.movie_search import spoken
from movierec.web import guard, state
from movierec.web.texts import escaped, exact, genre_or_decade, percent


def show(
    lookups: Lookups, movie, model: str, words: Mapping, shared: bool = False, theirs: bool = False
) -> None:
    """A card: rank, title, probability, "Why?" and a menu.

    Args:
        lookups: look-ups in the data set.
        movie: a row of `recommendations.ranked`.
        model: the model whose list the card belongs to.
        words: the page's texts.
        shared: whether the movie gets the badge "in both".
        theirs: whether `model` is the other model, not the page's own.
    """
    title = escaped(lookups.name(movie.movie_id))
    with st.container(
        border=True,
        horizontal=True,
        wrap=False,
        vertical_alignment="center",
        gap="small",
        key=f"card-{model}-{movie.rank}",
    ):
        st.markdown(_description(title, movie, words, shared), width="stretch")
        st.markdown(f"**{percent(movie.probability)}**", width="content")
        st.button(
            f"{words['why']} :small[{title}]",
            key=f"why-{model}-{movie.movie_id}",
            on_click=guard.callback(st.session_state.update),
            kwargs={"film": movie.movie_id, "theirs": theirs},
        )
        menu = st.popover(
            f":small[{words['card_menu'].format(title=title)}]",
            icon=":material/more_horiz:",
            key=f"more-{model}-{movie.movie_id}-{st.session_state.get('menus', 0)}",
            on_change="rerun",
        )
        if menu.open:
            with menu:
                _show_menu(lookups, movie.movie_id, model, words)


def _description(title: str, movie, words: Mapping, shared: bool) -> str:
    """A card's text: rank, title with year, genres, number and mean of all users' ratings."""
    genres = ", ".join(genre_or_decade(name, words) for name in movie.genres.split("|"))
    genres = escaped(genres)
    number = ("raters_none", "raters_one", "raters_many")[min(movie.raters, 2)]
    mean = exact(movie.mean) if movie.raters == 1 else movie.mean
    parts = [words[number].format(raters=movie.raters, mean=mean)]
    if genres:
        parts.insert(0, genres)
    if movie.raters < FEW_RATERS:
        parts.append(words["few_raters"])
    badge = f" :blue-badge[{words['both']}]" if shared else ""
    return f"**{movie.rank}\\. {title}**{badge}  \n:small[{' · '.join(parts)}]"


def _show_menu(lookups: Lookups, movie_id: int, model: str, words: Mapping) -> None:
    """Show stars, watch list, similar movies, not interested and links; each action closes it."""
    session, title = st.session_state, lookups.name(movie_id)

    def close() -> None:
        session.menus = session.get("menus", 0) + 1  # menus with other keys are new, so closed

    def act(action, values: dict) -> None:
        action(**values)
        close()

    st.markdown(f"**{escaped(title)}**")
    st.caption(words["seen_it"])
    show_stars(
        "rated" if session.tab == "new" else "seen",
        movie_id,
        f"card-{model}",
        lookups,
        words,
        after=close,
    )
    saved = movie_id in session.watch
    actions = {
        "like": (words["like"], ":material/join_inner:", session.update, {"like": movie_id}),
        "hide": (
            words["not_interested"],
            ":material/visibility_off:",
            state.toggle,
            {"name": "hidden", "movie_id": movie_id},
        ),
        "watch": (
            words["watch_remove" if saved else "watch_add"],
            ":material/bookmark_remove:" if saved else ":material/bookmark_add:",
            state.toggle,
            {"name": "watch", "movie_id": movie_id},
        ),
    }
    for name, (label, icon, action, values) in actions.items():
        st.button(
            label,
            key=f"{name}-{model}-{movie_id}",
            icon=icon,
            width="stretch",
            on_click=guard.callback(act),
            args=(action, values),
        )
    st.markdown(links(title))


def links(title: str) -> str:
    """Markdown links to searches for a movie in IMDb and TMDB; `title` as in the raw file.

    >>> links("Matrix, The (1999)")[:60]
    '[IMDb](https://www.imdb.com/find/?q=The+Matrix+1999&s=tt) · '
    """
    name, year = spoken(title)
    imdb = urlencode({"q": f"{name} {year}".strip(), "s": "tt"})
    tmdb = urlencode({"query": f"{name} y:{year}" if year else name})
    return (
        f"[IMDb](https://www.imdb.com/find/?{imdb}) · "
        f"[TMDB](https://www.themoviedb.org/search/movie?{tmdb})"
    )


def show_stars(
    name: str, movie_id: int, place: str, lookups: Lookups, words: Mapping, after=lambda: None
) -> None:
    """Stars that set a movie's rating in the list `name` of the view; the same star removes it.

    Of the half-star scale only the whole stars are offered.

    Args:
        name: "rated" or "seen", a field of `url_state.View`.
        movie_id: the movie.
        place: where on the page the stars are; a movie can have stars in several places.
        lookups: look-ups in the data set.
        words: the page's texts.
        after: called after the rating has changed.
    """
    ratings = lookups.data.scale.ratings
    offered = ratings[1::2] if ratings == HALF_STARS.ratings else ratings
    most, label = exact(ratings[-1]), words["chosen" if lookups.data.scale.implicit else "stars"]
    key = f"stars-{place}-{movie_id}"
    st.session_state[key] = dict(st.session_state[name]).get(movie_id)

    def rate() -> None:
        state.rate(name, movie_id, key)
        after()

    st.segmented_control(
        words["your_rating"].format(title=lookups.name(movie_id)),  # not shown, so not escaped
        offered,
        key=key,
        format_func=lambda stars: f"★ :small[{label.format(stars=exact(stars), most=most)}]",
        label_visibility="collapsed",
        on_change=guard.callback(rate),
        width="content",
    )
