"""The page's states, without a browser."""

import pytest
from streamlit.testing.v1 import AppTest

from movierec import app, artefacts, datasets, recommender
from movierec.rawfiles import DataError
from movierec.sources import NotFoundError

SECONDS = 120  # TensorFlow's import alone can take half a minute on a busy machine
PAGES = {"show_st.py": "autoint", "show_st2.py": "autointmlp"}


@pytest.fixture(autouse=True)
def fresh_cache():
    app._load.clear()
    yield
    app._load.clear()


def start(page="show_st2.py"):
    run = AppTest.from_file(str(artefacts.ROOT / page), default_timeout=SECONDS).run()
    assert not run.exception
    return run


def fill(run, **values):
    """Fill the form, press the button."""
    for label, value in values.items():
        (field,) = (box for box in run.number_input if box.label.lower().startswith(label))
        field.set_value(value)
    run.button[0].click().run()
    assert not run.exception
    return run


def films(run):
    return run.table[0].value


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_what_the_recommender_says(ml100k, page):
    run = start(page)
    ready = app._load(PAGES[page])
    users = [int(user) for user in ready.data.users["user_id"].iloc[[0, 7, -1]]]
    for user_id in users:
        run = fill(run, user=user_id)
        expected = ready.recommend(user_id)
        assert films(run)["film"].tolist() == expected["title"].tolist()
        assert films(run)["rank"].tolist() == list(range(1, 11))
        shown = [float(text.rstrip("%")) for text in films(run)["probability"]]
        assert shown == sorted(shown, reverse=True)
        assert run.subheader[0].value == f"User {user_id}"


def test_words_not_codes(ml100k):
    run = start()
    user = app._load("autointmlp").user(1)
    (text,) = (m.value for m in run.markdown if "zip code" in m.value)
    assert datasets.OCCUPATIONS[user["occupation"]] in text
    assert datasets.AGE_GROUPS[user["age"]] in text
    assert ("woman" in text) == (user["gender"] == "F")


def test_liked_films_are_newest_first(ml100k):
    run = fill(start(), user=2)
    liked = run.dataframe[0].value
    assert (liked["rating"] >= 4).all()
    assert liked["rated on"].is_monotonic_decreasing


def test_number_year_and_month(ml100k):
    run = fill(start(), how=25, **{"target year": 2050, "target month": 7})
    assert len(films(run)) == 25
    assert any("No training rating is from year 2050" in c.value for c in run.caption)
    expected = app._load("autointmlp").recommend(1, 25, 2050, 7)
    assert films(run)["film"].tolist() == expected["title"].tolist()


def test_without_ml1m_it_runs_on_ml100k_and_says_so(ml100k, monkeypatch):
    load = recommender.load

    def absent(model, dataset, **options):
        if dataset == "ml-1m":
            raise NotFoundError("ml-1m is not here")
        return load(model, dataset, **options)

    monkeypatch.setattr(recommender, "load", absent)
    run = start()
    assert "this page runs on MovieLens 100K" in run.info[0].value
    assert len(films(run)) == 10


@pytest.mark.parametrize(
    "error",
    [
        artefacts.ArtefactError("weights.h5 is missing. Restore it with git"),
        DataError("ratings.dat is empty: delete it to have it fetched again"),
    ],
)
def test_it_stops_kindly_when_something_is_missing(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(recommender, "load", fail)
    run = start()
    assert [str(error) in box.value for box in run.error] == [True]
    assert not run.table


def test_a_request_that_cannot_be_answered(ml100k, monkeypatch):
    monkeypatch.setattr(app, "MOST", 5000)
    run = fill(start(), how=5000)
    assert "That cannot be answered: n is 5000" in run.error[0].value
    assert not run.table
