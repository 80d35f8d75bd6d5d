"""One browser and one server for all tests of the pages: Debian's Chromium through Playwright, on loopback.

Playwright's synchronous interface runs an event loop in its thread for as long as the browser is open. Tests with
asyncio in the same process could not run beside it, so each test here runs in a thread that has the browser.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, sync_playwright
from support.page_server import PageServer, page_server

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]

_thread = ThreadPoolExecutor(1)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that has a browser in the browser's thread."""
    if "open_browser" not in pyfuncitem.fixturenames:
        return None
    names = pyfuncitem._fixtureinfo.argnames
    _thread.submit(pyfuncitem.obj, **{name: pyfuncitem.funcargs[name] for name in names}).result()
    return True


@pytest.fixture(scope="session")
def open_browser() -> Iterator[Browser]:
    """The browser, for all tests of this process."""

    def begin() -> tuple[Playwright, Browser]:
        playwright = sync_playwright().start()
        return playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)

    def end() -> None:
        browser.close()
        playwright.stop()

    playwright, browser = _thread.submit(begin).result()
    yield browser
    _thread.submit(end).result()


@pytest.fixture(scope="session")
def server() -> Iterator[PageServer]:
    """The application over a socket."""
    with page_server() as served:
        yield served


class Visitor:
    """A context of the browser that notes what a page must not do: errors, and requests to elsewhere."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.troubles: list[str] = []
        self.home = home
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"raised: {error}"))
        self.page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.home, "data:")):
            self.troubles.append(f"asked {request.url}")

    def visit(self, path: str) -> Page:
        """Open a page."""
        self.page.goto(f"{self.home}{path}")
        return self.page

    def is_scrolled_sideways(self) -> bool:
        """Whether the page is wider than the window."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


@pytest.fixture
def visitor(open_browser: Browser, server: PageServer, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """A visitor with a window of 1440 px; `indirect` parameters are options of the browser's context."""
    options: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, **getattr(request, "param", {})}
    made = _thread.submit(lambda: Visitor(open_browser.new_context(**options), server.url)).result()
    yield made
    _thread.submit(made.context.close).result()
