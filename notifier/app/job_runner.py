"""Runs periodic jobs on one APScheduler (`app.job_scheduler`), on time whatever is done to the wall clock.

A job's due time is kept on the event loop's clock, which nobody sets; its wall time, which APScheduler goes by, is set
again when the two clocks drift apart. What a job raises ends the runner, unless the job is a unit that fails alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.app.job_scheduler import EarliestDue, Scheduler, SetAtEnd
from notifier.core.health.jobs import JobState
from notifier.core.isolation import Faults
from notifier.core.work_units import Unit

_IDLE = timedelta(hours=1)
"""The wait of a `WhenDue` while nothing is due."""

_DRIFT_S = 0.05
"""Seconds of drift between the two clocks from which on due times are set again."""


@dataclass(frozen=True, slots=True)
class Every:
    """Runs at an interval, from the end of a run to the beginning of the next, and `first` after the start.

    `interval` may be a function, which is asked after each run; None from it means not to run until `JobRunner.wake`.
    """

    interval: timedelta | Callable[[], timedelta | None]
    first: timedelta = timedelta(0)

    @property
    def present(self) -> timedelta | None:
        """The interval now."""
        return self.interval if isinstance(self.interval, timedelta) else self.interval()

    def pause(self, runs: int) -> timedelta | None:
        """The pause before the next run, when so many have been made."""
        interval = self.present
        return self.first if interval is not None and not runs else interval


@dataclass(frozen=True, slots=True)
class At:
    """Runs once at each of these times after the start."""

    times: tuple[timedelta, ...]

    present = None

    def pause(self, runs: int) -> timedelta | None:
        """The pause before the next run, when so many have been made; None after the last."""
        if runs >= len(self.times):
            return None
        return self.times[runs] - (self.times[runs - 1] if runs else timedelta(0))


@dataclass(frozen=True, slots=True)
class WhenDue:
    """Runs at the earliest due time by the wall clock, but not within `job_scheduler.TICK` of the last run.

    `earliest` is what is due next; None if nothing is.
    """

    earliest: Callable[[], datetime | None]

    present = None


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job: what runs when.

    With a `unit`, a run that raises is reported and made again with growing pauses (`core.isolation`). Without one, and
    if the store fails, what a run raises ends the daemon.
    """

    name: str
    trigger: Every | At | WhenDue
    function: Callable[[], Awaitable[None]]
    unit: Unit | None = None


class JobRunner:
    """Runs jobs. `add` them, then `run` it in a task; it ends only by raising or cancelling."""

    def __init__(self, faults: Faults | None = None) -> None:
        """
        Args:
            faults: isolates what the units raise.
        """
        self._faults = faults or Faults()
        self._scheduler = Scheduler(follow_clock=self._follow_clock, failed=self._fail)
        self._runs: dict[str, _Repeated] = {}
        self._due: dict[str, _Due] = {}
        self._offset = 0.0
        self._failed: asyncio.Future[None] | None = None

    def add(self, jobs: Iterable[Job]) -> None:
        """Take jobs up, before `run`."""
        for job in jobs:
            if isinstance(job.trigger, WhenDue):
                self._due[job.name] = _Due(self._scheduler, job, job.trigger)
            else:
                self._runs[job.name] = _Repeated(self._scheduler, job, job.trigger, self._faults)

    async def run(self) -> None:
        """Run the jobs until cancelled.

        Raises:
            Exception: what a job raised that is no unit, or a StoreError.
        """
        self._failed = asyncio.get_running_loop().create_future()
        self._offset = _offset()
        for repeated in self._runs.values():
            repeated.begin()
        for due in self._due.values():
            due.set()
        self._scheduler.start()
        try:
            await asyncio.wait({self._failed})  # not the future itself: a cancellation would go on to it
            self._failed.result()
        finally:
            await self._scheduler.close()

    def wake(self, name: str) -> None:
        """Run a job at once if its trigger wants it to run at all now, and in any case go by what that says now."""
        if (found := self._runs.get(name)) is not None and self._scheduler.running:
            found.wake()

    def wake_by(self, name: str, due: datetime) -> None:
        """Run a `WhenDue` job by then at the latest, as something has come to be due; nothing before the start."""
        if self._scheduler.running and due < (found := self._due[name]).set_for:
            found.set()

    def states(self) -> Mapping[str, JobState]:
        """How each job does, by its name."""
        return {name: each.state for name, each in self._runs.items()} | {
            name: each.state for name, each in self._due.items()
        }

    def _follow_clock(self) -> None:
        """Move the jobs with the wall clock when that was set, so that each runs after the time that it waits."""
        if abs(_offset() - self._offset) > _DRIFT_S:
            self._offset = _offset()
            for each in self._runs.values():
                each.set()

    def _fail(self, error: BaseException) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)


