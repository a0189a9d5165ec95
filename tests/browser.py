"""A real Chromium that opens a page and notes whatever the page does beyond showing itself."""

import os
import re
import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",  # which cannot be had as root, nor in many a container
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # nobody is asked for a name, and nobody waited for
)


@dataclass
class Opened:
    """A page that is open: ``page`` is Playwright's, ``noticed`` what it did, event by event.

    A request that its own policy did not let out is both a ``request`` and ``blocked``.
    """

    page: Any
    noticed: list[str] = field(default_factory=list)

    def text(self):
        """What can be read on the page, on one line."""
        return " ".join(self.page.locator("body").inner_text().split())


@pytest.fixture(scope="session")
def chromium():
    """The browser; without one the test is skipped, but in CI, which installs it, it fails."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("Playwright is not installed: pip install -e '.[test]'")
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        unavailable(f"there is no browser: none of {', '.join(NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture
def open_page(chromium):
    """A function that opens a file, or another address, and gives the page as ``Opened``."""
    contexts = []

    def opened(path, **options):
        context = chromium.new_context(**options)
        context.set_default_timeout(120_000)  # ms; a machine at work may keep it waiting
        contexts.append(context)
        context.route(re.compile("^(https?|wss?|ftp):"), lambda route: route.abort())
        page = context.new_page()
        seen = Opened(page)
        address = path.as_uri()

        def note(event, text):
            page.on(event, lambda what: seen.noticed.append(f"{event}: {text(what)}"))

        def answered(dialog):
            seen.noticed.append(f"dialog: {dialog.message}")
            dialog.dismiss()

        def asked(request):
            if request.url != address or request.redirected_from:
                seen.noticed.append(f"request: {request.url}")

        def failed(request):
            if request.failure == "csp":
                seen.noticed.append(f"blocked: {request.url}")

        def went(frame):
            if frame.url != address:
                seen.noticed.append(f"navigation: {frame.url}")

        page.on("dialog", answered)
        page.on("request", asked)
        page.on("requestfailed", failed)
        page.on("framenavigated", went)
        note("pageerror", str)
        note("console", lambda message: message.text)
        note("popup", lambda popup: popup.url)
        note("download", lambda download: download.url)
        page.goto(address)
        page.wait_for_load_state("load")
        page.wait_for_timeout(100)  # what a page does by itself, it does at once
        return seen

    yield opened
    for context in contexts:
        context.close()


def unavailable(reason):
    """Skip the test, or fail it in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; in CI the browser has to be there")
    pytest.skip(reason)
