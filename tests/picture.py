"""Take the README's pictures: `make picture`."""

from playwright.sync_api import expect

from movierec import files
from tests import app_server

FOLDER = files.ROOT / "docs"
USER = "?user=42&lang=en"
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


def take(opened, url: str, name: str, viewport: dict, settle=None) -> None:
    """Write a picture of the page at `url`; `settle(page)` is called first, if given."""
    page = app_server.open_page(opened, url, viewport=viewport)
    app_server.settled(page)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    page.wait_for_timeout(1500)  # for the charts
    if settle:
        settle(page)
        page.wait_for_timeout(500)
    page.screenshot(path=FOLDER / name)
    page.close()
    print(f"docs/{name}")


def to_the_films(page) -> None:
    """Go to the recommendations."""
    page.get_by_role("link", name="To the recommended films").click()


if __name__ == "__main__":
    with app_server.serving("show_st2.py") as url, app_server.browser() as opened:
        take(opened, url + USER, "app.png", DESKTOP)
        take(opened, url + USER + "&film=1210", "why.png", DESKTOP)
        take(opened, url + USER, "phone.png", PHONE, to_the_films)
