"""Going back and forward, finding things, and rating films, in a real browser."""

import re

import pandas as pd
import pytest
from playwright.sync_api import expect

from tests import app_server
from tests.app_server import fill, settled

pytestmark = pytest.mark.skipif(app_server.chromium() is None, reason="no Chromium is installed")
expect.set_options(timeout=app_server.SECONDS * 1000)


@pytest.fixture(scope="module")
def opened():
    with app_server.browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def url(ml100k):
    with app_server.serving("show_st2.py") as address:
        yield address


@pytest.fixture
def visit(opened, url):
    """A function that opens the app with a query; at the end no page may show an exception."""
    pages = []

    def visit(query="", **options):
        page = app_server.open_page(opened, f"{url}/{query}", **options)
        settled(page)
        pages.append(page)
        return page

    yield visit
    for page in pages:
        assert page.get_by_test_id("stException").count() == 0
        page.close()


def first_title(page):
    return page.locator(app_server.CARD).first.locator("strong").first


def test_each_change_is_one_step_back_and_forward(visit, url):
    page = visit("?user=8")
    heading = page.get_by_role("heading", level=2).first
    start = first_title(page).inner_text()
    fill(page, "or a description", "943")
    expect(heading).to_have_text("User 943")
    settled(page)
    chosen = first_title(page).inner_text()
    page.get_by_role("radio", name="surest to be liked").click()
    expect(page).to_have_url(re.compile("order=surest"))
    settled(page)
    page.get_by_role("button", name="Why?").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("table").wait_for()
    settled(page)
    expect(page).to_have_url(re.compile("film="))

    page.go_back()
    dialog.wait_for(state="detached")
    expect(page).to_have_url(re.compile("order=surest"))
    settled(page)
    page.go_back()
    expect(first_title(page)).to_have_text(chosen)
    expect(page).not_to_have_url(re.compile("order="))
    settled(page)
    page.go_back()
    expect(heading).to_have_text("User 8")
    expect(first_title(page)).to_have_text(start)
    expect(page.locator('input[aria-label$="or a description"]')).to_have_value("8")
    settled(page)
    page.go_forward()
    expect(heading).to_have_text("User 943")
    settled(page)
    page.go_forward()
    expect(page).to_have_url(re.compile("order=surest"))
    settled(page)
    assert "film=" not in page.url
    for _ in range(2):
        page.go_back()
        settled(page)
    page.go_back()  # from the first view, back to where the visitor came from
    expect(page).to_have_url("about:blank")


def test_two_changes_at_the_same_moment(visit):
    """As on a busy computer: Streamlit gets one message and reruns the first one's fragment."""
    page = visit("?user=8&film=318")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Attention between fields").click()
    dialog.get_by_role("radio", name="layer 2").evaluate(
        """async layer => {
            layer.click();
            await null;  // the page handles the click now, its timers come later
            layer.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape", bubbles: true}));
        }"""
    )
    dialog.wait_for(state="detached")
    expect(page).not_to_have_url(re.compile("film="))

    settled(page)
    order = page.get_by_role("radio", name="surest to be liked")
    language = page.get_by_role("radio", name="한국어").element_handle()
    order.evaluate(
        "async (order, other) => { order.click(); await null; other.click(); }", language
    )
    page.get_by_role("heading", name="추천 영화").wait_for()
    expect(page).to_have_url(re.compile("lang=ko.*order=surest"))


FOUND = {
    "the godfather": "Godfather, The (1972)",
    "titanic 1997": "Titanic (1997)",
    "schindler’s list": "Schindler's List (1993)",
    "wallace and gromit": "Wallace & Gromit: The Best of Aardman Animation (1996)",
    "쉰들러 리스트": "Schindler's List (1993)",
    "shindlers lsit": "Schindler's List (1993)",
}


def test_films_are_found_however_they_are_spelt(visit):
    page = visit("?tab=new")
    for text, title in FOUND.items():
        fill(page, "Find another film", text)
        found = page.locator('[class*="st-key-found-"]').first
        expect(found).to_contain_text(title)
    expect(page.get_by_text("these titles are similar")).to_be_visible()
    fill(page, "Find another film", "inception")
    expect(page.get_by_text(re.compile("The data end with films of (1998|2000)"))).to_be_visible()


def test_a_user_by_number_with_and_without_words(visit):
    page = visit("?user=8")
    heading = page.get_by_role("heading", level=2).first
    for text, user in (("user 42", "User 42"), ("#43", "User 43")):
        fill(page, "or a description", text)
        expect(heading).to_have_text(user)


def test_a_description_with_an_unknown_word_is_refused(visit):
    page = visit("?user=8")
    fill(page, "or a description", "hates xyzzy")
    expect(page.get_by_text("Not recognised: xyzzy")).to_be_visible()
    expect(page.get_by_role("heading", level=2).first).to_have_text("User 8")


def test_a_description_excludes_has_pages_and_stays_in_the_address(visit):
    page = visit("?user=8")
    fill(page, "or a description", "man not student hates romance")
    expect(page.get_by_text("Searching for: man, not college/grad student")).to_be_visible()
    fill(page, "or a description", "man 25-34")
    settled(page)
    matches = page.locator('[class*="st-key-match"] button').filter(has_text="man")
    first = matches.all_inner_texts()
    page.get_by_label("Next page").first.click()
    expect(matches.first).not_to_have_text(first[0])
    settled(page)
    matches.first.click()
    expect(page.get_by_role("heading", level=2).first).not_to_have_text("User 8")
    settled(page)
    heading = page.get_by_role("heading", level=2).first.inner_text()
    assert "who=man" in page.url
    page.reload()
    expect(page.locator('input[aria-label$="or a description"]')).to_have_value("man 25-34")
    expect(page.get_by_role("heading", level=2).first).to_have_text(heading)


