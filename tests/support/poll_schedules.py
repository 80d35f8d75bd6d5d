"""A real poll scheduler on a moving clock, with polls that are remembered."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from notifier.app.components import POLLS
from notifier.app.job_runner import JobRunner
from notifier.brightdata.limits.permit import Permit
from notifier.polling.scheduler import PollScheduler
from support import jobs
from support.moving_clock import MovingClock, run

EVERY = timedelta(seconds=30)


class Requests:
    """Admits requests: up to `most` at once."""

    def __init__(self) -> None:
        self.most = 1_000_000
        self.in_flight = 0
        self.given_back = 0
        self._changed = asyncio.Event()

    async def admit(self) -> Permit:
        while self.in_flight >= self.most:
            self._changed.clear()
            await self._changed.wait()
        self.in_flight += 1
        return Permit(self.release)

    def release(self) -> None:
        self.in_flight -= 1
        self.given_back += 1
        self._changed.set()


class Polls:
    """Remembers each poll: its key, its due time, and when it began."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self.made: list[tuple[str, datetime, datetime]] = []
        self.pauses: dict[str, list[timedelta | None]] = {}
        self.during: Callable[[str], Awaitable[None]] | None = None
        self.shifts: list[timedelta] = []
        self.requests = Requests()
        self.jobs = JobRunner()
        self.schedule = PollScheduler(
            poll=self,
            admit=self.requests.admit,
            clock=clock.now,
            clock_shifted=self.shifts.append,
            wake_by=lambda due: self.jobs.wake_by(POLLS, due),
        )

    async def __call__(self, key: str, due: datetime, permit: Permit) -> timedelta | None:
        self.made.append((key, due, self.clock.now()))
        if self.during is not None:
            await self.during(key)
        pauses = self.pauses.get(key)
        return pauses.pop(0) if pauses else EVERY

    def times(self, watch_id: str) -> list[datetime]:
        return [began for each, _, began in self.made if each == watch_id]

    def add(self, watch_id: str = "s_1", *, first_s: float = 0.0, pause: timedelta = EVERY) -> None:
        self.schedule.add(watch_id, pause=pause, first=self.clock.now() + timedelta(seconds=first_s))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the scheduler, and end it as the daemon does."""
        task = asyncio.create_task(self.schedule.run())
        await asyncio.sleep(0)
        try:
            async with jobs.running(self.jobs, jobs.polls(self.schedule)):
                yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.schedule.drain(timedelta(seconds=1))
            await asyncio.sleep(0)


Story = Callable[[Polls], Coroutine[Any, Any, None]]


def tell(story: Story) -> Polls:
    """Run a story on a clock of its own."""

    async def test(clock: MovingClock) -> Polls:
        polls = Polls(clock)
        await story(polls)
        return polls

    return run(test)
