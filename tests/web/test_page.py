"""The page without a browser."""

import ast
import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from movierec import files
from movierec.data import movielens, schema
from movierec.data.download import NotFoundError
from movierec.data.raw_readers import DataError
from movierec.evaluation import results
from movierec.models.artifacts import ArtifactError
from movierec.web import page, quality, recommendations, under_list, why
from movierec.web.url_state import View

SECONDS = 120  # for a busy machine
PAGES = {"show_st.py": "autoint", "show_st2.py": "autointmlp"}


@pytest.fixture(autouse=True, scope="module")
def on_ml100k(ml100k):
    """All pages run on ML-100K, loaded once."""
    load = movielens.load

    def without_ml1m(name, *arguments, **options):
        if name == "ml-1m":
            raise NotFoundError("ml-1m is not here")
        return load(name, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(movielens, "load", without_ml1m)
        page.load.clear()
        page.load_lookups.clear()
        yield
    page.load.clear()
    page.load_lookups.clear()


def start(script="show_st2.py", **params):
    run = AppTest.from_file(str(files.ROOT / script), default_timeout=SECONDS)
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
    """Titles on the cards, without Markdown's escapes."""
    lines = [m.value for m in run.markdown if m.value.startswith("**") and ":small[" in m.value]
    return [line.split("\\. ", 1)[1].split("**")[0].replace("\\", "") for line in lines]


def names(movie_ids):
    lookups = page.load_lookups()
    return [lookups.name(movie_id) for movie_id in movie_ids]


def warnings(run):
    return " ".join(box.value.replace("\\", "") for box in run.warning)


@pytest.mark.parametrize("script", PAGES)
def test_the_page_shows_the_recommenders_list(script):
    run = start(script)
    recommender = page.load(PAGES[script])
    for user_id in (1, 8, 943):
        run = change(run, "text_input", "who", str(user_id))
        assert titles(run) == names(recommender.recommend(user_id)["movie_id"])
        assert run.header[0].value == f"User {user_id}"


@pytest.mark.parametrize("model", PAGES.values())
def test_the_pages_list_is_the_recommenders_for_60_users(model):
    recommender = page.load(model)
    users = np.random.default_rng(0).choice(recommender.data.users["user_id"], 60, replace=False)
    for user_id in users.tolist():
        view = View(user=user_id, n=12, year=1998, month=3)
        scored = recommender.candidates(user_id, view.year, view.month)
        shown = recommendations.ranked(recommender, scored, view)
        expected = recommender.recommend(user_id, 12, 1998, 3)
        assert shown[list(expected)].equals(expected)
        assert shown["rank"].tolist() == list(range(1, 13))


def test_the_profile_shows_words_not_codes():
    run = start(user=1)
    user = page.load_lookups().user(1)
    (text,) = (m.value for m in run.markdown if "zip code" in m.value)
    assert schema.OCCUPATIONS[user["occupation"]] in text
    assert schema.AGE_GROUPS[user["age"]] in text
    assert ("woman" in text) == (user["gender"] == "F")


def test_number_year_month_and_filters():
    run = change(start(), "number_input", "n", 25)
    run = change(run, "number_input", "year", 2050)
    run = change(run, "number_input", "month", 7)
    expected = page.load("autointmlp").recommend(1, 25, 2050, 7)
    assert titles(run) == names(expected["movie_id"])
    assert any("No training rating has rating year 2050" in c.value for c in run.caption)
    run = change(run, "selectbox", "genre", "War")
    run = change(run, "selectbox", "decade", 1990)
    run = change(run, "toggle", "fresh", True)
    assert 0 < len(titles(run)) < 25
    assert any("Unseen films that pass these filters" in c.value for c in run.caption)


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


NO_USER = [(text, "There is no user") for text in ("0", "99999", "9" * 150)]
NO_WORD = [(text, "Not recognised") for text in ("<script>alert(1)</script>", "**x**", "영화")]


@pytest.mark.parametrize(("text", "words"), NO_USER + NO_WORD)
def test_a_search_without_a_match_keeps_the_user(text, words):
    run = change(start(user=8), "text_input", "who", text)
    assert words in warnings(run)
    assert run.header[0].value == "User 8"
    assert len(titles(run)) == 10


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"user": "5000"}, "user = “5000”"),
        ({"n": "10000"}, "n = “10000”"),
        ({"genre": "Telenovela"}, "genre = “Telenovela”"),
        ({"film": "<b>"}, "film = “<b>”"),
        ({"rated": "x" * 10_000}, "rated = “xxx"),
    ],
)
def test_an_invalid_link(params, words):
    run = start(**params)
    assert words in warnings(run)
    assert len(titles(run)) == 10
    run.run()
    assert not run.warning  # shown once


def test_a_link_reproduces_the_view():
    first = change(start(user=8), "number_input", "n", 7)
    first = change(first, "selectbox", "genre", "Drama")
    params = dict(first.query_params.items())
    assert params == {"user": "8", "n": "7", "genre": "Drama", "lang": "en"}
    assert titles(start(**params)) == titles(first)


