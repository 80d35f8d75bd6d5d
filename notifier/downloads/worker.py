"""Downloads the results of each ready watch with `download:`; retries, gives up, and notifies once.

Jobs are rows, committed with their event; `core.snapshot.results` says what they mean for its messages. A killed daemon
resumes them, and keeps complete parts.
"""

import asyncio
import hashlib
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from notifier.core.delivery.model import Notice, OutcomeKind
from notifier.core.delivery.retry_pauses import retry_pause
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.isolation import Faults
from notifier.core.outcomes import DownloadOutcome
from notifier.core.snapshot.download_job import GIVE_UP_AFTER, DownloadJob, Fetched, GivenUp, Result, Retrying
from notifier.core.words import count
from notifier.core.work_units import Unit
from notifier.downloads.downloader import Downloader
from notifier.downloads.request import Downloaded, DownloadRequest, Format
from notifier.failpoints import fault

MOST_AT_ONCE = 2
MOST_IN_ALL = 8
"""The number of connections for long answers."""
LONG_AFTER = timedelta(minutes=1)
"""A download that takes or waits longer does not count towards `MOST_AT_ONCE`."""
LONGEST_SLEEP = timedelta(minutes=1)
_SOON_S = 0.001
"""Seconds; a shorter time is not waited for."""


class Jobs(Protocol):
    """The stored jobs."""

    async def due(self, now: datetime, most: int, besides: Collection[str]) -> Sequence[DownloadJob]:
        """Returns due jobs, the oldest first, except those of the events `besides`."""
        ...

    async def next_due(self, besides: Collection[str]) -> datetime | None:
        """Returns when the next job is due; None if there is none."""
        ...

    async def settle(
        self, job: DownloadJob, result: Result, now: datetime, late: Notice | None, events_only: Collection[str] = ()
    ) -> Collection[str]:
        """Records the result of an attempt and its notice, in one transaction.

        At the end of the job the event's deliveries that wait for it may go at once. `late` goes to those channels of
        the event that have had its message, except the `events_only` ones. If the attempt is settled already, nothing
        happens.

        Returns:
            The channels that have something to deliver now.
        """
        ...


