"""A dead man's switch is asked while all is well, and only then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from support.jobs import running
from support.web_server import answering

from notifier.app.job_runner import Every, Job, JobRunner
from notifier.app.observability import HEARTBEAT
from notifier.config.model import HeartbeatSettings as Wanted
from notifier.core.outcomes import HeartbeatKind, HeartbeatOutcome
from notifier.telemetry.heartbeat import Heartbeat

HOUR = timedelta(hours=1)


@asynccontextmanager
async def _switch(*statuses: int) -> AsyncIterator[tuple[str, list[str]]]:
    """A dead man's switch that answers so: its address, and its requests."""
    async with answering(*statuses) as (url, requests):
        yield f"{url}/canary-path?token=canary", requests


class Beats:
    """Heartbeats as they are reported, to be waited for; `troubles` are what is wrong."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self._reported: asyncio.Queue[HeartbeatOutcome] = asyncio.Queue()

    async def ask(self) -> list[str]:
        return self.troubles

    async def next(self) -> HeartbeatOutcome:
        async with asyncio.timeout(60):
            return await self._reported.get()

    @asynccontextmanager
    async def of(self, wanted: Wanted | None) -> AsyncIterator[Heartbeat]:
        heartbeat = Heartbeat(wanted, troubles=self.ask, report=self._reported.put_nowait)
        self._jobs = JobRunner()
        every = Every(lambda: heartbeat.every)
        async with running(self._jobs, [Job(name=HEARTBEAT, trigger=every, function=heartbeat.beat)]):
            yield heartbeat

    def configure(self, heartbeat: Heartbeat, wanted: Wanted | None) -> None:
        """Take another address up, as the daemon does."""
        if heartbeat.configure(wanted):
            self._jobs.wake(HEARTBEAT)


async def test_it_is_sent_at_once_and_then_every_so_often_by_get() -> None:
    beats = Beats()
    async with _switch(200) as (url, asked), beats.of(Wanted(url=url, every=timedelta(milliseconds=5))):
        assert [(await beats.next()).kind for _ in range(3)] == [HeartbeatKind.SENT] * 3
    assert set(asked) == {"GET /canary-path?token=canary"}


async def test_while_something_is_wrong_nothing_is_sent() -> None:
    beats = Beats()
    beats.troubles = ["the token is refused"]
    async with _switch(200) as (url, asked), beats.of(Wanted(url=url, every=timedelta(milliseconds=5))):
        assert await beats.next() == HeartbeatOutcome(kind=HeartbeatKind.WITHHELD, detail="the token is refused")
        assert (await beats.next()).kind is HeartbeatKind.WITHHELD
        assert asked == []
        beats.troubles = []
        while (await beats.next()).kind is not HeartbeatKind.SENT:
            pass


async def test_a_refusal_is_an_outcome_and_the_next_one_comes() -> None:
    beats = Beats()
    async with _switch(500, 200) as (url, _), beats.of(Wanted(url=url, every=timedelta(milliseconds=5))):
        assert await beats.next() == HeartbeatOutcome(kind=HeartbeatKind.FAILED, detail="HTTP 500")
        assert (await beats.next()).kind is HeartbeatKind.SENT


async def test_another_address_is_asked_at_once_and_none_is_none() -> None:
    beats = Beats()
    async with _switch(200) as (one, first), _switch(204) as (other, second):
        async with beats.of(None) as heartbeat:
            beats.configure(heartbeat, Wanted(url=one, every=HOUR))
            await beats.next()
            beats.configure(heartbeat, Wanted(url=one, every=HOUR))  # the same: not asked again
            beats.configure(heartbeat, Wanted(url=other, every=HOUR))
            await beats.next()
            beats.configure(heartbeat, None)
            await asyncio.sleep(0)
    assert (len(first), len(second)) == (1, 1)
