"""Take the README's picture: `make picture`."""

from movierec import artefacts
from tests import serving

TARGET = artefacts.ROOT / "docs" / "app.png"

if __name__ == "__main__":
    with serving.serving("show_st2.py") as url, serving.browser() as opened:
        page = serving.open_page(opened, url, viewport={"width": 1280, "height": 960})
        page.get_by_test_id("stStatusWidget").wait_for(state="detached")
        page.screenshot(path=TARGET)
    print(TARGET.relative_to(artefacts.ROOT))
