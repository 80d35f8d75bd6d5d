"""Each page in light and dark, on a phone, a tablet and a desk: accessible, within its window, and by itself."""

from collections.abc import Sequence
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from support.page_queries import World, empty_world
from support.page_server import PageServer

from browser.conftest import Visitor
from notifier.core.errors import StoreError

WIDTHS = (320, 768, 1440)
ALL_RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
COLOURS = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}
"""What a dark page can have that a light one has not: app.css changes nothing but colours."""

PAGES = {
    "overview": "/",
    "search": "/?q=e&status=ended&sort=name",
    "watch": "/watches/sd_mu3j5zf4i64vu5aoj",
    "watch-muted": "/watches/sd_m2kk9wq0",
    "watch-dataset": "/watches/profiles",
    "dataset": "/datasets/gd_l7q7dkf244hwjntr0",
    "deliveries": "/deliveries",
    "delivery": "/deliveries/42",
    "channels": "/channels",
    "configuration": "/configuration",
    "reference": "/api/reference",
}


def findings(visitor: Visitor, rules: dict[str, Any]) -> list[str]:
    """What axe has to say against the page as it is shown, and whether it is wider than its window."""
    page = visitor.page
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("rules => axe.run(rules)", rules)
    problems = [
        f"{each['id']}: {node['target']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]
    if visitor.is_scrolled_sideways():
        problems.append("the page is wider than its window")
    return problems


def walked(visitor: Visitor, path: str, widths: Sequence[int] = WIDTHS) -> list[str]:
    """What is wrong with a page, at these widths and in both schemes."""
    page = visitor.visit(path)
    problems = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        for scheme, rules in (("light", ALL_RULES), ("dark", COLOURS)):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            problems += [f"{scheme} {width}: {each}" for each in findings(visitor, rules)]
    return problems


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_a_page_is_accessible_at_every_width_in_light_and_dark(path: str, server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    assert walked(visitor, path) == []
    assert visitor.troubles == []


EMPTY = {name: PAGES[name] for name in ("overview", "deliveries", "channels", "configuration")}


@pytest.mark.parametrize("path", EMPTY.values(), ids=EMPTY)
def test_a_page_with_nothing_yet_is_accessible(path: str, server: PageServer, visitor: Visitor) -> None:
    server.show(empty_world())
    assert walked(visitor, path) == []
    assert visitor.troubles == []


@pytest.mark.parametrize("path", ["/watches/sd_new81", "/datasets/new-one"])
def test_a_page_without_history_is_accessible(path: str, server: PageServer, visitor: Visitor) -> None:
    server.show(World(has_history=False, collections=()))
    assert walked(visitor, path) == []


@pytest.mark.parametrize("world", [World(), World(trouble=StoreError("disk I/O error"))], ids=["404", "database away"])
def test_an_error_page_is_accessible(world: World, server: PageServer, visitor: Visitor) -> None:
    server.show(world)
    assert walked(visitor, "/nothing" if world.trouble is None else "/deliveries") == []


def test_the_sign_in_is_accessible_and_says_what_is_wrong(server: PageServer, visitor: Visitor) -> None:
    server.show(World(), token="p4ge-t0ken-0123456789")
    assert walked(visitor, "/sign-in?next=/deliveries") == []
    page = visitor.page
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").get_by_text("That is not the token").wait_for()
    assert findings(visitor, ALL_RULES) == []
