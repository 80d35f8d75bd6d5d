"""Whatever stands in a name, a message, an id, a label or an error is text of the page, and never its markup."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from support.page_queries import World
from support.page_server import page_sources
from support.page_world import CHANNELS, CONDITIONS, CONFIGURATION, DATASETS, DELIVERIES, SNAPSHOTS

from notifier.core.words import safe_lines
from notifier.web.pages.renderer import RENDERER
from notifier.web.pages.routes import Pages

Page = tuple[str, str, Callable[[Pages, Request], Awaitable[Any]], dict[str, str]]
PAGES: list[Page] = [
    ("overview", "", Pages.overview, {}),
    ("search", "q={text}&status={text}&dataset={text}", Pages.overview, {}),
    ("watch", "", Pages.watch, {"watch_id": "sd_mu3j5zf4i64vu5aoj"}),
    ("watch of a dataset", "", Pages.watch, {"watch_id": "profiles"}),
    ("dataset", "", Pages.dataset, {"dataset_id": "profiles"}),
    ("deliveries", "channel={text}&watch={text}&event={text}", Pages.deliveries, {}),
    ("delivery", "", Pages.delivery, {"delivery_id": "42"}),
    ("channels", "", Pages.channels, {}),
    ("configuration", "", Pages.configuration, {}),
]


def world_of(text: str) -> World:
    """A notifier in which everything that others write is this text."""
    return World(
        snapshots=[
            replace(SNAPSHOTS[0], name=text, snapshot=text, dataset=text, error_message=text, last_answer=f"no {text}"),
            replace(SNAPSHOTS[2], name=text, watch=f"x/{text}", status=f"x{text}"),
        ],
        datasets=[replace(DATASETS[0], name=text, dataset=text, statuses={f"x{text}": 1})],
        deliveries_=[
            replace(
                DELIVERIES[2], title=text, channel=text, reason=f"no {text}", name=text, event_id=text, snapshot=text
            )
        ],
        channels_=[replace(CHANNELS[3], channel=text, service=text, trouble=text)],
        conditions_=[replace(CONDITIONS[0], sentence=text, subject=text)],
        configuration_=replace(
            CONFIGURATION,
            files=(text,),
            warnings=(text,),
            refused=(text,),
            effective={"channels": {text: {"url": text}}},
        ),
    )


class Structure(HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.values: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value or "" for _, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text.append(data)


async def structure(page: Page, text: str) -> Structure:
    """The structure of a page about this text."""
    _, query, make, params = page
    sources = page_sources(world_of(text))
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [],
        "query_string": query.format(text=quote(text, errors="replace")).encode(),
        "path_params": params,
    }
    made = await make(Pages(sources), Request(scope))
    template, context = made
    return Structure(RENDERER.page(template, now=sources.clock(), **context))


PLAIN = "aplainb"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=30).map("a{}b".format)
"""Begin and end as the plain one does, so that lists have the same order, and nothing is stripped."""

NASTY = ["<script>alert(1)</script>\"'>", "</pre></textarea><img src=x onerror=y>", "{{ 7 * 7 }}{% raw %}", "&lt;&amp;"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page[0])
@given(text=TEXTS)
@example(text=f"a{NASTY[0]}b")
@example(text=f"a{NASTY[1]}b")
@example(text=f"a{NASTY[2]}b")
@example(text=f"a{NASTY[3]}b")
@settings(max_examples=25)
async def test_a_text_changes_no_element_of_a_page_and_is_shown_as_it_is(page: Page, text: str) -> None:
    found, plain = await structure(page, text), await structure(page, PLAIN)
    assert found.elements == plain.elements
    shown = safe_lines(text)
    if PLAIN in "".join(plain.text):
        assert shown in "".join(found.text) or f"A{shown[1:]}" in "".join(found.text)
