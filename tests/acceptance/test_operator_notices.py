"""Every notice to the operators, provoked by the trouble itself and seen once at a real receiver, and its end once.

The daemon is the real one, in this process, so that the times after which a trouble is told can be shortened.
"""

import asyncio
import os
import re
import resource
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection
from support.database_troubles import no_more_pages, pages_again, read_only
from support.waiting import until

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Answer, Received, Receiver
from notifier.app import jobs, reload_history
from notifier.app.daemon import Daemon
from notifier.brightdata.limits import limiter
from notifier.brightdata.simulator import Fault
from notifier.brightdata.simulator import life as lives
from notifier.core import work_units
from notifier.core.delivery import retry_pauses
from notifier.core.errors import StoreError
from notifier.core.health import api as apihealth
from notifier.core.health import channel
from notifier.core.health.store import StoreTrouble
from notifier.core.snapshot import list_comparison, refusals, rotation
from notifier.core.work_units import Unit
from notifier.delivery.notice_texts import Heading
from notifier.failpoints import arm_fault, disarm_faults
from notifier.store import write_retries
from notifier.store.store import Store
from notifier.telemetry import resource_monitor

ENDING = [f"s_{number}" for number in range(20)]
"""Snapshots that end after a minute of their own time."""

GOING_ON = [f"s_slow_{number}" for number in range(5)]


@dataclass(kw_only=True)
class World:
    """A daemon, and what it works with. `team` is told of snapshots, `ops` is the operators' receiver."""

    api: BrightData
    team: Receiver
    ops: Receiver
    notifier: Notifier
    running: Daemon
    ended: asyncio.Task[None]

    @property
    def store(self) -> Store:
        """The daemon's own."""
        return self.running._components.store

    async def notices(self, number: int) -> list[Received]:
        """What the operators were told, as soon as it is so much."""
        return await self.ops.received.count(number)

    async def sql(self, *statements: str) -> None:
        """Change what is in the database, by the daemon's own connection or, once it has ended, by another."""
        if self.ended.done():
            with closing(sqlite3.connect(self.notifier.database)) as connection, connection:
                connection.executescript(";".join(statements))
            return

        def change(opened: Connection) -> None:
            for statement in statements:
                opened.exec_driver_sql(statement)

        await self.store._database.run(change)


Trouble = Callable[[World], AbstractAsyncContextManager[None]]


def api_fault(fault: Fault, times: int) -> Trouble:
    """So many answers of Bright Data in a row are bad ones."""

    @asynccontextmanager
    async def trouble(world: World) -> AsyncIterator[None]:
        for _ in range(times):
            world.api.fail_next(fault)
        yield

    return trouble


@asynccontextmanager
async def broken_channel(world: World) -> AsyncIterator[None]:
    """The team's receiver answers 503."""
    world.team.usual = Answer(status=503)
    world.api.advance(60)
    yield
    world.team.usual = Answer()


@asynccontextmanager
async def refusing_channel(world: World) -> AsyncIterator[None]:
    """The team's receiver answers 401 to one message, for good."""
    world.team.answer_next(Answer(status=401))
    world.api.advance(60)
    yield


@asynccontextmanager
async def wrong_files(world: World) -> AsyncIterator[None]:
    """The configuration has an error, and then another."""
    good = world.notifier.config.read_text()
    world.notifier.config.write_text(good + "wathces: []\n")
    yield
    world.notifier.config.write_text(good + "\n")


@asynccontextmanager
async def taken_address(world: World) -> AsyncIterator[None]:
    """The configuration is changed to an address where another program listens, until that ends."""
    world.running._observability._server._again = 0.1
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        good = world.notifier.config.read_text()
        assert "http: 'off'" in good
        address = f"127.0.0.1:{other.getsockname()[1]}"
        world.notifier.config.write_text(good.replace("http: 'off'", f"http: {address}"))
        yield


