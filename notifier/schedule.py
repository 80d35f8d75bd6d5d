"""When each watch is looked at: APScheduler with a trigger of our own, and a watchdog over the clock.

APScheduler decides when; the store decides who. Three of its traps are closed here: its interval trigger's jitter
accumulates, its asyncio scheduler stops for good in silence when one wake-up raises, and it swallows what a job
raises.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.triggers.base import BaseTrigger

from notifier.core.model import Watch

CLOCK_CHECK = timedelta(seconds=5)
CLOCK_SHIFT = timedelta(seconds=2)
"""A wall clock that moved by more than this against the monotonic one was set, or the machine slept."""

_CANCEL_GRACE = timedelta(seconds=1)
"""How long a cancelled look may take to let go of the network and of the store."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Look = Callable[[Watch, datetime], Awaitable[timedelta | None]]
"""Looks at a watch that was due at that time; answers with the pause to the next look, None for never again."""


class GridTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires on a grid: every `interval`, shifted by a phase that comes from the watch's id.

    The grid ignores when the job last ran. So nothing drifts, watches do not gather in one instant, and a clock that
    jumps ahead costs one run and not one for every instant it passed over.

    `due` is the time of the run that APScheduler started last.
    """

    def __init__(self, interval: timedelta, key: str) -> None:
        self.interval = interval
        self.due: datetime | None = None
        # Whole microseconds throughout: floating seconds since 1970 round away just what decides "before or after".
        self._interval = interval // _MICROSECOND
        self._phase = self._interval * int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 64

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first instant of the grid after `now`."""
        if previous_fire_time is not None:
            self.due = previous_fire_time
        steps = ((now - _EPOCH) // _MICROSECOND - self._phase) // self._interval + 1
        return _EPOCH + (self._phase + steps * self._interval) * _MICROSECOND


class _Scheduler(AsyncIOScheduler):  # type: ignore[misc]
    """AsyncIOScheduler whose timer is set again even when a wake-up raises (3.11.3 then never wakes again)."""

    def wakeup(self) -> None:
        """Run what is due and set the timer, from any thread."""
        self._eventloop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self.state == STATE_STOPPED:
            return
        self._stop_timer()
        wait_seconds: float | None = 1.0
        try:
            wait_seconds = self._process_jobs()
        finally:
            self._start_timer(wait_seconds)


class Schedule:
    """One job for each watch that has not ended. `run()` it in a task; it ends only by raising or being cancelled."""

    def __init__(
        self,
        *,
        look: Look,
        clock: Callable[[], datetime],
        clock_shifted: Callable[[timedelta], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            look: what a job does.
            clock: the time, UTC.
            clock_shifted: told how far the wall clock was moved, each time it was.
            monotonic: a clock in seconds that nobody sets.
        """
        self._look = look
        self._clock = clock
        self._clock_shifted = clock_shifted
        self._monotonic = monotonic
        self._scheduler = _Scheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._running: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[None] | None = None

    def add(self, watch: Watch, *, pause: timedelta, first: datetime) -> None:
        """Look at the watch at `first`, then on its grid."""
        self._scheduler.add_job(
            self._run,
            trigger=GridTrigger(pause, watch.id),
            args=[watch],
            id=watch.id,
            name=watch.name,
            next_run_time=first,
        )

    def next_looks(self) -> Mapping[str, datetime]:
        """When each scheduled watch is looked at next, by watch id."""
        return {job.id: job.next_run_time for job in self._scheduler.get_jobs()}

    async def run(self) -> None:
        """Run the jobs until cancelled; raise what a look raised."""
        self._failed = asyncio.get_running_loop().create_future()
        self._scheduler.start()
        try:
            await self._watch_clock(self._failed)
        finally:
            if self._scheduler.running:
                self._scheduler.pause()

    async def drain(self, grace: timedelta) -> None:
        """Start no more looks, let the running ones end within `grace`, and cancel the rest.

        Raises:
            Exception: what one of these last looks raised.
        """
        if not self._scheduler.running:
            return
        self._scheduler.pause()
        if self._running:
            await asyncio.wait(self._running, timeout=grace.total_seconds())
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_CANCEL_GRACE.total_seconds())
        self._scheduler.shutdown(wait=False)
        if self._failed is not None and self._failed.done():
            self._failed.result()

    async def _run(self, watch: Watch) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            await self._look_once(watch)
        except Exception as error:  # noqa: BLE001 - APScheduler would log and forget it; here it ends the daemon
            if self._failed is not None and not self._failed.done():
                self._failed.set_exception(error)
        finally:
            self._running.discard(task)

    async def _look_once(self, watch: Watch) -> None:
        job: Job | None = self._scheduler.get_job(watch.id)
        if job is None:
            return
        pause = await self._look(watch, job.trigger.due or self._clock())
        if pause is None:
            job.remove()
        elif pause != job.trigger.interval:
            job.reschedule(GridTrigger(pause, watch.id))

    async def _watch_clock(self, failed: asyncio.Future[None]) -> None:
        offset = self._offset()
        while True:
            await asyncio.wait({failed}, timeout=CLOCK_CHECK.total_seconds())
            if failed.done():
                failed.result()
            shift = timedelta(seconds=self._offset() - offset)
            if abs(shift) > CLOCK_SHIFT:
                offset = self._offset()
                self._clock_shifted(shift)
                self._anchor_again()
            self._scheduler.wakeup()

    def _offset(self) -> float:
        return self._clock().timestamp() - self._monotonic()

    def _anchor_again(self) -> None:
        """Call back the jobs that a clock set back has put out of reach.

        A clock that jumped ahead, or a machine that slept, needs no such thing: what it passed over is due now, once.
        """
        now = self._clock()
        for job in self._scheduler.get_jobs():
            if job.next_run_time > now + job.trigger.interval:
                job.modify(next_run_time=job.trigger.get_next_fire_time(None, now))