class _Repeated:
    """A job whose next run is set at the end of each, on the event loop's clock."""

    def __init__(self, scheduler: Scheduler, job: Job, trigger: Every | At, faults: Faults) -> None:
        self._job = job
        self._trigger = trigger
        self._faults = faults
        self._state = JobState()
        self._made = 0
        self._works = self._woken = False
        self._due_at: float | None = None
        self._entry = scheduler.add_job(self._begun, trigger=SetAtEnd(), id=job.name, next_run_time=None)

    @property
    def state(self) -> JobState:
        """How it does."""
        return replace(self._state, interval=self._trigger.present)

    def begin(self) -> None:
        """Set the first run."""
        self._wait(self._trigger.pause(0))

    def wake(self) -> None:
        """Run at once, or as soon as the present run has ended, if the trigger wants it."""
        self._woken = True
        if not self._works:
            self._wait(self._next_pause())

    def set(self) -> None:
        """Set the wall time of the next run again."""
        if self._due_at is not None:
            self._modify(timedelta(seconds=self._due_at - asyncio.get_running_loop().time()))

    def _wait(self, pause: timedelta | None) -> None:
        self._due_at = None if pause is None else asyncio.get_running_loop().time() + pause.total_seconds()
        self._modify(pause)

    def _modify(self, pause: timedelta | None) -> None:
        self._entry.modify(next_run_time=None if pause is None else datetime.now(UTC) + pause)

    def _next_pause(self) -> timedelta | None:
        woken, self._woken = self._woken, False
        return self._trigger.pause(0 if woken else self._made)

    def _begun(self) -> Coroutine[Any, Any, None]:
        """Return a run. It counts from here, not from when its task gets a turn: in between the clock may be set."""
        self._works, self._woken, self._due_at = True, False, None
        return self._run()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._state = replace(self._state, last_run=datetime.now(UTC))
        try:
            retry = await self._attempt()
        finally:
            self._works = False
        self._made += 1
        self._state = replace(
            self._state,
            duration=timedelta(seconds=loop.time() - began),
            failures=self._state.failures + (retry > timedelta(0)),
        )
        woken, pause = self._woken, self._next_pause()
        self._wait(pause if pause is None or woken else max(pause, retry))

    async def _attempt(self) -> timedelta:
        """Run it; the least pause before it is run again, zero if all went well."""
        if self._job.unit is not None:
            return await self._faults.attempt(self._job.unit, "", self._job.function)
        await self._job.function()
        return timedelta(0)


class _Due:
    """A job that runs when something is due by the wall clock; its trigger sets the next run as one begins."""

    def __init__(self, scheduler: Scheduler, job: Job, trigger: WhenDue) -> None:
        self._job = job
        self.state = JobState()
        self.set_for = datetime.now(UTC) + _IDLE
        self._earliest = trigger.earliest
        self._entry = scheduler.add_job(
            self._run, trigger=EarliestDue(self._next), id=job.name, next_run_time=self.set_for
        )

    def set(self) -> None:
        """Run when the earliest is due."""
        self._entry.modify(next_run_time=self._next())

    def _next(self) -> datetime:
        self.set_for = self._earliest() or datetime.now(UTC) + _IDLE
        return self.set_for

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began, now = loop.time(), datetime.now(UTC)
        await self._job.function()
        self.state = JobState(last_run=now, duration=timedelta(seconds=loop.time() - began))


def _offset() -> float:
    """How far the wall clock is from the event loop's, in seconds."""
    return datetime.now(UTC).timestamp() - asyncio.get_running_loop().time()
