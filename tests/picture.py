"""Take the README's pictures: `make picture`."""

from movierec import artefacts
from tests import serving

FOLDER = artefacts.ROOT / "docs"
USER = "?user=42&lang=en"
DESKTOP = {"width": 1280, "height": 1060}
PHONE = {"width": 390, "height": 844}


def take(opened, url: str, name: str, viewport: dict, settle=None) -> None:
    """One picture of the page at `url`, after `settle` has done what it likes with it."""
    page = serving.open_page(opened, url, viewport=viewport)
    serving.settled(page)
    page.wait_for_timeout(1500)  # charts draw themselves
    if settle:
        settle(page)
        page.wait_for_timeout(500)
    page.screenshot(path=FOLDER / name)
    page.close()
    print(f"docs/{name}")


def to_the_films(page) -> None:
    """Scroll to the recommendations."""
    page.locator('[class*="st-key-card-"]').first.evaluate("card => card.scrollIntoView()")


if __name__ == "__main__":
    with serving.serving("show_st2.py") as url, serving.browser() as opened:
        take(opened, url + USER, "app.png", DESKTOP)
        take(opened, url + USER + "&film=1210", "why.png", DESKTOP)
        take(
            opened,
            url + USER,
            "phone.png",
            PHONE,
            lambda page: page.get_by_role(
                "heading", name="Recommended"
            ).scroll_into_view_if_needed(),
        )
