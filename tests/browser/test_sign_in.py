"""Sessions in a real browser: what a link, a form and a script on another site get, and what signing out ends."""

from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Page
from support.page_queries import World
from support.page_server import PageServer
from support.web import ACTIONS

from browser.conftest import Visitor

TOKEN = "p4ge-t0ken-0123456789"
ELSEWHERE = "http://evil.example/"


@pytest.fixture
def muted(server: PageServer) -> list[str]:
    """A server with a token, and the watches that it was told to mute."""
    told: list[str] = []

    async def mute(watch: str, until: Any) -> None:
        told.append(watch)

    server.show(World(), token=TOKEN, actions=replace(ACTIONS, mute=mute))
    return told


def signed_in(visitor: Visitor) -> Page:
    page = visitor.visit("/deliveries")
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/deliveries")
    return page


def elsewhere(page: Page, html: str) -> None:
    """Open a page of another site."""
    page.route(f"{ELSEWHERE}**", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(ELSEWHERE)


def test_a_link_in_a_chat_opens_the_page_for_who_is_signed_in(
    muted: list[str], server: PageServer, visitor: Visitor
) -> None:
    page = signed_in(visitor)
    elsewhere(page, f"<a href='{server.url}/channels'>the channels</a>")
    page.get_by_role("link").click()
    page.get_by_role("heading", level=1, name="Channels").wait_for()
    assert page.url == f"{server.url}/channels"


def test_a_form_on_another_site_changes_nothing(muted: list[str], server: PageServer, visitor: Visitor) -> None:
    page = signed_in(visitor)
    (watch,) = [each.watch for each in World().snapshots][:1]
    elsewhere(page, f"<form method=post action='{server.url}/watches/{watch}/mute'><button>A prize</button></form>")
    with page.expect_response("**/mute") as answer:
        page.get_by_role("button").click()
    assert answer.value.status in (401, 403)
    assert muted == []
    page.goto(f"{server.url}/watches/{watch}")
    with page.expect_response("**/mute"):
        page.get_by_role("button", name="Mute").first.click()
    assert muted == [watch]


def test_a_script_on_another_site_reads_nothing(muted: list[str], server: PageServer, visitor: Visitor) -> None:
    page = signed_in(visitor)
    elsewhere(page, "<p>a page</p>")
    read = "url => fetch(url, {credentials: 'include'}).then(answer => answer.text(), error => 'refused')"
    assert page.evaluate(read, f"{server.url}/api/v1/deliveries") == "refused"


def test_who_signed_out_is_not_let_in_with_the_cookie_of_before(
    muted: list[str], server: PageServer, visitor: Visitor
) -> None:
    page = signed_in(visitor)
    kept = page.context.cookies()
    assert [(each["httpOnly"], each["sameSite"]) for each in kept] == [(True, "Strict")]
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Token").wait_for()
    assert page.context.cookies() == []
    page.context.add_cookies([{"name": each["name"], "value": each["value"], "url": server.url} for each in kept])
    page.goto(f"{server.url}/deliveries")
    assert page.get_by_label("Token").is_visible()
