"""What the tests of the website share: it is built and served once, for one browser."""

import functools
import http.server
import os
import shutil
import sys
import threading

import pytest

import website

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The folder of the website, built anew."""
    if sys.version_info < (3, 11):
        pytest.skip("the website's theme needs Python 3.11 or later")
    folder = tmp_path_factory.mktemp("site")
    assert website.build(folder / "html", folder / "source") == 0, "see the warnings above"
    return folder / "html"


@pytest.fixture(scope="module")  # its event loop must be gone when the lessons' kernels come
def browser():
    """Chromium without a window."""
    if not CHROMIUM:
        reason = "needs Chromium: on Debian `apt-get install chromium`"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(folder):
    """Where the website is served, with a slash at the end."""
    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def page(browser):
    """An empty page with a reader's own settings forgotten."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield context.new_page()
    context.close()