def test_a_new_viewer():
    run = start(tab="new")
    assert any("nothing about you" in box.value for box in run.info)
    unknown = titles(run)
    run = change(run, "selectbox", "gender", "F")
    run = change(run, "selectbox", "age", 25)
    assert any("your profile.**" in box.value for box in run.info)
    run = change(run, "text_input", "find", "star wars")
    run = change(run, "button_group", "stars-found-50", 5)
    assert any("your ratings (1)" in box.value for box in run.info)
    assert any("films are new** since you changed" in box.value for box in run.info)
    assert run.text_input(key="find").value == ""
    assert run.query_params["rated"] == "50:5"
    own = titles(run)
    assert own != unknown
    assert "Star Wars (1977)" not in own
    assert titles(start(**dict(run.query_params.items()))) == own
    next(button for button in run.button if button.label == "Clear ratings").click().run()
    assert "rated" not in run.query_params


@pytest.mark.parametrize(
    ("text", "words"),
    [("$$", "is called “$$”. The data end with films of 1998"), ("matrilda", "titles are similar")],
)
def test_an_unknown_title(text, words):
    run = change(start(tab="new"), "text_input", "find", text)
    assert any(words in box.value.replace("\\", "") for box in run.info)


@pytest.mark.parametrize(
    ("zipcode", "words"), [("ABCDE", "is not a US zip code"), ("00001", "Nobody in the data")]
)
def test_a_zip_code_that_the_model_cannot_use(zipcode, words):
    assert words in warnings(start(tab="new", zip=zipcode))


def test_how_many_emptied_is_ten():
    run = change(start(n=3), "number_input", "n", None)
    assert run.number_input(key="n").value == 10
    assert len(titles(run)) == 10


def raters(run):
    """Number of ratings on each card."""
    texts = [m.value for m in run.markdown if "rated by" in m.value]
    return [int(re.search(r"rated by (\d+)", text)[1]) for text in texts]


def test_the_mean_rating_stays_on_the_line_of_its_word():
    texts = [m.value for m in start(user=8).markdown if "rated by" in m.value]
    assert all(re.search(r"people, mean\xa0[1-5]\.\d", text) for text in texts)


def test_filters_by_number_of_raters_and_adventure():
    assert min(raters(start(user=8, raters=200))) >= 200
    adventurous, popular = (raters(start(user=8, adventure=step)) for step in (2, -2))
    assert np.median(adventurous) < np.median(popular)


def test_a_list_whose_best_film_is_unlikely_to_be_liked_says_so():
    run = start(user=13, genre="Horror")
    assert "Even the best film of this list" in warnings(run)
    assert "Even the best film" not in warnings(start(user=8))


def test_the_download_names_the_view():
    view = View(n=3)
    recommender = page.load("autointmlp")
    movies = recommendations.ranked(recommender, recommender.candidates(42), view)
    lists = {"autointmlp": movies, "autoint": movies}
    assert under_list.file_name(42, lists, (2000, 3), view) == (
        "user-42-autointmlp-autoint-for-you-2000-03.csv"
    )
    table = under_list.table(42, lists, (2000, 3), view)
    assert table["model"].tolist() == ["AutoInt+"] * 3 + ["AutoInt"] * 3
    assert list(table)[:6] == ["user", "model", "order", "year", "month", "rank"]
    undated = {"autointmlp": movies}
    assert under_list.file_name(42, undated, None, view) == "user-42-autointmlp-for-you.csv"
    table = under_list.table(42, undated, None, view)
    assert list(table)[:4] == ["user", "model", "order", "rank"]


def test_without_an_evaluation_of_the_test_rows(tmp_path):
    assert quality.committed(tmp_path).empty
    table = pd.DataFrame({"protocol": ["full-ranking"], "ranker": ["EASE"]})
    results.write(table, tmp_path / "evaluation.csv")
    st.cache_data.clear()
    assert quality.committed(tmp_path).empty
    assert quality.calibration(tmp_path, "autoint") is None


@pytest.mark.parametrize("content", [b"", b"\xff\x00,", b"a,b\n1,2\n", None])
def test_a_damaged_table_is_as_if_it_was_missing(tmp_path, caplog, content):
    for name in ("evaluation", "explanations"):
        with_text = results.path("ml-100k", name).read_bytes().replace(b"0.", b"x.")
        (tmp_path / f"{name}.csv").write_bytes(with_text if content is None else content)
    st.cache_data.clear()
    assert quality.committed(tmp_path).empty
    assert quality.calibration(tmp_path, "autoint") is None
    assert quality.agreement(tmp_path, "autoint") is None
    assert "run `make evaluate`" in caplog.text


def test_an_explanation():
    run = start(user=8)
    next(button for button in run.button if button.label.startswith("Why?")).click().run()
    assert not run.exception
    assert [heading.value for heading in run.subheader] == [
        "Rated films with the most similar embeddings",
        "What each field adds",
    ]
    assert len(run.table[0].value) == 5


