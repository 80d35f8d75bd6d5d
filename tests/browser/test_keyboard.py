"""With the keyboard alone every action is reached, where the focus is is seen, and nothing keeps it."""

import pytest
from playwright.sync_api import Page
from support.page_queries import World
from support.page_server import PageServer

from browser.conftest import Visitor

REACHABLE = """() => [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex="0"]')]
    .filter(each => each.checkVisibility({visibilityProperty: true}) && each.type !== 'hidden').length"""

FOCUSED = """() => {
    const each = document.activeElement;
    if (!each || each === document.body) return null;
    const style = getComputedStyle(each), box = each.getBoundingClientRect();
    window.met ??= [];
    const known = window.met.includes(each);
    if (!known) window.met.push(each);
    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.width > 0
        && box.left >= 0 && box.right <= innerWidth + 1 && box.top < innerHeight && box.bottom > 0;
    return {known, seen, name: each.outerHTML.slice(0, 120)};
}"""


def tabbed_through(page: Page, most: int) -> tuple[int, list[str]]:
    """Press Tab until the page is left; return how many elements had the focus, and those where it was not seen."""
    unseen: list[str] = []
    for count in range(most):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None or focused["known"]:
            return count, unseen
        if not focused["seen"]:
            unseen.append(focused["name"])
    return most, unseen


@pytest.mark.parametrize(
    "visitor", [{"viewport": {"width": width, "height": 800}} for width in (320, 1440)], indirect=True
)
@pytest.mark.parametrize(
    "path",
    ["/", "/watches/sd_mu3j5zf4i64vu5aoj", "/deliveries/42", "/channels", "/configuration"],
)
def test_tab_reaches_every_control_and_shows_where_it_is(path: str, server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit(path)
    reachable = page.evaluate(REACHABLE)
    reached, unseen = tabbed_through(page, reachable + 5)
    assert (reached, unseen) == (reachable, [])


def test_the_first_tab_offers_to_skip_to_the_content(server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_search_and_an_action_take_no_mouse(server: PageServer, visitor: Visitor) -> None:
    server.show(World())
    page = visitor.visit("/")
    page.get_by_label("Search").focus()
    page.keyboard.type("hotel")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=hotel*")
    row = page.get_by_role("rowheader").get_by_role("link", name="Hotel rates")
    row.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Unmute").focus()
    page.keyboard.press("Enter")
    page.get_by_text("It was not muted.").first.wait_for()
