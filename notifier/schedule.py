"""When each look is due, and which of those that are due goes next.

APScheduler says when: one job, whose trigger is the earliest due time, moves all that is due into a queue. (A job for
each look costs six times as much: 0.5 ms of CPU a run at 1,000 jobs.) From the queue the most overdue look goes first,
one for each request that the limiter admits: so nothing is begun that cannot go on, however many are due.

Three of APScheduler's traps are closed here: its interval trigger's jitter accumulates, its asyncio scheduler stops
for good in silence when one wake-up raises, and it swallows what a job raises.
"""

import asyncio
import heapq
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.triggers.base import BaseTrigger

from notifier.brightdata.limiter import Permit
from notifier.core.grid import Grid, instant, moment

CLOCK_CHECK = timedelta(seconds=5)
CLOCK_SHIFT = timedelta(seconds=2)
"""A wall clock that moved by more than this against the monotonic one was set, or the machine slept."""

TICK = timedelta(milliseconds=50)
"""What falls due within this is collected together; a look that is due alone begins on time."""

MOST_LOOKS = 512
"""Under way at once: as many as may wait for answers, and as many again for their commits. Each one more would take the
loop from those commits, until all are late. And while the database cannot be written, each of them waits for it with
what it has seen, and no others begin."""

_JOB = "collect"
_IDLE = timedelta(hours=1)
_MOST_DEFERRED = 15_000_000
_CANCEL_GRACE = timedelta(seconds=1)
"""How long a cancelled look may take to let go of the network and of the store."""


Look = Callable[[str, datetime, Permit], Awaitable[timedelta | None]]
"""Looks at what has this key and was due at that time; answers with the pause to the next look, None for never again.
The permit is the look's own from then on."""