GAVE = r"[1-5] to \*\*.+\(\d{4}\)\*\*"
SENTENCES = [
    ({"user": 8}, rf"This person gave {GAVE}(, {GAVE})* and {GAVE}\. People who liked the same"),
    ({"tab": "new", "rated": "50:5"}, r"You gave 5 to \*\*Star Wars \(1977\)\*\*\. People who"),
]


@pytest.mark.parametrize(("params", "begins"), SENTENCES)
def test_an_explanation_begins_with_the_ratings_that_count(params, begins):
    run = start(film=174, **params)
    sentences = [m.value.replace("\\", "") for m in run.markdown if "to be rated 4" in m.value]
    assert re.match(rf"{begins}.* \*\*Raiders of .*\*\*: >?\d+% likely", sentences[-1])


def test_no_probability_is_100_percent(monkeypatch):
    found = why.explain

    def certain(*arguments):
        return dataclasses.replace(found(*arguments), probability=0.9999)

    monkeypatch.setattr(why, "explain", certain)
    run = start(film=174)
    texts = [element.value for element in (*run.markdown, *run.caption) if ">99%" in element.value]
    assert any("likely to be rated" in text for text in texts)
    assert any("log-odds" in text for text in texts)


@pytest.mark.parametrize(("model", "noted"), [("autoint", True), ("autointmlp", False)])
def test_whose_lists_out_of_all_films_were_evaluated(model, noted):
    def show(model):
        from movierec.web import quality, texts

        quality.show_whole_catalogue("ml-1m", model, texts.LANGUAGES["en"])

    run = AppTest.from_function(show, args=(model,), default_timeout=SECONDS).run()
    assert "AutoInt+, for you" in set(run.table[0].value["ranker"])
    assert any("AutoInt was not evaluated" in caption.value for caption in run.caption) == noted


def test_two_models_side_by_side():
    run = change(start(), "toggle", "compare", True)
    own, other = (page.load(model).recommend(1) for model in ("autointmlp", "autoint"))
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
    assert len(titles(run)) == 4  # the view is unchanged


def test_without_ml1m_it_runs_on_ml100k_with_a_note():
    assert "this page runs on MovieLens 100K" in start().info[0].value


@pytest.mark.parametrize("kind", [ArtifactError, DataError])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_missing_file_is_an_error_message(monkeypatch, kind, lang):
    error = kind("weights.h5 is missing. Restore it with git")

    def fail(*_, **__):
        raise error

    page.load.clear()
    monkeypatch.setattr(page, "attach", fail)
    run = start(lang=lang)
    (box,) = run.error
    assert str(error) in box.value.replace("\\", "")
    assert titles(run) == []


def test_nothing_shared_is_changed():
    recommender = page.load("autointmlp")
    before = recommender.lookups.movies.copy(), recommender.data.ratings.copy()
    start(user=8, compare=1, film=50, genre="Drama")
    start(tab="new", rated="50:5,1:1")
    assert recommender.lookups.movies.equals(before[0])
    assert recommender.data.ratings.equals(before[1])


def assert_failed(run, caplog):
    """The page shows a sentence with a reference, and the log has that reference and the error."""
    (box,) = run.error
    assert "a secret" not in box.value
    reference = box.value.split(": ")[1]
    assert f"reference {reference}" in caplog.text
    assert "a secret" in caplog.text
    assert not run.exception


def fail(*arguments):
    raise ZeroDivisionError("a secret")


PLACES = ["recommendations.ranked", "cards.show", "controls.show", "why.explain", "why.nearest"]


@pytest.mark.parametrize("place", PLACES)
def test_an_unexpected_error_shows_a_sentence_and_is_in_the_log(monkeypatch, caplog, place):
    monkeypatch.setattr(f"movierec.web.{place}", fail)
    assert_failed(start(film=50), caplog)


CALLBACKS = [
    ("state.rate", {"tab": "new", "rated": "50:5"}, ("button_group", "stars-rate-50"), None),
    ("controls._keep_a_number", {"n": 3}, ("number_input", "n"), None),
]


@pytest.mark.parametrize(("place", "params", "widget", "value"), CALLBACKS)
def test_an_unexpected_error_in_a_callback(monkeypatch, caplog, place, params, widget, value):
    monkeypatch.setattr(f"movierec.web.{place}", fail)
    run = change(start(**params), *widget, value)
    assert_failed(run, caplog)
    assert titles(run)
    assert not run.run().error  # shown once


def test_every_callback_is_guarded():
    keywords = [
        keyword
        for path in Path(page.__file__).parent.glob("*.py")
        for keyword in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(keyword, ast.keyword)
        and keyword.arg in ("on_click", "on_change", "on_dismiss")
    ]
    callbacks = [
        keyword.value for keyword in keywords if not isinstance(keyword.value, ast.Constant)
    ]
    assert len(callbacks) > 8
    assert all(ast.unparse(value).startswith("guard.callback(") for value in callbacks)