@asynccontextmanager
async def no_descriptors(world: World) -> AsyncIterator[None]:
    """The process may have only as many descriptors as it has, until it may have more."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    numbers = [int(each) for each in os.listdir("/proc/self/fd")]  # noqa: PTH208
    in_use, highest = len(numbers), max(numbers)
    # The limit is on the highest number: those below it that are free are taken up, but for a few to tell it with.
    taken = [os.open(os.devnull, os.O_RDONLY) for _ in range(highest - in_use)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + resource_monitor.RESERVE - 4, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for each in taken:
            os.close(each)


@asynccontextmanager
async def lost_time(world: World) -> AsyncIterator[None]:
    """A delivery that waits for its next try has lost the time of it."""
    world.team.usual = Answer(status=503)
    world.api.advance(60)
    await world.team.received.count(1)
    await until(lambda: bool(world.notifier.glance("delivery", "list", "--state", "retrying")))
    await world.sql("UPDATE deliveries SET not_before = NULL WHERE channel = 'team' AND state = 'retrying'")
    yield
    await world.sql("UPDATE deliveries SET not_before = wanted_at WHERE not_before IS NULL AND state = 'retrying'")


@asynccontextmanager
async def unknown_word(world: World) -> AsyncIterator[None]:
    """A snapshot comes to a status that nobody knows."""
    world.api.advance(60)
    yield


@asynccontextmanager
async def full_disk(world: World) -> AsyncIterator[None]:
    """The database may not grow."""
    await no_more_pages(world.store)
    world.api.advance(60)
    yield
    await pages_again(world.store)


@asynccontextmanager
async def locked(world: World) -> AsyncIterator[None]:
    """Another program has the database's lock."""
    await world.sql("PRAGMA busy_timeout=1")
    other = sqlite3.connect(world.notifier.database, isolation_level=None, timeout=20, check_same_thread=False)
    with closing(other):
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")  # the daemon may have it for a moment
        world.api.advance(60)
        yield
        other.execute("ROLLBACK")


@asynccontextmanager
async def unwritable(world: World) -> AsyncIterator[None]:
    """The database cannot be written."""
    async with read_only(world.store):
        world.api.advance(60)
        yield


@asynccontextmanager
async def damaged(world: World) -> AsyncIterator[None]:
    """A row is damaged: the daemon ends, somebody mends it, and the next daemon runs."""
    world.team.usual = Answer(status=503)
    world.api.advance(60)
    await world.team.received.count(1)
    await until(lambda: not world.notifier.glance("delivery", "list", "--state", "sending"))
    await world.sql("UPDATE deliveries SET reached = '['")
    yield
    with pytest.raises(StoreError, match="a row is damaged"):
        await world.ended
    await world.sql("DELETE FROM attempts", "DELETE FROM deliveries WHERE event_id IS NOT NULL", "DELETE FROM events")


@asynccontextmanager
async def raising_poll(world: World) -> AsyncIterator[None]:
    """A poll raises an exception, again and again."""
    arm_fault(Unit.POLL, GOING_ON[0])
    yield
    disarm_faults()


@asynccontextmanager
async def refused_watch(world: World) -> AsyncIterator[None]:
    """Progress of one snapshot is answered 400 for good."""
    world.api.refuse(GOING_ON[0])
    yield
    world.api.refuse(GOING_ON[0], refuse=False)


@asynccontextmanager
async def stale_list(world: World) -> AsyncIterator[None]:
    """The list of the dataset stays as it was, while snapshots end."""
    world.api.fail_always(Fault.STALE)
    world.api.advance(120)
    yield
    world.api.fail_always(None)


@dataclass(frozen=True, kw_only=True)
class Row:
    """A trouble, what it is told as, and as what its end is told; some have none."""

    begin: Heading
    end: Heading | None
    trouble: Trouble
    lives_on: bool = True
    batch: str = "never"