class _DueTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires when the earliest look is due, but `TICK` after the last time at the earliest."""

    def __init__(self, earliest: Callable[[], datetime | None]) -> None:
        self._earliest = earliest

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """At the earliest due time; APScheduler asks just before what is due now is collected."""
        due = self._earliest()
        return max(now + TICK, due if due is not None else now + _IDLE)


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


class _Entry:
    """What is looked at: due at an instant, queued, or being looked at (`due` is None). Times in microseconds."""

    __slots__ = ("due", "grid", "key", "looking", "queued")

    def __init__(self, key: str, grid: Grid, due: int) -> None:
        self.key = key
        self.grid = grid
        self.due: int | None = due
        self.queued = False
        self.looking = False


class Schedule:
    """All that is looked at, each on a grid of its own. `run()` it in a task; it ends only by raising or cancelling."""

    def __init__(
        self,
        *,
        look: Look,
        admit: Callable[[], Awaitable[Permit]],
        clock: Callable[[], datetime],
        clock_shifted: Callable[[timedelta], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            look: what is done when something is due.
            admit: waits until one more request may be made.
            clock: the time, UTC.
            clock_shifted: told how far the wall clock was moved, each time it was.
            monotonic: a clock in seconds that nobody sets.
        """
        self._look = look
        self._admit = admit
        self._clock = clock
        self._clock_shifted = clock_shifted
        self._monotonic = monotonic
        self._entries: dict[str, _Entry] = {}
        self._waiting: list[tuple[int, int, _Entry]] = []
        self._queue: list[tuple[int, int, _Entry]] = []
        self._order = count()
        self._queued = asyncio.Event()
        self._scheduler = _Scheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._job = self._scheduler.add_job(
            self._collect, trigger=_DueTrigger(self._earliest), id=_JOB, next_run_time=self._clock() + _IDLE
        )
        self._armed = self._clock() + _IDLE
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_LOOKS)
        self._failed: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def add(self, key: str, *, pause: timedelta, first: datetime) -> None:
        """Look at what has this key at `first`, then on its grid. What was scheduled under the key is replaced."""
        before = self._entries.get(key)
        grid = Grid.of(key, pause)
        if before is not None and before.looking:  # never twice at once: its end sees the new grid
            before.grid = grid
            before.due = instant(first)
            return
        entry = _Entry(key, grid, instant(first))
        self._entries[key] = entry
        self._wait(entry, instant(first))

    def remove(self, key: str) -> None:
        """Look no more; a look that is under way comes to its end."""
        self._entries.pop(key, None)

    def hasten(self, key: str) -> None:
        """Look at once, whenever it was due."""
        entry = self._entries.get(key)
        if entry is not None and not entry.queued and not entry.looking:
            self._wait(entry, instant(self._clock()))

    def advance(self, key: str, by: datetime) -> None:
        """Look by then at the latest; what is due earlier, or being looked at, stays as it is."""
        entry, due = self._entries.get(key), instant(by)
        if entry is None or entry.queued or entry.due is None or entry.due <= due:
            return
        if entry.looking:  # its end sees the new time
            entry.due = due
        else:
            self._wait(entry, due)

    def next_looks(self) -> Mapping[str, datetime]:
        """When each is looked at next, by its key; what is being looked at is left out."""
        return {key: moment(entry.due) for key, entry in self._entries.items() if entry.due is not None}

    @property
    def queued(self) -> int:
        """How many looks are due and wait for a request's turn."""
        return len(self._queue)

    @property
    def overdue(self) -> timedelta:
        """How long the most overdue look has been waiting, queued or not yet collected; zero when nothing waits."""
        dues = [entry.due for _, _, entry in self._queue if self._entries.get(entry.key) is entry and entry.due]
        while self._waiting and not self._waits(*self._waiting[0]):
            heapq.heappop(self._waiting)
        dues += [due for due, _, _ in self._waiting[:1]]
        return max(self._clock() - moment(min(dues)), timedelta(0)) if dues else timedelta(0)

    async def run(self) -> None:
        """Look until cancelled; raise what a look raised."""
        self._failed = asyncio.get_running_loop().create_future()
        self._scheduler.start()
        self._arm()
        dispatching = asyncio.create_task(self._dispatch())
        dispatching.add_done_callback(self._ended)
        try:
            await self._watch_clock(self._failed)
        finally:
            dispatching.cancel()
            if self._scheduler.running:
                self._scheduler.pause()

    async def once(self) -> None:
        """Look at everything once, due or not, and at what that puts on the schedule; raise what a look raises."""
        done: set[str] = set()
        while keys := [key for key in self._entries if key not in done]:
            done.update(keys)
            async with asyncio.TaskGroup() as tasks:
                for key in keys:
                    entry = self._entries.get(key)
                    if entry is not None:
                        tasks.create_task(self._look_once(entry, await self._admit()))

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

    def _wait(self, entry: _Entry, due: int) -> None:
        entry.due = due
        heapq.heappush(self._waiting, (due, next(self._order), entry))
        if self._scheduler.running and moment(due) < self._armed:
            self._arm()

    def _arm(self) -> None:
        """Let the job fire when the earliest look is due."""
        self._armed = self._earliest() or self._clock() + _IDLE
        self._job.modify(next_run_time=self._armed)

    def _earliest(self) -> datetime | None:
        while self._waiting and not self._waits(*self._waiting[0]):
            heapq.heappop(self._waiting)
        self._armed = moment(self._waiting[0][0]) if self._waiting else self._clock() + _IDLE
        return self._armed if self._waiting else None

    def _waits(self, due: int, _order: int, entry: _Entry) -> bool:
        """Whether this place in the heap is still the entry's own: what moved or was removed leaves its old one."""
        idle = not entry.queued and not entry.looking
        return idle and entry.due == due and self._entries.get(entry.key) is entry

    async def _collect(self) -> None:
        now = instant(self._clock())
        while self._waiting and self._waiting[0][0] <= now:
            item = heapq.heappop(self._waiting)
            if not self._waits(*item):
                continue
            due, order, entry = item
            entry.queued = True
            heapq.heappush(self._queue, (due + deferral(entry.grid.interval), order, entry))
        if self._queue:
            self._queued.set()

    async def _dispatch(self) -> None:
        """One look for each request that may go, the most overdue first."""
        while True:
            await self._queued.wait()
            await self._room.acquire()
            permit = await self._admit()
            entry = self._next()
            if entry is None:
                permit.release()
                self._room.release()
                self._queued.clear()
                continue
            task = asyncio.create_task(self._look_once(entry, permit))
            self._running.add(task)
            task.add_done_callback(self._ended)
            if not self._queue:
                self._queued.clear()

    def _next(self) -> _Entry | None:
        while self._queue:
            _, _, entry = heapq.heappop(self._queue)
            entry.queued = False
            if self._entries.get(entry.key) is entry:
                return entry
        return None

    async def _look_once(self, entry: _Entry, permit: Permit) -> None:
        now = instant(self._clock())
        due = now if entry.due is None else entry.due
        entry.looking, entry.due = True, None
        try:
            pause = await self._look(entry.key, moment(due), permit)
        finally:
            entry.looking = False
            permit.release()
        if self._entries.get(entry.key) is not entry:
            return
        if entry.due is not None:  # put on another grid meanwhile
            self._wait(entry, entry.due)
        elif pause is None:
            del self._entries[entry.key]
        else:
            entry.grid = Grid.of(entry.key, pause) if pause != entry.grid.span else entry.grid
            self._wait(entry, entry.grid.after(max(instant(self._clock()), due)))

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A look that has ended makes room for another; what a task raises ends the schedule."""
        if task in self._running:
            self._running.discard(task)
            self._room.release()
        if task.cancelled() or (error := task.exception()) is None:
            return
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

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
        """Call back the looks that a clock set back has put out of reach.

        A clock that jumped ahead, or a machine that slept, needs no such thing: what it passed over is due now, once.
        """
        now = instant(self._clock())
        for entry in self._entries.values():
            if entry.due is not None and not entry.queued and entry.due > now + entry.grid.interval:
                self._wait(entry, entry.grid.after(now))
        self._arm()


def deferral(interval: int) -> int:
    """How much later than it is due a look counts when many wait, in microseconds: half its interval, at most 15 s.

    So a young snapshot, looked at every 10 s, comes before an old one that is as overdue; and as the place in the
    queue is fixed when it falls due, nobody starves.
    """
    return min(interval // 2, _MOST_DEFERRED)
