"""The page's states, without a browser."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from movierec import app, artefacts, datasets, recommender
from movierec.link import View
from movierec.page import films
from movierec.rawfiles import DataError
from movierec.sources import NotFoundError

SECONDS = 120  # TensorFlow's import alone can take half a minute on a busy machine
PAGES = {"show_st.py": "autoint", "show_st2.py": "autointmlp"}


@pytest.fixture(autouse=True, scope="module")
def on_ml100k(ml100k):
    """All pages run on the small set, loaded once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", _without_ml1m(datasets.load))
        app.load.clear()
        app.load_library.clear()
        yield
    app.load.clear()
    app.load_library.clear()


def _without_ml1m(load):
    def absent(name, *arguments, **options):
        if name == "ml-1m":
            raise NotFoundError("ml-1m is not here")
        return load(name, *arguments, **options)

    return absent


def start(page="show_st2.py", **params):
    run = AppTest.from_file(str(artefacts.ROOT / page), default_timeout=SECONDS)
    for name, value in params.items():
        run.query_params[name] = str(value)
    run.run()
    assert not run.exception
    return run


def change(run, kind, key, value):
    """Set a widget and run."""
    getattr(run, kind)(key=key).set_value(value)
    run.run()
    assert not run.exception
    return run


def titles(run):
    """Film names on the cards, Markdown's escapes taken away."""
    lines = [m.value for m in run.markdown if m.value.startswith("**") and ":small[" in m.value]
    return [line.split("\\. ", 1)[1].split("**")[0].replace("\\", "") for line in lines]


def names(movie_ids):
    library = app.load_library()
    return [library.name(movie_id) for movie_id in movie_ids]


def warnings(run):
    return " ".join(box.value.replace("\\", "") for box in run.warning)


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_what_the_recommender_says(page):
    run = start(page)
    ready = app.load(PAGES[page])
    for user_id in (1, 8, 943):
        run = change(run, "text_input", "who", str(user_id))
        assert titles(run) == names(ready.recommend(user_id)["movie_id"])
        assert run.header[0].value == f"User {user_id}"


@pytest.mark.parametrize("model", PAGES.values())
def test_the_pages_list_is_the_recommenders_for_200_users(model):
    ready = app.load(model)
    users = np.random.default_rng(0).choice(ready.data.users["user_id"], 200, replace=False)
    for user_id in users.tolist():
        view = View(user=user_id, n=12, year=1998, month=3)
        shown = films.listed(ready, films.candidates(ready, user_id, view), view)
        expected = ready.recommend(user_id, 12, 1998, 3)
        assert shown[list(expected)].equals(expected)
        assert shown["rank"].tolist() == list(range(1, 13))


def test_words_not_codes():
    run = start(user=1)
    user = app.load_library().user(1)
    (text,) = (m.value for m in run.markdown if "zip code" in m.value)
    assert datasets.OCCUPATIONS[user["occupation"]] in text
    assert datasets.AGE_GROUPS[user["age"]] in text
    assert ("woman" in text) == (user["gender"] == "F")


def test_number_year_month_and_filters():
    run = change(start(), "number_input", "n", 25)
    run = change(run, "number_input", "year", 2050)
    run = change(run, "number_input", "month", 7)
    expected = app.load("autointmlp").recommend(1, 25, 2050, 7)
    assert titles(run) == names(expected["movie_id"])
    assert any("No training rating is from rated in year 2050" in c.value for c in run.caption)
    run = change(run, "selectbox", "genre", "War")
    run = change(run, "selectbox", "decade", 1990)
    run = change(run, "toggle", "fresh", True)
    assert 0 < len(titles(run)) < 25
    assert any("unseen films pass these filters" in c.value for c in run.caption)


def test_no_film_passes():
    run = start(genre="Western", decade=1920)
    assert titles(run) == []
    assert any("No unseen film passes" in box.value for box in run.info)


def test_a_description():
    run = change(start(), "text_input", "who", "man programmer sci-fi xyzzy")
    assert "xyzzy" in warnings(run)
    match = next(button for button in run.button if "programmer" in button.label)
    user_id = match.label.split(" · ")[0]
    match.click().run()
    assert run.header[0].value == f"User {user_id}"
    assert run.query_params["user"] == user_id