ROWS = (
    Row(begin=Heading.TOKEN_REFUSED, end=Heading.API_OK, trouble=api_fault(Fault.UNAUTHORISED, 8)),
    Row(begin=Heading.API_UNREACHABLE, end=Heading.API_OK, trouble=api_fault(Fault.SERVER_ERROR, 10)),
    Row(begin=Heading.API_LIMITED, end=Heading.API_OK, trouble=api_fault(Fault.RATE_LIMITED, 1)),
    Row(begin=Heading.CHANNEL_BROKEN, end=Heading.CHANNEL_HEALED, trouble=broken_channel),
    Row(begin=Heading.DELIVERIES_DEAD, end=None, trouble=refusing_channel),
    Row(begin=Heading.RELOAD_REFUSED, end=Heading.RELOAD_OK, trouble=wrong_files),
    Row(begin=Heading.PAGE_FAILED, end=Heading.PAGE_OK, trouble=taken_address),
    Row(begin=Heading.MACHINE_SHORT, end=Heading.MACHINE_OK, trouble=no_descriptors),
    Row(begin=Heading.AUDIT_FINDING, end=Heading.AUDIT_OK, trouble=lost_time),
    Row(begin=Heading.STATUS_UNKNOWN, end=None, trouble=unknown_word),
    Row(begin=Heading.INTERNAL_ERROR, end=Heading.INTERNAL_OK, trouble=raising_poll),
    Row(begin=Heading.WATCH_REFUSED, end=Heading.WATCH_OK, trouble=refused_watch),
    Row(begin=Heading.LIST_STALE, end=Heading.LIST_OK, trouble=stale_list, batch="auto"),
    Row(begin=Heading.STORE_FULL, end=Heading.STORE_OK, trouble=full_disk),
    Row(begin=Heading.STORE_LOCKED, end=Heading.STORE_OK, trouble=locked),
    Row(begin=Heading.STORE_FAILING, end=Heading.STORE_OK, trouble=unwritable),
    Row(begin=Heading.STORE_ENDED, end=Heading.STORE_OK, trouble=damaged, lives_on=False),
)

ELSEWHERE = {Heading.STARTED_WITH_LAST}
"""It takes a start: `test_files_with_errors.py` provokes it, and its end, `RELOAD_OK`."""

QUIET_LIFE = {Heading.CHANNEL_BROKEN, Heading.DELIVERIES_DEAD}
"""Where a failing channel is what it is about; elsewhere it is not to be noticed."""


def shorten(patch: pytest.MonkeyPatch, row: Row) -> None:
    """Tell every trouble at once, and try again soon."""
    patch.setattr(apihealth, "LOCKED_PROBES", (0.05,))
    patch.setattr(apihealth, "DOWN_PROBES", (0.05,))
    patch.setattr(apihealth, "DOWN_FOR", 0.0)
    patch.setattr(limiter, "LIMITED_AFTER", -1.0)
    patch.setattr(limiter, "RECHECK_S", 0.05)
    if row.begin in QUIET_LIFE:
        for name, module in (("FIRST_RETRY", retry_pauses), ("FIRST_PROBE", channel)):
            patch.setattr(module, name, timedelta(milliseconds=20))
        patch.setattr(channel, "BROKEN_AFTER", timedelta(0))
        patch.setattr(retry_pauses, "PERMANENT_TRIES", 1)
    patch.setattr(jobs, "EXHAUSTION_EVERY", timedelta(milliseconds=50))
    patch.setattr(resource_monitor, "WELL_AFTER", timedelta(milliseconds=50))
    patch.setattr(work_units, "FIRST_PAUSE", timedelta(milliseconds=20))
    patch.setattr(work_units, "LONGEST_PAUSE", timedelta(milliseconds=20))
    patch.setattr(work_units, "WELL_AFTER", timedelta(seconds=2))
    patch.setattr(jobs, "FAULTS_OVER_EVERY", timedelta(milliseconds=100))
    for name, value in (("LAG", 0), ("TRUSTED_AGAIN_AFTER", 0), ("LEAST_CONFIRM_PERIOD", 0.2)):
        patch.setattr(rotation, name, timedelta(seconds=value))
    patch.setattr(rotation, "CONFIRM_FACTOR", 0)
    patch.setattr(refusals, "LONGEST_REFUSED_PAUSE", timedelta(0))
    patch.setattr(list_comparison, "LAG", timedelta(0))
    patch.setattr(jobs, "AUDIT_EVERY", timedelta(milliseconds=100))
    patch.setattr(jobs, "FLUSH_EVERY", timedelta(milliseconds=100))
    patch.setattr(jobs, "STORE_WORKS_AFTER", timedelta(milliseconds=50))
    patch.setattr(reload_history, "LASTS_AFTER", timedelta(milliseconds=100))
    patch.setattr(write_retries, "PAUSES", (0.05,))
    patch.setattr(write_retries, "CALM", timedelta(milliseconds=50))
    patch.setitem(write_retries.REPORTED_AFTER, StoreTrouble.LOCKED, timedelta(0))


