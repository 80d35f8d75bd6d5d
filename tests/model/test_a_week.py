"""A week of 200 watches in seconds: the real daemon, on a clock that jumps, between a scripted API and receivers."""

import asyncio
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.fakes import DELIVERED, DOWN, OUTAGE, START, seen
from support.moving_clock import MovingClock, run

from notifier.app import components, jobs
from notifier.app.daemon import Daemon
from notifier.brightdata.limits.permit import Permit
from notifier.config.model import Api, Channel, Config
from notifier.core.delivery.channel_policy import ChannelPolicy, Quiet
from notifier.core.delivery.digest import batchable, digest
from notifier.core.delivery.model import Deliverable, Event, Message, Notice, Outcome
from notifier.core.snapshot.model import NotFound, Observation, Watch
from notifier.delivery import dispatcher, worker
from notifier.downloads import worker as fetcher
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter

MEMORY = Path("/dev/shm")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
NIGHT = Quiet(start=time(22), end=time(7), zone=ZoneInfo("Europe/Berlin"))
POLICIES = {
    "chat": ChannelPolicy(),
    "mail": ChannelPolicy(quiet=NIGHT),
    "hook": ChannelPolicy(merges=False, stretches=False, pace=timedelta(milliseconds=100)),
    "ops": ChannelPolicy(),
}
TOLD = ("chat", "mail", "hook")
ENDS = {"ready", "failed", "canceled"}
OUTAGES = (
    (10 * HOUR, 13 * HOUR),
    (3 * DAY, 3 * DAY + 20 * timedelta(minutes=1)),
    (5 * DAY + 2 * HOUR, 5 * DAY + 9 * HOUR),
)
CHAT_IS_DOWN = (2 * DAY + HOUR, 3 * DAY + HOUR)
MANY_END = 5 * DAY - timedelta(minutes=3)
"""While the daemon is being restarted."""

LONGEST_BODY = 2_000


def fits(message: Message) -> bool:
    """Whether it is of ordinary length."""
    return len(message.body) <= LONGEST_BODY


@dataclass(frozen=True, kw_only=True)
class Script:
    """One snapshot's life: when it runs, when it ends, when nobody knows it."""

    runs: timedelta
    ends: timedelta
    end: Observation
    lost: tuple[timedelta, timedelta] | None

    def at(self, age: timedelta) -> Observation:
        """What the API says."""
        if self.lost and self.lost[0] <= age < self.lost[1]:
            return NotFound()
        return self.end if age >= self.ends else seen("running" if age >= self.runs else "starting")


def scripts() -> dict[str, Script]:
    """A third ends in the same instant; the others whenever they like. Some are not found for hours."""
    dice = random.Random(7)
    ends = (seen("ready", records=9), seen("ready", records=0), seen("failed", error_message="no"), seen("cancelled"))
    made = {}
    for number in range(200):
        runs = dice.random() * 4 * DAY
        ended = runs + dice.uniform(0.5, 40) * HOUR if number % 3 else MANY_END
        gone = None if number % 20 else (runs + 5 * timedelta(minutes=1), runs + 5 * HOUR)
        made[f"s_{number:03}"] = Script(
            runs=min(runs, ended - HOUR),
            ends=ended,
            end=ends[number % 7 % 4],
            lost=gone if runs + DAY < ended else None,
        )
    return made


class BrightData:
    """The API, as the scripts have it, with its outages."""

    gateway: Any = None

    def __init__(self, made: dict[str, Script]) -> None:
        self._scripts = made
        self.polls = 0

    async def __aenter__(self) -> "BrightData":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """One poll."""
        self.polls += 1
        await asyncio.sleep(0.2)
        age = datetime.now(UTC) - START
        return OUTAGE if any(begin <= age < end for begin, end in OUTAGES) else self._scripts[snapshot_id].at(age)


