"""Every page: well formed, with words where there is nothing yet and where something is wrong."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html.parser import HTMLParser

import httpx
import pytest
from support.page_queries import World, empty_world
from support.page_server import page_sources
from support.page_world import delivery, notified, snapshot
from support.web import asking

from notifier.config.model import Http
from notifier.core.errors import BadCursor, StoreError
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit, UnitFault
from notifier.web.application import application

PAGES = (
    "/",
    "/?q=prices&status=running&sort=name",
    "/watches/sd_mu3j5zf4i64vu5aoj",
    "/watches/profiles",
    "/watches/profiles/sd_mb71xw9c4o",
    "/datasets/gd_l7q7dkf244hwjntr0",
    "/deliveries",
    "/deliveries?state=open&channel=pipeline&since=7d",
    "/deliveries/42",
    "/deliveries/46",
    "/channels",
    "/configuration",
)
BROWSER = {"Accept": "text/html"}


@asynccontextmanager
async def shown(
    world: World | None = None, report: Callable[[UnitFault], None] | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole application, over a made-up notifier."""
    faults = Faults(report)
    made = application(page_sources(world or World()), http=Http(host="127.0.0.1", port=0), faults=faults)
    async with asking(made) as client:
        yield client


class Outline(HTMLParser):
    """What a page has: its headings, ids, labelled fields, and elements that are not closed."""

    VOID = frozenset({"meta", "link", "input", "use", "path", "circle", "rect", "ellipse", "line", "br", "img"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.attributes: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.attributes.add(name)
            if name == "id":
                self.ids.append(str(value))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("world", [World, empty_world], ids=["full", "empty"])
async def test_a_page_is_well_formed_with_one_main_heading_and_no_style_in_it(path: str, world: type[World]) -> None:
    async with shown(world()) as client:
        answer = await client.get(path, headers=BROWSER)
    found = Outline(answer.text)
    assert answer.status_code in ((200, 404) if world is not World else (200,))
    assert (found.wrong, found.open) == ([], [])
    assert len(found.ids) == len(set(found.ids)), "an id is there twice"
    assert found.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert not {name for name in found.attributes if name == "style" or name.startswith("on")}
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_says_that_the_database_is_away_and_why(path: str) -> None:
    async with shown(World(trouble=StoreError("notifier.db: disk I/O error"))) as client:
        answer = await client.get(path, headers=BROWSER)
    assert (answer.status_code, "The database does not answer" in answer.text) == (503, True)
    assert "disk I/O error" in answer.text
    assert "Traceback" not in answer.text


async def test_a_page_that_raises_is_answered_in_words_and_reported() -> None:
    reported: list[UnitFault] = []
    async with shown(World(trouble=ZeroDivisionError("secret")), reported.append) as client:
        answer = await client.get("/deliveries", headers=BROWSER)
    assert (answer.status_code, [each.unit for each in reported]) == (500, [Unit.PAGE])
    assert "This page could not be made" in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/watches/nobody", "No such watch"),
        ("/datasets/nothing", "No such dataset"),
        ("/deliveries/999", "No such delivery"),
        ("/deliveries/x", "No such delivery"),
        ("/deliveries/99999999999999999999999", "No such delivery"),
        ("/nothing", "There is no such page"),
    ],
)
async def test_what_there_is_not_is_said_in_words(path: str, words: str) -> None:
    async with shown() as client:
        answer = await client.get(path, headers=BROWSER)
    assert (answer.status_code, words in answer.text) == (404, True)


async def test_a_page_of_a_list_that_is_no_more_leads_to_the_first_one() -> None:
    async with shown(World(trouble=BadCursor("no"))) as client:
        answer = await client.get("/?after=x", headers=BROWSER)
    assert (answer.status_code, "Begin with its first page" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (
            "/",
            [
                "Watch your first snapshot",
                "No watches yet",
                "Nothing is running",
                "Nothing has ended",
                "Nothing is planned",
            ],
        ),
        ("/deliveries", ["No deliveries yet"]),
        ("/deliveries?channel=x", ["No delivery matches"]),
        ("/channels", ["No channels yet"]),
        ("/configuration", ["In effect since the start"]),
    ],
)
async def test_a_page_has_words_for_nothing_yet(path: str, words: list[str]) -> None:
    async with shown(empty_world()) as client:
        text = (await client.get(path, headers=BROWSER)).text
    assert [each for each in words if each not in text] == []


async def test_a_watch_without_a_past_says_so() -> None:
    async with shown(World(has_history=False)) as client:
        text = (await client.get("/watches/sd_new81", headers=BROWSER)).text
    assert "No history yet" in text
    assert "No events yet" in text


async def test_a_dataset_without_a_past_says_so() -> None:
    async with shown(World(collections=())) as client:
        text = (await client.get("/datasets/gd_l7q7dkf244hwjntr0", headers=BROWSER)).text
    assert "No history yet" in text


async def test_the_files_of_a_page_come_from_here_and_are_kept() -> None:
    async with shown() as client:
        page = (await client.get("/", headers=BROWSER)).text
        addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        assert len(addresses) >= 3
        for address in addresses:
            answer = await client.get(address)
            assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
            again = await client.get(address, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304
            unhashed = await client.get(address.partition("?")[0])
            assert unhashed.headers["cache-control"] == "no-cache"
        assert (await client.get("/static/no.css")).status_code == 404


async def test_no_page_names_another_machine() -> None:
    async with shown() as client:
        for path in PAGES:
            text = (await client.get(path, headers=BROWSER)).text
            assert re.findall(r'(?:src|href|action)="(?:https?:)?//[^"]*"', text) == []


async def test_the_verdict_is_about_everything_whatever_the_filters_show() -> None:
    def lead(html: str) -> str:
        return html.partition('<p class="lead">')[2].partition("</p>")[0]

    async with shown() as client:
        everything, filtered = (
            (await client.get("/", headers=BROWSER)),
            (await client.get("/?q=hotel", headers=BROWSER)),
        )
    assert "failed or missing" in lead(everything.text)
    assert lead(filtered.text) == lead(everything.text)


async def test_a_failure_of_which_no_message_arrived_is_told_to_nobody_yet() -> None:
    failed = snapshot("s_1", "One", "failed", notified=(notified(1, "pipeline", "retrying"),))
    told = snapshot("s_2", "Two", "failed", notified=(notified(2, "mail"), notified(3, "pipeline", "retrying")))
    waiting = tuple(
        delivery(number, "failed", state="retrying", watch=watch, status="failed", channel="pipeline", settled_at=None)
        for number, watch in ((1, "s_1"), (3, "s_2"))
    )
    async with shown(World(snapshots=(failed, told), deliveries_=waiting, conditions_=())) as client:
        html = (await client.get("/", headers=BROWSER)).text
    assert "1 failure was told to nobody yet." in html
    assert "being tried again</h1>" in html
