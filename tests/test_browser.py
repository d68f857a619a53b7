"""The real app in a real browser."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from movierec.models.registry import TITLES
from tests import app_server

pytestmark = pytest.mark.skipif(app_server.chromium() is None, reason="no Chromium is installed")
expect.set_options(timeout=app_server.SECONDS * 1000)  # a busy machine may load a model meanwhile
SCRIPTS = {"show_st.py": "autoint", "show_st2.py": "autointmlp"}
# for tests of what both pages share
once = pytest.mark.parametrize("site", ["show_st2.py"], indirect=True)


@pytest.fixture(scope="module")
def opened():
    with app_server.browser() as launched:
        yield launched


@pytest.fixture(scope="module", params=SCRIPTS)
def site(request, ml100k):
    """Address of a running app, and the model it shows."""
    with app_server.serving(request.param) as url:
        yield url, SCRIPTS[request.param]


@pytest.fixture
def page(site, opened):
    page = app_server.open_page(opened, site[0])
    yield page
    assert page.get_by_test_id("stException").count() == 0
    page.close()


def cards(page, model):
    return page.locator(f'[class*="st-key-card-{model}-"]')


def shown(page, model):
    """Each card's title, with its rank."""
    app_server.settled(page)
    texts = cards(page, model).locator("strong").all_inner_texts()
    titles, percents = texts[::2], texts[1::2]
    assert [int(title.split(".")[0]) for title in titles] == list(range(1, len(titles) + 1))
    probabilities = [int(re.search(r"(\d+)%", percent)[1]) for percent in percents]
    if "order=surest" in page.url:
        assert probabilities == sorted(probabilities, reverse=True)
    return titles


def test_a_user(page, site):
    model = site[1]
    first = shown(page, model)
    assert len(first) == 10
    app_server.fill(page, "or a description", "943")
    page.get_by_role("heading", name="User 943").wait_for()
    second = shown(page, model)
    assert second != first

    app_server.fill(page, "How many", "5")
    expect(cards(page, model)).to_have_count(5)
    assert shown(page, model) == second[:5]
    page.get_by_role("button", name="More", exact=True).click()
    app_server.fill(page, "Target year", "2050")
    page.keyboard.press("Escape")
    page.get_by_text("No training rating has rating year 2050").wait_for()
    third = shown(page, model)

    assert "user=943" in page.url
    assert "n=5" in page.url
    page.reload()
    expect(cards(page, model)).to_have_count(5)
    assert shown(page, model) == third


@once
def test_the_order_of_the_list(page, site):
    titles = shown(page, site[1])
    page.get_by_role("radio", name="surest to be liked").click()
    expect(page).to_have_url(re.compile("order=surest"))
    app_server.settled(page)
    assert shown(page, site[1]) != titles