@dataclass
class Receiver:
    """A channel, with all it got."""

    name: str
    got: list[tuple[datetime, Sequence[Deliverable]]] = field(default_factory=list)

    def batchable(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """What has room in a message of ordinary length."""
        return batchable(told, fits)

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Get these."""
        await asyncio.sleep(0.3)
        now = datetime.now(UTC)
        if self.name == "chat" and CHAT_IS_DOWN[0] <= now - START < CHAT_IS_DOWN[1]:
            return DOWN
        self.got.append((now, told))
        return DELIVERED

    def events(self) -> list[Event]:
        """Every event in every message."""
        return [each for _, told in self.got for each in told if isinstance(each, Event)]


def config(path: Path, snapshots: Sequence[str]) -> Config:
    """Everything is told to everybody; the operators have a channel of their own."""
    return Config(
        path=path / "config.yaml",
        files=(path / "config.yaml",),
        api=Api(token="t"),
        database=path / "notifier.db",
        operators=("ops",),
        channels={name: Channel(name=name, url="json://x", policy=policy) for name, policy in POLICIES.items()},
        watches=tuple(
            Watch(
                id=snapshot,
                snapshot_id=snapshot,
                name=snapshot,
                every=HOUR,
                notify=TOLD,
                on=("running", "ready", "failed", "canceled", "missing"),
            )
            for snapshot in snapshots
        ),
        secrets=frozenset(),
    )


def slow_down(patches: pytest.MonkeyPatch) -> None:
    """The rounds that a daemon makes every few seconds, once an hour: what they find is the same."""
    for module, names in (
        (jobs, ("FLUSH_EVERY", "FALLBACKS_EVERY", "AUDIT_EVERY", "RETENTION_EVERY", "FILES_EVERY")),
        (jobs, ("EXHAUSTION_EVERY", "PROBE_EVERY", "CLOCK_CHECK", "LOOP_LAG_EVERY")),
        (worker, ("LONGEST_SLEEP",)),
        (fetcher, ("LONGEST_SLEEP",)),
    ):
        for name in names:
            patches.setattr(module, name, HOUR)


@pytest.fixture(scope="module")
def week() -> Iterator["Week"]:
    """The week, once for all tests. Its database is in memory, where that can be: this is not about disks."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None, prefix="notifier-week-") as folder:
        yield _live_through(scripts(), Path(folder))


def _live_through(made: dict[str, Script], path: Path) -> "Week":
    receivers = {name: Receiver(name) for name in POLICIES}
    api = BrightData(made)

    async def live(clock: MovingClock) -> None:
        while (now := clock.now()) < START + 7 * DAY:
            one = Daemon(config(path, list(made)), reporters=[Reporter()], redactor=Redactor())
            clock.busy = partial(getattr, one._components.store._database, "busy")
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later((DAY - timedelta(minutes=5)).total_seconds(), stop.set)
            await one.run(stop)
            clock.busy = lambda: False
            clock.move((DAY - (clock.now() - now)).total_seconds())

    with pytest.MonkeyPatch.context() as patches:
        slow_down(patches)
        patches.setattr(components, "client_of", lambda *_: api)
        patches.setattr(dispatcher, "sender_for", lambda channel, **_: receivers[channel.name])
        run(live)
    return Week(made, receivers, path / "notifier.db")


@dataclass
class Week:
    """What came of it."""

    scripts: dict[str, Script]
    receivers: dict[str, Receiver]
    database: Path

    def query(self, text: str) -> list[Any]:
        """Of the database."""
        database = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        try:
            return database.execute(text).fetchall()
        finally:
            database.close()


@pytest.mark.parametrize("channel", TOLD)
def test_each_end_is_told_exactly_once_to_each_channel(week: Week, channel: str) -> None:
    ends = Counter(
        event.transition.snapshot_id for event in week.receivers[channel].events() if ENDS & set(event.transition.names)
    )
    assert ends == dict.fromkeys(week.scripts, 1)


@pytest.mark.parametrize("channel", TOLD)
def test_nothing_is_told_twice(week: Week, channel: str) -> None:
    told = Counter(event.id for event in week.receivers[channel].events())
    assert max(told.values()) == 1


def test_a_webhook_gets_every_event_that_happened_one_by_one(week: Week) -> None:
    got = week.receivers["hook"].got
    assert all(len(told) == 1 for _, told in got)
    wanted = week.query("SELECT id FROM events WHERE status != 'starting'")
    assert {event.id for event in week.receivers["hook"].events()} == {row[0] for row in wanted}


def test_an_end_is_told_within_two_polls_unless_something_was_down(week: Week) -> None:
    for now, told in week.receivers["hook"].got:
        for event in told:
            assert isinstance(event, Event)
            life = week.scripts[event.transition.snapshot_id]
            late = now - (START + life.ends)
            troubled = any(begin - 2 * HOUR <= life.ends < end for begin, end in OUTAGES) or life.lost is not None
            if ENDS & set(event.transition.names) and not troubled:
                assert timedelta(0) <= late <= timedelta(minutes=66), event


def test_what_was_lost_is_told_as_missing_and_never_what_the_api_did_in_an_outage(week: Week) -> None:
    missing = {row[0] for row in week.query("SELECT snapshot_id FROM events WHERE status = 'missing'")}
    assert missing
    assert missing <= {snapshot for snapshot, life in week.scripts.items() if life.lost}


def test_digests_are_few_and_short(week: Week) -> None:
    together = [told for _, told in week.receivers["chat"].got]
    assert max(len(told) for told in together) > 20
    for told in together:
        message = digest(told, fits)
        assert len(message.body) <= LONGEST_BODY
    ends = START + MANY_END
    assert len([now for now, _ in week.receivers["chat"].got if ends <= now <= ends + HOUR]) <= 10


def test_the_night_is_quiet_and_ends_with_one_digest(week: Week) -> None:
    mornings = Counter[Any]()
    for now, _ in week.receivers["mail"].got:
        local = now.astimezone(NIGHT.zone)
        assert 7 <= local.hour < 22, local
        mornings[local.date()] += (local.hour, local.minute) == (7, 0)
    assert max(mornings.values()) <= 2


def test_the_operators_are_told_once_that_the_channel_broke_and_once_that_it_works_again(week: Week) -> None:
    told = [each for _, message in week.receivers["ops"].got for each in message]
    assert [(each.subject, each.kind) for each in told if isinstance(each, Notice)] == [
        ("channel:chat", "broken"),
        ("channel:chat", "healed"),
    ]


def test_nothing_is_left_over(week: Week) -> None:
    assert {row[0] for row in week.query("SELECT DISTINCT state FROM deliveries")} <= {"delivered", "dropped"}
    assert {row[0] for row in week.query("SELECT reason FROM deliveries WHERE state = 'dropped'")} <= {"superseded"}
