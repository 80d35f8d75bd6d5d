"""Open pages are told what changed, together and soon, and nothing is done while no page is open."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import pytest
from support import virtual_time
from support.fakes import START
from support.outcomes import poll_of

from notifier.core.errors import StoreError
from notifier.core.isolation import Faults
from notifier.core.work_units import UnitFault
from notifier.web.live.hub import GAP_S, HEARTBEAT_S, MOST_ROWS, Hub
from notifier.web.live.subscriber import Subscriber

Event = tuple[str, str, dict[str, Any]]


def events(chunk: bytes | None) -> list[Event]:
    """The kind, id and data of each message."""
    assert chunk is not None
    found: list[Event] = []
    for block in chunk.decode().strip().split("\n\n"):
        if block.startswith(":"):
            found.append(("alive", "", {}))
            continue
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


class Rendering:
    """Renders rows, and notes what it was asked for; takes so many seconds, or raises."""

    def __init__(self, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.asked: list[list[str]] = []
        self.seconds = seconds
        self.error = error

    async def __call__(self, topics: Collection[str]) -> Mapping[str, str]:
        self.asked.append(list(topics))
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return {topic: f"<tr>{topic}</tr>" for topic in topics}


def hub(**options: Any) -> Hub:
    return Hub(clock=lambda: START, **options)


def opened(one: Hub, since: str = "", peer: str = "127.0.0.1", render: Rendering | None = None) -> Subscriber:
    page = one.open(peer, since, render or Rendering())
    assert page is not None
    return page


def within_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run the test in virtual time."""

    def run() -> None:
        async def it() -> None:
            await test()

        virtual_time.run(it)

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


@within_virtual_time
async def test_a_change_is_at_the_page_within_half_a_second_with_its_row() -> None:
    one = hub()
    page = opened(one, one.last_id)
    assert [kind for kind, _, _ in events(await page.next())] == ["hello"]
    began = virtual_time.now()
    one.report(poll_of("s_1", "failed"))
    [(kind, last_id, data)] = events(await page.next())
    assert virtual_time.now() - began < 0.5
    assert (kind, last_id) == ("changed", one.last_id)
    assert data["rows"]["watch:s_1"] == "<tr>watch:s_1</tr>"
    assert data["pages"] == 1


@within_virtual_time
async def test_changes_come_together_a_few_times_a_second_at_most() -> None:
    render = Rendering()
    one = hub()
    page = opened(one, one.last_id, render=render)
    await page.next()
    began = virtual_time.now()
    for number in range(1000):
        one.report(poll_of(f"s_{number % 20}", "ready"))
        await asyncio.sleep(0.005)
    assert len(render.asked) <= (virtual_time.now() - began) / GAP_S + 1
    assert len(events(await page.next())) == len(render.asked)


@within_virtual_time
async def test_a_row_is_rendered_once_for_all_pages() -> None:
    render = Rendering()
    one = hub()
    pages = [opened(one, one.last_id, render=render) for _ in range(20)]
    for page in pages:
        await page.next()
    one.report(poll_of("s_1", "ready"))
    chunks = {await page.next() for page in pages}
    assert len(chunks) == 1
    assert len(render.asked) == 1


@within_virtual_time
async def test_what_changes_while_rows_are_rendered_comes_next() -> None:
    one = hub()
    page = opened(one, one.last_id, render=Rendering(seconds=0.2))
    await page.next()
    one.report(poll_of("s_1", "ready"))
    await asyncio.sleep(0.2)
    one.report(poll_of("s_2", "ready"))
    [(_, first, data)] = events(await page.next())
    assert "watch:s_1" in data["topics"]
    assert "watch:s_2" not in data["topics"]
    [(_, second, data)] = events(await page.next())
    assert "watch:s_2" in data["topics"]
    assert (first, second) == (one.last_id[:-1] + "1", one.last_id)


@within_virtual_time
async def test_a_database_that_takes_long_is_asked_less_often() -> None:
    render = Rendering(seconds=1.0)
    one = hub()
    opened(one, one.last_id, render=render)
    for _ in range(60):
        one.report(poll_of("s_1", "ready"))
        await asyncio.sleep(1)
    assert len(render.asked) <= 7