@once
def test_an_explanation(page, site):
    titles = shown(page, site[1])
    title = titles[1].split(". ", 1)[1]
    page.get_by_role("button", name=f"Why? {title}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(title).first.wait_for()
    dialog.get_by_role("table").wait_for()
    dialog.get_by_text("Attention between fields").click()
    dialog.get_by_text("layer 2").click()
    assert "film=" in page.url
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    app_server.settled(page)
    expect(page).not_to_have_url(re.compile("film="))


@once
def test_a_new_viewer(page, site):
    page.get_by_text("You, a new viewer").click()
    page.get_by_text("Based on: nothing about you").wait_for()
    unknown = shown(page, site[1])
    app_server.fill(page, "Find another film", "star wars")
    found = page.locator('[class*="st-key-found-"]')
    found.first.get_by_role("radio").nth(4).click()
    page.get_by_text("your ratings (1)").wait_for()
    own = shown(page, site[1])
    assert own != unknown
    assert "rated=" in page.url
    page.reload()
    page.get_by_text("your ratings (1)").wait_for()
    expect(cards(page, site[1])).to_have_count(10)
    assert shown(page, site[1]) == own


def test_two_models(page, site):
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text(re.compile("^Compare with")).click()
    page.keyboard.press("Escape")
    (other,) = set(TITLES) - {site[1]}
    expect(cards(page, other)).to_have_count(10)
    app_server.settled(page)
    shared = int(re.search(r"(\d+) of 10", page.get_by_text("In both lists:").inner_text())[1])
    assert page.get_by_text("in both", exact=True).count() == 2 * shared
    assert len(set(shown(page, other)) | set(shown(page, site[1]))) >= 10
    page.get_by_text("movie mean (baseline)").first.wait_for()
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
SITES = {"two models": "show_st.py"}  # each page shows the same views, so one is enough
SLOW = ("two models", "Korean")
SITES_AND_VIEWS = [
    pytest.param(
        SITES.get(view, "show_st2.py"), view, marks=[pytest.mark.slow] if view in SLOW else []
    )
    for view in VIEWS
]


def _assert_accessible(page, **options):
    report = Axe().run(page, options={"resultTypes": ["violations"], **options})
    assert report.violations_count == 0, report.generate_report()


@pytest.mark.parametrize(("site", "view"), SITES_AND_VIEWS, indirect=["site"])
def test_accessibility(site, opened, view):
    """axe-core's rules, such as contrast, labels and headings; in dark mode those on colours."""
    url = f"{site[0]}/{VIEWS[view]}"
    page = app_server.open_page(opened, url)
    if view == "an explanation":
        page.get_by_role("dialog").get_by_role("table").wait_for()
    else:
        page.locator(".st-key-quality summary").click()
        page.locator(".st-key-quality svg.marks").wait_for()
    app_server.settled(page)
    _assert_accessible(page)
    app = page.get_by_test_id("stApp")
    page.emulate_media(color_scheme="dark")
    expect(app).to_have_css("color-scheme", "dark")
    app_server.settled(page)
    _assert_accessible(page, runOnly=["color-contrast", "link-in-text-block"])
    page.close()


@once
def test_accessibility_of_an_open_menu_and_on_a_phone(page):
    app_server.settled(page)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_text("Popular or adventurous").wait_for()
    app_server.settled(page)
    _assert_accessible(page)
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 390, "height": 844})
    app_server.settled(page)
    _assert_accessible(page)


@once
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_words_of_buttons_are_whole_at_820_pixels(site, opened, lang):
    page = app_server.open_page(opened, f"{site[0]}/?lang={lang}", {"width": 820, "height": 1180})
    app_server.settled(page)
    random = page.get_by_role("button", name={"en": "Random", "ko": "아무나"}[lang])
    expect(random).to_be_visible()
    cut = "b => [b, ...b.querySelectorAll('*')].some(e => e.scrollWidth > e.clientWidth + 1)"
    assert not random.evaluate(cut)
    app_server.fits_width(page)
    page.close()


@once
def test_the_keyboard_is_enough(page, site):
    """The keyboard opens and closes an explanation, and the focus is visible."""
    button = page.get_by_role("button", name="Why?").first
    app_server.settled(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("b => b === document.activeElement"):
            break
    style = "b => [getComputedStyle(b).outlineStyle, getComputedStyle(b).boxShadow]"
    assert button.evaluate(style) != ["none", "none"]
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("table").wait_for()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")


@once
def test_the_browsers_language_is_the_default_and_the_link_keeps_another(site, opened):
    korean = opened.browser.new_context(locale="ko-KR")
    page = app_server.open_page(korean, site[0])
    page.get_by_text("추천 영화 (높은 순)").wait_for()
    page.get_by_text("English").click()
    heading = page.get_by_role("heading", name="Recommended, best first")
    heading.wait_for()
    app_server.settled(page)
    assert "lang=en" in page.url
    page.reload()
    heading.wait_for()
    korean.close()


@once
def test_an_invalid_link(site, opened):
    query = "?user=999999&n=0&month=13&genre=<img src=x onerror=alert(1)>"
    page = app_server.open_page(opened, site[0] + query)
    for text in ("user = “999999”", "n = “0”", "month = “13”", "genre = “<img"):
        page.get_by_text(text).wait_for()
    assert page.locator('img[src="x"]').count() == 0
    assert len(shown(page, site[1])) == 10
    page.close()


@once
def test_a_phone_needs_no_horizontal_scrolling_and_has_a_link_to_the_films(page):
    heading = page.get_by_role("heading", name="Recommended, best first")
    link = page.get_by_role("link", name="To the recommended films")
    app_server.settled(page)
    expect(heading).to_be_in_viewport()
    expect(link).to_be_hidden()
    page.set_viewport_size({"width": 390, "height": 844})
    app_server.settled(page)
    app_server.fits_width(page)
    expect(heading).not_to_be_in_viewport()
    link.click()
    expect(heading).to_be_in_viewport()