class DownloadWorker:
    """Runs the jobs, `MOST_AT_ONCE` at a time; those that take long do not count."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        downloader: Downloader,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        committed: Callable[[Collection[str]], None],
        report: Callable[[DownloadOutcome], None] = lambda _: None,
        events_only: Collection[str] = (),
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            jobs: the stored jobs.
            downloader: runs one.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            committed: called with the channels that have something to deliver.
            report: called after every attempt.
            events_only: the channels that take events only, and no notices: webhooks.
            faults: isolates what a download raises.
        """
        self._faults = faults or Faults()
        self._held: dict[str, float] = {}
        self._events_only = events_only
        self._jobs = jobs
        self._downloader = downloader
        self._clock = clock
        self._jitter = jitter
        self._committed = committed
        self._report = report
        self._woken = asyncio.Event()

    def configure(self, events_only: Collection[str]) -> None:
        """Sets the channels that take events only."""
        self._events_only = events_only

    def wake(self) -> None:
        """Looks for due jobs now: there is a new one, or the clock was set."""
        self._woken.set()

    async def run(self) -> None:
        """Runs jobs as they become due, until cancelled."""
        running: dict[str, float] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._woken.clear()
                pause = LONGEST_SLEEP
                with self._faults.alone(Unit.DOWNLOAD) as attempt:
                    pause = await self._begin(tasks, running)
                seconds = max(timedelta(0), min(attempt.pause or pause, LONGEST_SLEEP)).total_seconds()
                try:
                    async with asyncio.timeout(seconds):
                        await self._woken.wait()
                except TimeoutError:
                    pass

    async def _begin(self, tasks: asyncio.TaskGroup, running: dict[str, float]) -> timedelta:
        """Starts due jobs, as far as there is room; returns the time until more may be due.

        Args:
            tasks: runs them.
            running: the events of running downloads, and when each began, by the loop's clock.
        """
        now = asyncio.get_running_loop().time()
        self._held = {event_id: until for event_id, until in self._held.items() if until > now + _SOON_S}
        besides = frozenset(running.keys() | self._held.keys())
        for job in await self._jobs.due(self._clock(), _room(running, now), besides):
            running[job.event.id] = now
            tasks.create_task(self._in_its_place(job, running))
        due = await self._jobs.next_due(frozenset(running.keys() | self._held.keys()))
        pause = LONGEST_SLEEP if due is None or not _room(running, now) else due - self._clock()
        released = min(self._held.values(), default=None)
        return pause if released is None else min(pause, timedelta(seconds=released - now))

    async def fetch_due(self) -> None:
        """Runs each job that is due now once."""
        tried: set[str] = set()
        while jobs := await self._jobs.due(self._clock(), MOST_AT_ONCE, frozenset(tried)):
            tried |= {job.event.id for job in jobs}
            await asyncio.gather(*map(self._alone, jobs))

    async def _in_its_place(self, job: DownloadJob, running: dict[str, float]) -> None:
        try:
            await self._alone(job)
        finally:
            running.pop(job.event.id, None)
            self.wake()

    async def _alone(self, job: DownloadJob) -> None:
        with self._faults.alone(Unit.DOWNLOAD, job.event.id) as attempt:
            await self._one(job)
        if attempt.pause is not None:  # its result is not recorded, so the job is still due
            self._held[job.event.id] = asyncio.get_running_loop().time() + attempt.pause.total_seconds()

    async def _one(self, job: DownloadJob) -> None:
        began = self._clock()
        result = await self._fetch(job)
        now = self._clock()
        woken = await self._jobs.settle(job, result, now, late_news(job, result, now), self._events_only)
        self._report(DownloadOutcome(job=job, result=result, duration=max(now - began, timedelta(0))))
        self._committed(woken)

    async def _fetch(self, job: DownloadJob) -> Result:
        transition = job.event.transition
        wanted = DownloadRequest(
            snapshot_id=transition.snapshot_id,
            folder=Path(job.folder),
            format=Format(job.format),
            facts=transition.facts if transition.facts.records is not None else None,
        )
        with self._faults.alone(Unit.DOWNLOAD, transition.snapshot_id) as attempt:
            fault(Unit.DOWNLOAD, transition.snapshot_id)
            try:
                done: Downloaded = await self._downloader.fetch(wanted)
            except DownloadError as error:
                return self._failed(job, error.trouble, str(error), final=error.final)
            return Fetched(path=str(done.path), records=done.records)
        assert attempt.fault is not None
        return self._failed(job, DownloadTrouble.INTERNAL, attempt.fault.detail, final=False)

    def _failed(self, job: DownloadJob, trouble: DownloadTrouble, detail: str, *, final: bool) -> Result:
        now = self._clock()
        pause = None
        if not final:
            pause = retry_pause(
                kind=OutcomeKind.RETRY,
                attempt=job.attempt,
                age=now - job.created_at,
                retry_after=None,
                jitter=self._jitter(),
                give_up_after=GIVE_UP_AFTER,
            )
        if pause is None:
            return GivenUp(trouble=trouble, detail=detail)
        return Retrying(until=now + pause, trouble=trouble, detail=detail)


def _room(running: Mapping[str, float], now: float) -> int:
    """Returns how many more downloads may start; those that take long do not count."""
    recent = sum(now - began < LONG_AFTER.total_seconds() for began in running.values())
    return max(0, min(MOST_AT_ONCE - recent, MOST_IN_ALL - len(running)))


def late_news(job: DownloadJob, result: Result, now: datetime) -> Notice | None:
    """Returns the notice for channels that had the event's message before the file; None while the job is retried."""
    match result:
        case Fetched(path=path, records=records):
            return _notice(job, now, "fetched", "its results are downloaded", f"{path}\n{count(records, 'record')}")
        case GivenUp(trouble=trouble, detail=detail):
            options = [] if job.format == Format.JSON else ["--format", job.format]
            again = "try again"
            if trouble == DownloadTrouble.EXISTS:
                options, again = [*options, "--force"], "put the results in its place"
            command = shlex.join(
                ["notifier", "download", job.event.transition.snapshot_id, "--to", job.folder, *options]
            )
            cure = f"To {again}: {command}"
            return _notice(job, now, "not_fetched", "its results could not be downloaded", f"{detail}\n{cure}")
        case Retrying():
            return None


def _notice(job: DownloadJob, now: datetime, kind: str, what: str, body: str) -> Notice:
    subject = f"download:{job.event.id}"
    key = f"{subject}\n{kind}"  # the same each time the notice is made
    return Notice(
        id=f"ntc_{hashlib.sha256(key.encode()).hexdigest()[:20]}",
        kind=kind,
        subject=subject,
        title=f"{job.event.name}: {what}",
        body=f"{body}\nEvent: {job.event.id}",
        at=now,
    )