@within_virtual_time
async def test_a_burst_is_one_refresh_and_renders_nothing() -> None:
    render = Rendering()
    one = hub()
    page = opened(one, one.last_id, render=render)
    await page.next()
    for number in range(5000):
        one.report(poll_of(f"s_{number}", "ready"))
    assert [kind for kind, _, _ in events(await page.next())] == ["refresh"]
    assert render.asked == []


@within_virtual_time
async def test_only_so_many_rows_are_rendered_for_one_message() -> None:
    render = Rendering()
    one = hub()
    opened(one, one.last_id, render=render)
    for number in range(2 * MOST_ROWS):
        one.report(poll_of(f"s_{number}", "ready"))
    await asyncio.sleep(1)
    assert [len(asked) for asked in render.asked] == [MOST_ROWS]


@within_virtual_time
async def test_a_page_that_missed_something_reads_itself_again() -> None:
    one = hub()
    known = one.last_id
    one.report(poll_of("s_1"))
    assert events(await opened(one, known).next())[0][0] == "hello", "nothing but the times of a poll"
    one.report(poll_of("s_1", "ready"))
    assert events(await opened(one, known).next())[0][0] == "refresh"
    assert events(await opened(one, one.last_id).next())[0][0] == "hello"
    assert events(await opened(hub(), one.last_id).next())[0][0] == "refresh", "another life of the daemon"


@within_virtual_time
async def test_what_happens_while_no_page_is_open_makes_a_later_page_read_itself_again() -> None:
    one = hub()
    known = one.last_id
    one.change("watch:s_1")
    assert events(await opened(one, known).next())[0][0] == "refresh"


@within_virtual_time
async def test_nothing_is_kept_or_scheduled_while_no_page_is_open() -> None:
    render = Rendering()
    one = hub()
    page = opened(one, render=render)
    one.report(poll_of("s_1", "ready"))
    one.close(page)
    one.report(poll_of("s_2", "ready"))
    assert len(asyncio.all_tasks()) == 1
    await asyncio.sleep(60)
    assert render.asked == []


@within_virtual_time
async def test_an_idle_page_hears_a_heartbeat() -> None:
    one = hub()
    page = opened(one)
    await page.next()
    began = virtual_time.now()
    assert await page.next() == b": alive\n\n"
    assert virtual_time.now() - began == pytest.approx(HEARTBEAT_S)
    assert await page.next() == b": alive\n\n"


@within_virtual_time
async def test_pages_are_bounded_in_all_and_for_each_address() -> None:
    one = hub(most=3, most_of_one=2)
    first = opened(one, peer="10.0.0.1")
    opened(one, peer="10.0.0.1")
    assert one.open("10.0.0.1", "") is None
    opened(one, peer="10.0.0.2")
    assert one.open("10.0.0.3", "") is None
    one.close(first)
    assert len(one) == 2
    opened(one, peer="10.0.0.3")


@within_virtual_time
async def test_the_end_of_the_daemon_ends_all_streams() -> None:
    one = hub()
    pages = [opened(one) for _ in range(3)]
    one.end()
    assert [await page.next() for page in pages] == [None] * 3


@within_virtual_time
async def test_a_database_in_trouble_leaves_the_topics() -> None:
    one = hub()
    page = opened(one, one.last_id, render=Rendering(error=StoreError("locked")))
    await page.next()
    one.report(poll_of("s_1", "ready"))
    [(kind, _, data)] = events(await page.next())
    assert kind == "changed"
    assert "watch:s_1" in data["topics"]
    assert "rows" not in data


@within_virtual_time
async def test_a_row_that_raises_is_reported_and_costs_only_the_rows() -> None:
    faults: list[UnitFault] = []
    one = hub(faults=Faults(faults.append))
    page = opened(one, one.last_id, render=Rendering(error=ValueError("odd")))
    await page.next()
    one.report(poll_of("s_1", "ready"))
    assert events(await page.next())[0][0] == "changed"
    assert [type(fault.error) for fault in faults] == [ValueError]