@pytest.mark.parametrize("text", ["0", "99999", "9" * 150])
def test_a_user_that_is_not_there(text):
    run = change(start(user=8), "text_input", "who", text)
    assert "There is no user" in warnings(run)
    assert run.header[0].value == "User 8"
    assert len(titles(run)) == 10


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "**x**", "'; --", "영화", "-1", "1.5"]
)
def test_a_search_that_means_nothing(text):
    run = change(start(), "text_input", "who", text)
    assert "Not understood" in warnings(run)
    assert len(titles(run)) == 10


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"user": "abc"}, "user = “abc”"),
        ({"user": "5000"}, "user = “5000”"),
        ({"n": "0"}, "n = “0”"),
        ({"n": "10000"}, "n = “10000”"),
        ({"month": "13"}, "month = “13”"),
        ({"genre": "Telenovela"}, "genre = “Telenovela”"),
        ({"film": "<b>"}, "film = “<b>”"),
        ({"rated": "x" * 10_000}, "rated = “xxx"),
    ],
)
def test_a_link_that_asks_in_vain(params, words):
    run = start(**params)
    assert words in warnings(run)
    assert len(titles(run)) == 10
    run.run()
    assert not run.warning  # said once


def test_a_link_reproduces_the_view():
    first = change(start(user=8), "number_input", "n", 7)
    first = change(first, "selectbox", "genre", "Drama")
    params = dict(first.query_params.items())
    assert params == {"user": "8", "n": "7", "genre": "Drama", "lang": "en"}
    assert titles(start(**params)) == titles(first)


def test_a_new_viewer():
    run = start(tab="new")
    assert any("nothing about you" in box.value for box in run.info)
    anybody = titles(run)
    run = change(run, "selectbox", "gender", "F")
    run = change(run, "selectbox", "age", 25)
    assert any("your profile.**" in box.value for box in run.info)
    run = change(run, "text_input", "find", "star wars")
    run.feedback(key="stars50").set_value(4).run()
    assert any("1 of your ratings" in box.value for box in run.info)
    assert run.query_params["rated"] == "50:5"
    mine = titles(run)
    assert mine != anybody
    assert "Star Wars (1977)" not in mine
    assert titles(start(**dict(run.query_params.items()))) == mine
    next(button for button in run.button if button.label == "Forget them").click().run()
    assert "rated" not in run.query_params


@pytest.mark.parametrize("text", ["<b>", "x" * 200, "$$", "없는 영화"])
def test_a_film_that_is_not_there(text):
    run = change(start(tab="new"), "text_input", "find", text)
    assert any("No film has" in box.value for box in run.info)


def test_an_explanation():
    run = start(user=8)
    next(button for button in run.button if button.label == "Why?").click().run()
    assert not run.exception
    assert {"The score without each field", "What the attention looked at"} <= {
        heading.value for heading in run.subheader
    }
    assert len(run.table[0].value) == 5


def test_two_models_side_by_side():
    run = change(start(), "toggle", "compare", True)
    own, other = (app.load(model).recommend(1) for model in ("autointmlp", "autoint"))
    assert titles(run) == names([*own["movie_id"], *other["movie_id"]])
    shared = len(set(own["movie_id"]) & set(other["movie_id"]))
    assert any(f"In both lists: {shared} of 10" in c.value for c in run.caption)
    assert sum("-badge[in both]" in m.value for m in run.markdown) == 2 * shared
    assert run.table[0].value["ranker"].tolist() == ["movie mean (baseline)", "AutoInt", "AutoInt+"]


def test_korean():
    run = start(lang="ko")
    assert run.title[0].value == "AutoInt+ 영화 추천"
    run = change(run, "text_input", "who", "여성 프로그래머")
    assert any("여성, 프로그래머" in c.value for c in run.caption)
    assert titles(run) == titles(start(user=1))
    run = change(run, "number_input", "n", 4)
    run = change(run, "button_group", "lang", "en")
    assert run.title[0].value == "AutoInt+ film recommender"
    assert len(titles(run)) == 4  # the view stays


def test_without_ml1m_it_runs_on_ml100k_and_says_so():
    assert "this page runs on MovieLens 100K" in start().info[0].value


@pytest.mark.parametrize(
    "error",
    [
        artefacts.ArtefactError("weights.h5 is missing. Restore it with git"),
        DataError("ratings.dat is empty: delete it to have it fetched again"),
    ],
)
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_it_stops_kindly_when_something_is_missing(monkeypatch, error, lang):
    def fail(*_, **__):
        raise error

    app.load.clear()
    monkeypatch.setattr(recommender, "attach", fail)
    run = start(lang=lang)
    (box,) = run.error
    assert str(error) in box.value.replace("\\", "")
    assert titles(run) == []


def test_nothing_shared_is_changed():
    ready = app.load("autointmlp")
    before = ready.library.movies.copy(), ready.data.ratings.copy()
    start(user=8, compare=1, film=50, genre="Drama")
    start(tab="new", rated="50:5,1:1")
    assert ready.library.movies.equals(before[0])
    assert ready.data.ratings.equals(before[1])
