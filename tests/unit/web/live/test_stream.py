"""`GET /events` streams what changed until the page is closed, and refuses a page that is one too many."""

import asyncio

import pytest
from fastapi import FastAPI
from starlette.types import Message
from support import virtual_time
from support.outcomes import poll_of
from support.web import sources

from notifier.web.live.hub import Hub
from notifier.web.live.stream import LONGEST_S, PATH, router


class Visit:
    """One request, as the server makes it: what it sends is kept, and it is cancelled when the client leaves."""

    def __init__(self, hub: Hub, *, query: str = "", last_id: str = "", address: str = "127.0.0.1") -> None:
        app = FastAPI()
        app.include_router(router(sources(live=hub)))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "path": PATH,
            "raw_path": PATH.encode(),
            "query_string": query.encode(),
            "headers": [(b"last-event-id", last_id.encode())] if last_id else [],
            "client": (address, 1),
        }
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.task = asyncio.create_task(app(scope, _never, self.sent.put))

    async def next(self) -> str:
        """The text of the next part of the body."""
        return str((await self.sent.get())["body"].decode())

    async def begin(self) -> tuple[int, dict[str, str]]:
        """The status and the headers."""
        start = await self.sent.get()
        return start["status"], {name.decode(): value.decode() for name, value in start["headers"]}


async def _never() -> Message:
    await asyncio.Event().wait()
    return {}


_UNUSED = ("config", "queries", "vitals", "metrics", "redact", "clock", "actions", "node")


async def test_a_stream_begins_at_once_and_has_the_changes() -> None:
    hub = Hub()
    visit = Visit(hub, query=f"since={hub.last_id}")
    status, headers = await visit.begin()
    assert status == 200
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-store"
    assert "content-length" not in headers
    assert "event: hello" in await visit.next()
    hub.report(poll_of("s_1", "ready"))
    assert '"watch:s_1"' in await visit.next()
    visit.task.cancel()


@pytest.mark.parametrize("known", ["", "other-1", "x" * 10_000])
def test_a_page_with_another_id_reads_itself_again(known: str) -> None:
    async def it() -> None:
        visit = Visit(Hub(), last_id=known)
        await visit.begin()
        assert "event: refresh" in await visit.next()
        visit.task.cancel()

    virtual_time.run(it)


def test_the_id_of_a_browser_that_connects_again_counts_and_not_the_one_of_the_page() -> None:
    async def it() -> None:
        hub = Hub()
        visit = Visit(hub, query="since=old-1", last_id=hub.last_id)
        await visit.begin()
        assert "event: hello" in await visit.next()
        visit.task.cancel()

    virtual_time.run(it)


def test_a_client_that_leaves_is_counted_no_longer() -> None:
    async def it() -> None:
        hub = Hub()
        visit = Visit(hub)
        await visit.begin()
        assert len(hub) == 1
        visit.task.cancel()
        await asyncio.wait({visit.task})
        assert len(hub) == 0

    virtual_time.run(it)


def test_the_end_of_the_daemon_ends_the_answer() -> None:
    async def it() -> None:
        hub = Hub()
        visit = Visit(hub)
        await visit.begin()
        await visit.next()
        hub.end()
        assert await visit.sent.get() == {"type": "http.response.body", "body": b"", "more_body": False}
        await visit.task

    virtual_time.run(it)


def test_a_stream_ends_after_an_hour_so_that_access_is_checked_again() -> None:
    async def it() -> None:
        hub = Hub()
        visit = Visit(hub)
        began = virtual_time.now()
        await visit.task
        assert virtual_time.now() - began == pytest.approx(LONGEST_S)
        assert len(hub) == 0

    virtual_time.run(it)


def test_a_page_that_is_one_too_many_is_told_so_and_when_to_try_again() -> None:
    async def it() -> None:
        hub = Hub(most_of_one=1)
        first = Visit(hub)
        await first.begin()
        status, headers = await (second := Visit(hub)).begin()
        assert (status, headers["retry-after"]) == (503, "30")
        assert "Reload it" in await second.next()
        first.task.cancel()

    virtual_time.run(it)
