"""The page on data sets with other fields, ratings and times than ML-1M, and without ratings."""

import contextlib

import numpy as np
import pytest
import streamlit as st

from movierec.data import movielens
from movierec.serving.lookups import Lookups
from movierec.serving.recommender import attach
from movierec.training import candidates
from movierec.training.train import train
from movierec.web import page, texts, url_state
from tests.web.test_page import change, start, titles

SMALL = {"epochs": 1, "embed_dim": 4, "mlp_units": (4,), "num_layers": 1}


def write(folder):
    """Half stars as in `latest-small`, choices without time, and few items rated before 1995."""
    rng = np.random.default_rng(0)
    rated = [(u, m) for u in range(1, 31) for m in rng.choice(np.arange(1, 61), 20, replace=False)]
    ratings, choices = ["userId,movieId,rating,timestamp"], ["customer,item"]
    for number, (user, movie) in enumerate(rated):
        likes = (movie % 3 == 0) == (user % 2 == 0)
        rating = rng.choice([4, 4.5, 5] if likes else [0.5, 1.5, 3])
        ratings.append(f"{user},{movie},{rating},{978300000 + number * 86400}")
        choices += [f"{user},{movie}"] * int(likes)
    movies = [f'{m},"Film, {m} ({1950 + m})",{"Drama|IMAX" if m % 3 else ""}' for m in range(1, 61)]
    movies[5] = "6,Film 6,(no genres listed)"
    items = [f"{m},Thing {m},{m % 4}" for m in range(1, 61)]
    users = [f"{u},{'gold' if u % 2 else 'free, new'}" for u in range(1, 31)]
    files = {
        "latest-small/ratings.csv": ratings,
        "latest-small/movies.csv": ["movieId,title,genres", *movies],
        "mine/ratings.csv": choices,
        "mine/items.csv": ["id,title,shelf", *items],
        "mine/users.csv": [
            "customer,plan",
            *(user.replace("free, new", '"free, new"') for user in users),
        ],
    }
    rated = dict.fromkeys(range(3, 31), range(1, 9)) | {1: range(1, 13), 2: range(1, 11)}
    few = [
        f"{user},{item},{(0.1, 0.3, 0.7, 1)[(user + item) % 4]},{350000000 + user * 86400}"
        for user, items in rated.items()
        for item in items
    ]
    files |= {
        "few/ratings.csv": ["user,item,rating,time", *few],
        "few/items.csv": ["id,title", *(f"{item},Item {item}" for item in range(1, 13))],
    }
    for name, lines in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")


@contextlib.contextmanager
def showing(name, root, models=("autoint", "autointmlp")):
    """The page shows models of that data set, trained for an epoch."""
    write(root)
    data = movielens.load(name, root)
    for model in models:
        train(model, data, root=root, **SMALL)
    candidates.train(data, root)
    lookups = Lookups(data)
    st.cache_resource.clear()  # all tests of a process have the same session
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "load_lookups", lambda: lookups)
        patch.setattr(page, "attach", lambda lookups, model: attach(lookups, model, root))
        yield name
    st.cache_resource.clear()


@pytest.fixture(scope="module", params=["latest-small", "mine"])
def name(request, tmp_path_factory):
    with showing(request.param, tmp_path_factory.mktemp("other")) as name:
        yield name


def test_a_user_the_list_and_why(name):
    run = start(user=3, film=6, tabs="history")
    assert len(titles(run)) == 10
    labels = {box.label for box in run.selectbox}
    captions = " ".join(caption.value for caption in run.caption)
    text = " ".join(markdown.value for markdown in run.markdown)
    if name == "mine":
        assert labels == set()  # neither genres nor years
        assert "from 3 fields" not in captions
        assert "from 4 fields" in captions
        assert "plan: gold" in text
        assert "Chose" in text
    else:
        assert labels == {"Genre", "Decade"}
        assert "Which films would this person rate 4 or more?" in captions
        assert "4 or 5" not in captions + text


def test_a_user_who_has_seen_another_movie(name):
    run = start(user=3, film=6, seen="50:1" if name == "mine" else "50:4.5")
    assert not run.exception
    assert not run.error


def test_a_new_viewer(name):
    rated = "3:1,6:1" if name == "mine" else "3:4.5,6:2"
    run = start(tab="new", rated=rated, about="plan:free%2C%20new", gender="F")
    assert any("your ratings (2)" in info.value for info in run.info)
    assert len(titles(run)) == 10
    if name == "mine":
        assert not any("about" in warning.value for warning in run.warning)
        assert [box.value for box in run.selectbox] == ["free, new"]
    else:
        assert run.warning[0].value.startswith("The address has about = ")


def test_the_texts_follow_the_scale():
    ten = texts.of("en", movielens.Scale(tuple(range(1, 11)), 8))
    assert ten["why_sum"].endswith("likely to be rated 8 or more.")
    assert texts.of("ko", movielens.Scale(tuple(range(1, 11)), 8))["unlikely"].count("8점 미만을")


def test_an_address_with_a_further_field(name):
    view = url_state.View(about=(("plan", "free, new"),), rated=((3, 1),))
    read, problems = url_state.read(url_state.write(view), page.load_lookups())
    if name == "mine":
        assert (read, problems) == (view, [])
    else:
        assert [problem.name for problem in problems] == ["about"]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """12 items, of which the first user rated all and the second ten, on a scale from 0.1 to 1."""
    with showing("few", tmp_path_factory.mktemp("few"), ["autointmlp"]):
        yield


def test_fewer_unrated_films_than_ten_and_a_target_year_before_1995(few):
    run = start(user=2, year=1981)
    assert len(titles(run)) == 2
    assert any("pass these filters: 2." in caption.value for caption in run.caption)
    assert not any("The address has" in warning.value for warning in run.warning)
    assert run.number_input(key="year").min == 1981


def test_a_user_who_has_rated_everything(few):
    run = start(user=1)
    assert "nothing to recommend" in run.error[0].value
    assert titles(run) == []


def test_a_scale_with_decimals_offers_all_its_ratings(few):
    run = start(tab="new", rated="3:0.3")
    stars = run.button_group(key="stars-rate-3")
    assert stars.value == 0.3
    assert len(stars.options) == 4
    run = change(run, "button_group", "stars-rate-5", 0.7)
    assert run.query_params["rated"] == "3:0.3,5:0.7"