def words_of(heading: Heading) -> str:
    """The part of a heading that does not vary, its longest one."""
    return max(re.split(r"\{\w+\}", heading), key=len).strip()


def test_every_notice_there_is_is_provoked_here() -> None:
    provoked = {each for row in ROWS for each in (row.begin, row.end) if each is not None}
    assert provoked | ELSEWHERE == set(Heading)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.begin.name.lower())
async def test_a_trouble_is_told_once_and_its_end_once(
    row: Row, api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it shows meanwhile; and never through the channel that is broken."""
    shorten(monkeypatch, row)
    for snapshot in ENDING:
        api.add(snapshot, lives.of("running", "pondering", "failed", seconds=120, error_message="x" * 2_000))
    for snapshot in GOING_ON:
        api.add(snapshot, lives.of("running", "ready", seconds=1e9))
    fast = {"pace": "1000/s"}
    on = ["pondering"] if row.begin is not Heading.STATUS_UNKNOWN else ["failed"]
    notifier.configure(
        api=api.url,
        channels={"team": {"url": team.url, **fast}, "ops": {"url": ops.url, **fast}},
        watches=[*ENDING, *GOING_ON],
        api_options={"batch": row.batch},
        defaults={"notify": ["team"], "on": on},
        operators=["team", "ops"] if row.begin in QUIET_LIFE else ["ops"],
    )
    async with running(notifier) as (made, task):
        world = World(api=api, team=team, ops=ops, notifier=notifier, running=made, ended=task)
        await api.more_asked(len(ENDING) + len(GOING_ON))
        if row.begin is not Heading.STATUS_UNKNOWN:
            await unknown_words_are_known(world)
        if row.begin in QUIET_LIFE:
            await team.received.count(1)  # that was told to it, too, and is not what it is to refuse
        before = len(ops.received)
        async with row.trouble(world):
            told = (await world.notices(before + 1))[before]
            assert words_of(row.begin) in told.title
            if row.lives_on and row.end is not None and row.begin not in (Heading.API_LIMITED,):
                await asyncio.wait({task}, timeout=0.3)  # it goes on for a while
        if row.lives_on and row.end is not None:
            assert words_of(row.end) in (await world.notices(before + 2))[before + 1].title
    if not row.lives_on and row.end is not None:
        async with running(notifier):
            assert words_of(row.end) in (await world.notices(before + 2))[before + 1].title
    titles = [each.title for each in ops.received.entries[before:]]
    assert len(titles) == 1 + (row.end is not None), titles
    assert all("🛠️" not in each.title or "channel team" not in each.title for each in team.received.entries)


async def unknown_words_are_known(world: World) -> None:
    """Tell the word that the snapshots will come to beforehand, so that it is no news in the midst of the trouble."""
    await world.running._components.operators.unknown_word("pondering", "s_0")
    await world.notices(1)


def test_the_documents_say_of_every_notice_what_to_do() -> None:
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text("utf-8")
    headings = set(re.findall(r"^\*\*(.+?)\*\*", page, re.MULTILINE))
    examples = {
        "address": "ADDRESS",
        "channel": "NAME",
        "number": "N deliveries",
        "word": "WORD",
        "dataset": "DATASET",
        "watch": "WATCH",
        "unit": "UNIT",
        "error": "EXCEPTION",
    }
    assert {each.format(**examples) for each in Heading} <= headings
