"""The real app in a real browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from movierec.settings import TITLES
from tests import serving

pytestmark = pytest.mark.skipif(serving.chromium() is None, reason="no Chromium is installed")
expect.set_options(timeout=serving.SECONDS * 1000)  # a busy machine may load a model meanwhile
SCRIPTS = {"show_st.py": "autoint", "show_st2.py": "autointmlp"}


@pytest.fixture(scope="module")
def opened():
    with serving.browser() as launched:
        yield launched


@pytest.fixture(scope="module", params=SCRIPTS)
def site(request, ml100k):
    """Address of a running app, and the model it shows."""
    with serving.serving(request.param) as url:
        yield url, SCRIPTS[request.param]


@pytest.fixture
def page(site, opened):
    page = serving.open_page(opened, site[0], locale="en-US")
    yield page
    assert page.get_by_test_id("stException").count() == 0
    page.close()


def shown(page, model):
    """Each card's first line and probability."""
    serving.settled(page)
    cards = page.locator(f'[class*="st-key-card-{model}-"]')
    titles = cards.locator("strong").all_inner_texts()
    bars = cards.get_by_test_id("stProgress").all_inner_texts()
    ranks = [int(title.split(".")[0]) for title in titles]
    assert ranks == list(range(1, len(titles) + 1))
    probabilities = [float(re.search(r"([\d.]+)%", bar)[1]) for bar in bars]
    assert probabilities == sorted(probabilities, reverse=True)
    return titles


def cards(page, model):
    return page.locator(f'[class*="st-key-card-{model}-"]')


def fill(page, label, text):
    box = page.locator(f'input[aria-label="{label}"]')
    box.fill(str(text))
    box.press("Enter")


def describe(page, text):
    box = page.locator('input[aria-label$="or a description"]')
    box.fill(text)
    box.press("Enter")


def test_a_persons_way(page, site):
    model = site[1]
    first = shown(page, model)
    assert len(first) == 10
    describe(page, "943")
    page.get_by_role("heading", name="User 943").wait_for()
    second = shown(page, model)
    assert second != first

    fill(page, "How many", 5)
    expect(cards(page, model)).to_have_count(5)
    assert shown(page, model) == second[:5]
    fill(page, "Target year", 2050)
    page.get_by_text("No training rating is from rated in year 2050").wait_for()
    third = shown(page, model)

    assert "user=943" in page.url
    assert "n=5" in page.url
    page.reload()
    expect(cards(page, model)).to_have_count(5)
    assert shown(page, model) == third


def test_a_user_by_description(page):
    describe(page, "woman student, likes drama")
    page.get_by_text("Understood: woman, college/grad student, Drama").wait_for()
    match = page.get_by_role("button", name=re.compile(r"^\d+ · woman")).first
    number = match.inner_text().split(" ")[0]
    match.click()
    page.get_by_role("heading", name=f"User {number}").wait_for()


def test_an_explanation(page, site):
    titles = shown(page, site[1])
    page.get_by_role("button", name="Why?").nth(1).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(titles[1].split(". ", 1)[1]).first.wait_for()
    dialog.get_by_text("layer 2").click()
    dialog.get_by_role("table").wait_for()
    assert "film=" in page.url
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    serving.settled(page)
    expect(page).not_to_have_url(re.compile("film="))


def test_a_new_viewer(page, site):
    page.get_by_text("You, a new viewer").click()
    page.get_by_text("Used: nothing about you").wait_for()
    anybody = shown(page, site[1])
    fill(page, "Find a film by its title", "star wars")
    page.get_by_test_id("stFeedback").first.get_by_role("button").or_(
        page.get_by_test_id("stFeedback").first.get_by_role("radio")
    ).nth(4).click()
    page.get_by_text("1 of your ratings").wait_for()
    mine = shown(page, site[1])
    assert mine != anybody
    assert "rated=" in page.url
    page.reload()
    page.get_by_text("1 of your ratings").wait_for()
    expect(cards(page, site[1])).to_have_count(10)
    assert shown(page, site[1]) == mine


def test_two_models(page, site):
    page.get_by_text(re.compile("^Compare with")).click()
    (other,) = set(TITLES) - {site[1]}
    expect(cards(page, other)).to_have_count(10)
    serving.settled(page)
    shared = int(re.search(r"(\d+) of 10", page.get_by_text("In both lists:").inner_text())[1])
    assert page.get_by_text("in both", exact=True).count() == 2 * shared
    assert len(set(shown(page, other)) | set(shown(page, site[1]))) >= 10
    page.get_by_text("movie mean (baseline)").wait_for()
    cards(page, other).first.get_by_role("button", name="Why?").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(f"Why this film? · {TITLES[other]}").wait_for()
    dialog.get_by_role("table").wait_for()
    assert "theirs=1" in page.url


VIEWS = {
    "a user": "?user=8",
    "a new viewer": "?tab=new&gender=F&rated=50:5,1:4",
    "two models": "?user=8&compare=1",
    "an explanation": "?user=8&film=50",
    "Korean": "?user=8&lang=ko",
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_everybody_can_use_it(site, opened, scheme, view):
    """Contrast, labels, order of headings and the like, as axe-core's rules have them."""
    page = serving.open_page(opened, site[0] + "/" + view, locale="en-US", color_scheme=scheme)
    if "film=" in view:
        page.get_by_role("dialog").get_by_role("table").wait_for()
    else:
        page.locator(".st-key-quality summary").click()
        page.locator(".st-key-quality svg.marks").wait_for()
    serving.settled(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()


def test_without_a_mouse(page, site):
    """The keyboard alone opens an explanation and closes it, and focus shows where it is."""
    button = page.get_by_role("button", name="Why?").first
    serving.settled(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("b => b === document.activeElement"):
            break
    outline = button.evaluate(
        "b => [getComputedStyle(b).outlineStyle, getComputedStyle(b).boxShadow]"
    )
    assert outline != ["none", "none"]
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("table").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


def test_korean(page):
    page.get_by_text("한국어").click()
    page.get_by_text("추천 영화 (높은 순)").wait_for()
    serving.settled(page)
    assert "lang=ko" in page.url
    page.reload()
    page.get_by_text("추천 영화 (높은 순)").wait_for()


def test_the_browsers_language_is_the_default(site, opened):
    page = serving.open_page(opened, site[0], locale="ko-KR")
    page.get_by_text("추천 영화 (높은 순)").wait_for()
    page.close()


def test_a_link_that_asks_in_vain(site, opened):
    query = "?user=999999&n=0&month=13&genre=<img src=x onerror=alert(1)>"
    page = serving.open_page(opened, site[0] + query, locale="en-US")
    for text in ("user = “999999”", "n = “0”", "month = “13”", "genre = “<img"):
        page.get_by_text(text).wait_for()
    assert page.locator('img[src="x"]').count() == 0
    assert len(shown(page, site[1])) == 10
    page.close()


def test_a_phone_needs_no_sideways_scrolling_and_has_a_way_down(site, opened):
    page = serving.open_page(
        opened, site[0], viewport={"width": 390, "height": 844}, locale="en-US"
    )
    serving.settled(page)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("m => m.scrollWidth <= m.clientWidth")
    heading = page.get_by_role("heading", name="Recommended, best first")
    expect(heading).not_to_be_in_viewport()
    page.get_by_role("link", name="To the recommended films").click()
    expect(heading).to_be_in_viewport()
    page.close()


def test_a_wide_page_shows_the_films_without_a_way_down(page):
    expect(page.get_by_role("heading", name="Recommended, best first")).to_be_in_viewport()
    expect(page.get_by_role("link", name="To the recommended films")).to_be_hidden()
