"""Start the app and a browser, for tests and for the README's pictures."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

from playwright.sync_api import BrowserContext, Page, ViewportSize, sync_playwright

from movierec import files

SECONDS = 120
CARD = '[class*="st-key-card-"]'
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
SCREEN = {"width": 1280, "height": 720}
# the times of the last message to the server, and of the last start or end of the page's script
WATCH = """
window.sent = window.changed = 0;
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (message) {
    window.sent = performance.now();
    send.call(this, message);
};
new MutationObserver(() => { window.changed = performance.now(); })
    .observe(document, {subtree: true, attributeFilter: ["data-test-script-state"]});
"""
# not every message starts the script
SETTLED = """() => {
    const now = performance.now();
    return document.querySelector('[data-test-script-state="notRunning"]')
        && !document.querySelector('[data-stale="true"], [data-testid="stSkeleton"]')
        && (window.changed > window.sent ? now - window.changed > 100 : now - window.sent > 700)
        && !document.getAnimations().some(animation => animation.playState === "running");
}"""


def chromium() -> str | None:
    """Path of an installed Chromium, or None."""
    return next((path for name in CHROMIUM if (path := shutil.which(name))), None)


@contextlib.contextmanager
def serving(page: str) -> Iterator[str]:
    """Run `streamlit run PAGE` on a free port and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", page, "--server.port", str(port)]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1"]
    with subprocess.Popen(
        command, cwd=files.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(url, server)
            yield url
        finally:
            server.terminate()


def _wait(url: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    raise RuntimeError(f"the app did not answer at {url} within {SECONDS} s")


@contextlib.contextmanager
def browser() -> Iterator[BrowserContext]:
    """A headless Chromium in English; its pages share a cache."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield launched.new_context(locale="en-US")
        launched.close()


def open_page(opened: BrowserContext, url: str, viewport: ViewportSize = SCREEN) -> Page:
    """Open the app and wait until it shows recommendations."""
    page = opened.new_page()
    page.set_viewport_size(viewport)
    page.set_default_timeout(SECONDS * 1000)
    page.add_init_script(WATCH)
    page.goto(url)
    page.locator(CARD).first.wait_for()
    return page


def fill(page: Page, label: str, text: str) -> None:
    """Type into the field whose label ends with `label`, and press Enter."""
    box = page.locator(f'input[aria-label$="{label}"]')
    box.fill(text)
    box.press("Enter")
    settled(page)


def settled(page: Page) -> None:
    """Wait until the page's script has ended and the browser has drawn its result."""
    page.wait_for_timeout(50)  # a click is sent by a timer
    page.wait_for_function(SETTLED)


def fits_width(page: Page) -> None:
    """Wait until the page needs no horizontal scrolling; a new layout takes a moment."""
    fits = "main => main.scrollWidth <= main.clientWidth"
    main = page.get_by_test_id("stMain").element_handle()
    page.wait_for_function(fits, arg=main, timeout=10_000)