RATED = '[class*="st-key-rate-"]'  # the rows of a new viewer


def rows(page):
    """The place on the page, in pixels from the top, of each movie that a new viewer can rate."""
    page.locator(RATED).nth(11).wait_for()
    settled(page)
    scrolled = page.get_by_test_id("stMain").evaluate("main => main.scrollTop")
    boxes = page.locator(RATED).all()
    tops = [round(box.bounding_box()["y"] + scrolled) for box in boxes]
    return {box.inner_text().split("\n")[0]: top for box, top in zip(boxes, tops, strict=True)}


def test_a_new_viewers_taste(visit):
    page = visit("?tab=new")
    before = rows(page)
    assert 12 <= len(before) <= 20
    star = page.locator(RATED).nth(2).get_by_role("radio").nth(4)
    star.click()
    page.get_by_text("your ratings (1)").wait_for()
    expect(page.get_by_text(re.compile(r"\d+ of 10 films are new"))).to_be_visible()
    expect(page.get_by_text("Because").first).to_be_visible()
    settled(page)
    assert rows(page) == before
    star.click()  # the same place again: the same film
    page.get_by_text("nothing about you").wait_for()
    settled(page)
    assert rows(page) == before

    fill(page, "Find another film", "les miserables")
    page.locator('[class*="st-key-found-"]').first.get_by_role("radio").nth(3).click()
    page.get_by_text("your ratings (1)").wait_for()
    expect(page.locator('input[aria-label$="Find another film"]')).to_have_value("")
    settled(page)
    assert list(rows(page).items())[:-1] == list(before.items())


def test_stars_on_a_phone_are_44_pixels(visit):
    page = visit("?tab=new", viewport={"width": 390, "height": 844})
    stars = page.get_by_role("radio", name="of 5")
    stars.nth(59).wait_for()
    settled(page)
    boxes = [star.bounding_box() for star in stars.all()]
    assert min(min(box["width"], box["height"]) for box in boxes) >= 44
    app_server.fits_width(page)


SEARCHES = {
    "IMDb": "https://www.imdb.com/find/?q=",
    "TMDB": "https://www.themoviedb.org/search/movie?query=",
}


def test_a_card_can_be_saved_hidden_rated_and_opened_elsewhere(visit):
    page = visit("?user=8")
    title = first_title(page).inner_text().split(". ", 1)[1]

    def menu():
        page.get_by_role("button", name=f"More about {title}").click()
        page.get_by_text("Seen it?").wait_for()
        settled(page)

    menu()
    for name, address in SEARCHES.items():
        link = page.get_by_role("link", name=name)
        assert link.get_attribute("href").startswith(address)
    page.get_by_text("Add to the watch list").click()
    page.get_by_text("Watch list (1)").wait_for()
    settled(page)
    menu()
    page.get_by_text("Not interested", exact=True).click()
    expect(first_title(page)).not_to_contain_text(title)
    expect(page).to_have_url(re.compile("hidden=.*watch="))
    page.get_by_role("button", name="Not interested: 1").click()
    expect(first_title(page)).to_contain_text(title)
    settled(page)
    menu()
    page.get_by_role("radiogroup", name=f"Your rating of {title}").get_by_role("radio").nth(
        4
    ).click()
    expect(page).to_have_url(re.compile("seen="))
    expect(first_title(page)).not_to_contain_text(title)


def test_more_like_a_film(visit):
    page = visit("?user=8")
    titles = page.locator(f"{app_server.CARD} strong:first-child").all_inner_texts()
    title = first_title(page).inner_text().split(". ", 1)[1]
    page.get_by_role("button", name=f"More about {title}").click()
    page.get_by_role("button", name="More like this").click()
    page.get_by_role("button", name=f"Like {title}").wait_for()
    settled(page)
    assert "like=" in page.url
    assert page.locator(f"{app_server.CARD} strong:first-child").all_inner_texts() != titles


def test_the_download_has_both_lists_and_is_named_after_them(visit, tmp_path):
    page = visit("?user=8&n=3&compare=1")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    name = download.value.suggested_filename
    assert re.fullmatch(r"user-8-autointmlp-autoint-for-you-\d{4}-\d\d\.csv", name)
    download.value.save_as(tmp_path / name)
    table = pd.read_csv(tmp_path / name)
    assert (table["user"] == 8).all()
    assert table["model"].tolist() == ["AutoInt+"] * 3 + ["AutoInt"] * 3
    expect(first_title(page)).to_contain_text(f"1. {table['title'].iloc[0]}")


def test_another_user_has_an_unfiltered_history(visit):
    page = visit("?user=8")
    page.get_by_role("tab", name="All ratings").click()
    fill(page, "Search the titles", "zzz")
    page.get_by_text("No rated film is called").wait_for()
    fill(page, "or a description", "943")
    expect(page.get_by_role("heading", level=2).first).to_have_text("User 943")
    settled(page)
    expect(page.get_by_label("Search the titles")).to_have_value("")
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()


def test_the_other_models_page_has_the_same_view(visit):
    page = visit("?user=8&order=surest&n=3")
    page.get_by_role("link", name="This view in AutoInt").click()
    page.get_by_role("heading", name="AutoInt film recommender").wait_for()
    expect(page.locator(app_server.CARD)).to_have_count(3)
    settled(page)
    assert "user=8" in page.url
    assert "order=surest" in page.url
    page.go_back()
    page.get_by_role("heading", name="AutoInt+ film recommender").wait_for()
    expect(page.locator(app_server.CARD)).to_have_count(3)
