"""The real app in a real browser."""

import pytest

from tests import serving

pytestmark = pytest.mark.skipif(serving.chromium() is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def opened():
    with serving.browser() as launched:
        yield launched


def shown(page):
    """Films and probabilities of the recommendations on the page."""
    rows = page.get_by_test_id("stTable").locator("tbody tr").all()
    cells = [row.locator("th, td").all_inner_texts() for row in rows]
    assert [cell[0] for cell in cells] == [str(rank) for rank in range(1, len(rows) + 1)]
    return [cell[1] for cell in cells], [float(cell[-1].rstrip("%")) for cell in cells]


@pytest.mark.parametrize("script", ["show_st.py", "show_st2.py"])
def test_first_and_last_user(script, opened, ml100k):
    with serving.serving(script) as url:
        page = serving.open_page(opened, url)
        first, probabilities = shown(page)
        assert len(first) == 10
        assert probabilities == sorted(probabilities, reverse=True)

        user = page.get_by_label("User id")
        last = user.get_attribute("max")
        user.fill(last)
        page.get_by_role("button", name="Recommend").click()
        page.get_by_role("heading", name=f"User {last}").wait_for()
        page.locator('[data-test-script-state="notRunning"]').wait_for()
        second, probabilities = shown(page)
        assert len(second) == 10
        assert probabilities == sorted(probabilities, reverse=True)
        assert second != first
        assert page.get_by_test_id("stException").count() == 0
        page.close()
