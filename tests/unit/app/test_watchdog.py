"""What the service manager hears of a daemon, and what lets it end one."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.fakes import START
from support.jobs import running
from support.moving_clock import MovingClock, run

from notifier.app.job_runner import Every, Job, JobRunner
from notifier.app.jobs import WATCHDOG
from notifier.app.watchdog import STATUS_EVERY, Watchdog
from notifier.core.errors import StoreError
from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.vitals import LastReload, Vitals

INTERVAL = timedelta(seconds=60)
API = ApiState(kind=ApiKind.OK, since=None, detail="", requests=0, refusals=0, held_for=timedelta(0))
FINE = Vitals(api=API, overdue=timedelta(0), watches=1, channels=1, oldest_open=None, reload=None)
STUCK = replace(FINE, overdue=timedelta(hours=1))


@dataclass(kw_only=True)
class Rig:
    """A watchdog over a daemon that is as a test says; `told` is what it told, with the second."""

    clock: MovingClock
    interval: timedelta | None = INTERVAL
    vitals: Vitals = FINE
    waiting: int = 0
    answer: Callable[[], Coroutine[Any, Any, None]] = lambda: asyncio.sleep(0)
    asked: int = 0
    told: list[tuple[float, str]] = field(default_factory=list)

    async def ask(self) -> int:
        """The store."""
        self.asked += 1
        await self.answer()
        return self.waiting

    @property
    def fed(self) -> list[float]:
        """When it told that the daemon is alive."""
        return [at for at, told in self.told if told == "WATCHDOG=1"]

    @property
    def lines(self) -> list[str]:
        """The lines of status."""
        return [told.removeprefix("STATUS=") for _, told in self.told if told.startswith("STATUS=")]


def watched(during: Callable[[Rig], Coroutine[Any, Any, None]], **changes: Any) -> Rig:
    """Let a watchdog run for as long as the coroutine does."""

    async def test(clock: MovingClock) -> Rig:
        rig = Rig(clock=clock, **changes)
        dog = Watchdog(
            notify=lambda text: rig.told.append((clock.monotonic(), text)),
            interval=rig.interval,
            vitals=lambda: rig.vitals,
            in_progress=lambda: 1,
            waiting=rig.ask,
            monotonic=clock.monotonic,
        )
        dog.begin()
        async with running(JobRunner(), [Job(name=WATCHDOG, trigger=Every(lambda: dog.every), function=dog.check)]):
            await during(rig)
        dog.close()
        return rig

    return run(test)


async def ten_minutes(_: Rig) -> None:
    await asyncio.sleep(600)


def gaps(moments: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(moments)]


@pytest.mark.parametrize("seconds", [0.5, 4, 60, 3600])
def test_while_all_is_well_it_is_told_within_half_the_interval(seconds: float) -> None:
    async def a_while(_: Rig) -> None:
        await asyncio.sleep(5 * seconds)

    fed = watched(a_while, interval=timedelta(seconds=seconds)).fed
    assert fed[0] == 0
    assert seconds / 4 <= min(gaps(fed))
    assert max(gaps(fed)) <= seconds / 2


def test_without_a_watchdog_nothing_is_fed_and_the_status_is_told_all_the_same() -> None:
    rig = watched(ten_minutes, interval=None)
    assert rig.fed == []
    assert rig.lines == ["1 watch, 1 channel, 1 snapshot in progress, no deliveries waiting"]


@pytest.mark.parametrize(
    "vitals",
    [
        replace(FINE, api=replace(API, kind=ApiKind.UNAUTHORISED, detail="HTTP 401"), overdue=timedelta(hours=1)),
        replace(FINE, api=replace(API, kind=ApiKind.UNREACHABLE), overdue=timedelta(hours=1)),
        replace(FINE, api=replace(API, held_for=timedelta(minutes=5)), overdue=timedelta(hours=1)),
        replace(FINE, reload=LastReload(at=START, refused=("a",))),
    ],
    ids=["token refused", "unreachable", "held back", "reload refused"],
)
def test_what_no_restart_would_mend_ends_nobody(vitals: Vitals) -> None:
    assert max(gaps(watched(ten_minutes, vitals=vitals).fed)) <= 30


def test_stuck_polls_starve_it_until_they_progress() -> None:
    async def during(rig: Rig) -> None:
        await asyncio.sleep(100)
        rig.vitals = STUCK
        await asyncio.sleep(200)
        assert rig.fed[-1] <= 100
        rig.vitals = FINE
        await asyncio.sleep(100)

    with capture_logs() as logged:
        rig = watched(during)
    assert min(at for at in rig.fed if at > 100) <= 310
    assert [(line["event"], line["log_level"]) for line in logged] == [
        ("watchdog.starving", "error"),
        ("watchdog.fed_again", "info"),
    ]
    assert "polls do not progress" in logged[0]["reason"]


def test_one_moment_of_doubt_ends_nobody() -> None:
    async def during(rig: Rig) -> None:
        for _ in range(30):
            await asyncio.sleep(21)
            rig.vitals = STUCK  # as after the clock was set: for some seconds
            await asyncio.sleep(6)
            rig.vitals = FINE

    assert max(gaps(watched(during).fed)) < 60


def test_a_store_that_does_not_answer_starves_it_and_is_asked_once() -> None:
    async def during(rig: Rig) -> None:
        await asyncio.sleep(99)
        answered = asyncio.Event()

        async def when_it_can() -> None:
            await answered.wait()

        rig.answer, before = when_it_can, rig.asked
        await asyncio.sleep(200)
        assert rig.fed[-1] <= 99
        assert rig.asked == before + 1
        answered.set()
        await asyncio.sleep(10)
        assert rig.fed[-1] >= 299

    watched(during)


def test_a_store_that_answers_with_an_error_answers() -> None:
    async def fail() -> None:
        raise StoreError("no room on the disk")

    assert max(gaps(watched(ten_minutes, answer=fail).fed)) <= 30


def test_the_status_is_told_when_it_changes_and_not_more_often_than_that() -> None:
    async def during(rig: Rig) -> None:
        for number in range(1000):
            rig.waiting = number
            await asyncio.sleep(0.1)
        await asyncio.sleep(600)

    rig = watched(during)
    moments = [at for at, told in rig.told if told.startswith("STATUS=")]
    assert min(gaps(moments)) >= STATUS_EVERY.total_seconds()
    assert len(moments) in range(20, 60)
    assert "999 deliveries waiting" in rig.lines[-1]
    assert len(set(rig.lines)) == len(rig.lines)
