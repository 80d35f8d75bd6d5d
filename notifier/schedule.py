"""When each look is due, and which of those that are due goes next.

A timer (`notifier.timer`) says when: it rings when something falls due, and all that is due moves into the queue of the
agenda (`notifier.core.agenda`). From there the most overdue look goes first, one for each request that the limiter
admits: so nothing is begun that cannot go on, however many are due. What a look raises ends the schedule.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from notifier.brightdata.limiter import Permit
from notifier.core.agenda import Agenda, Entry
from notifier.core.grid import Grid, instant, moment
from notifier.timer import Timer

CLOCK_CHECK = timedelta(seconds=5)
CLOCK_SHIFT = timedelta(seconds=2)
"""A wall clock that moved by more than this against the monotonic one was set, or the machine slept."""

MOST_LOOKS = 512
"""Under way at once: as many as may wait for answers, and as many again for their commits. Each one more would take the
loop from those commits, until all are late. And while the database cannot be written, each of them waits for it with
what it has seen, and no others begin."""

_CANCEL_GRACE = timedelta(seconds=1)
"""How long a cancelled look may take to let go of the network and of the store."""


Look = Callable[[str, datetime, Permit], Awaitable[timedelta | None]]
"""Looks at what has this key and was due at that time; answers with the pause to the next look, None for never again.
The permit is the look's own from then on."""


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
        self._agenda = Agenda()
        self._timer = Timer(self._collect, earliest=self._earliest, clock=clock)
        self._queued = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_LOOKS)
        self._failed: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._agenda)

    def __contains__(self, key: object) -> bool:
        return key in self._agenda

    def add(self, key: str, *, pause: timedelta, first: datetime) -> None:
        """Look at what has this key at `first`, then on its grid. What was scheduled under the key is replaced."""
        self._agenda.add(key, Grid.of(key, pause), instant(first))
        self._set_timer()

    def remove(self, key: str) -> None:
        """Look no more; a look that is under way comes to its end."""
        self._agenda.remove(key)

    def hasten(self, key: str) -> None:
        """Look at once, whenever it was due; at what is being looked at once more."""
        self._agenda.hasten(key, instant(self._clock()))
        self._set_timer()

    def advance(self, key: str, by: datetime) -> None:
        """Look by then at the latest; what is due earlier, or being looked at, stays as it is."""
        self._agenda.advance(key, instant(by))
        self._set_timer()

    def next_looks(self) -> Mapping[str, datetime]:
        """When each is looked at next, by its key; what is being looked at is left out."""
        return {key: moment(due) for key, due in self._agenda.dues()}

    @property
    def queued(self) -> int:
        """How many looks are due and wait for a request's turn."""
        return self._agenda.queued

    @property
    def overdue(self) -> timedelta:
        """How long the most overdue look has been waiting, queued or not yet collected; zero when nothing waits."""
        due = self._agenda.most_overdue()
        return max(self._clock() - moment(due), timedelta(0)) if due is not None else timedelta(0)

    async def run(self) -> None:
        """Look until cancelled; raise what a look raised."""
        self._failed = asyncio.get_running_loop().create_future()
        self._timer.start()
        dispatching = asyncio.create_task(self._dispatch())
        dispatching.add_done_callback(self._ended)
        try:
            await self._watch_clock(self._failed)
        finally:
            dispatching.cancel()
            self._timer.pause()

    async def once(self) -> None:
        """Look at everything once, due or not, and at what that puts on the schedule; raise what a look raises."""
        done: set[str] = set()
        while keys := [key for key in self._agenda if key not in done]:
            done.update(keys)
            async with asyncio.TaskGroup() as tasks:
                for key in keys:
                    entry = self._agenda.of(key)
                    if entry is not None:
                        tasks.create_task(self._look_once(entry, await self._admit()))

    async def drain(self, grace: timedelta) -> None:
        """Start no more looks, let the running ones end within `grace`, and cancel the rest.

        Raises:
            Exception: what one of these last looks raised.
        """
        if not self._timer.running:
            return
        self._timer.pause()
        if self._running:
            await asyncio.wait(self._running, timeout=grace.total_seconds())
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_CANCEL_GRACE.total_seconds())
        self._timer.stop()
        if self._failed is not None and self._failed.done():
            self._failed.result()

    def _set_timer(self) -> None:
        due = self._agenda.earliest()
        if due is not None:
            self._timer.set_by(moment(due))

    def _earliest(self) -> datetime | None:
        due = self._agenda.earliest()
        return moment(due) if due is not None else None

    async def _collect(self) -> None:
        self._agenda.collect(instant(self._clock()))
        if self._agenda.queued:
            self._queued.set()

    async def _dispatch(self) -> None:
        """One look for each request that may go, the most overdue first."""
        while True:
            await self._queued.wait()
            await self._room.acquire()
            permit = await self._admit()
            entry = self._agenda.next()
            if entry is None:
                permit.release()
                self._room.release()
                self._queued.clear()
                continue
            task = asyncio.create_task(self._look_once(entry, permit))
            self._running.add(task)
            task.add_done_callback(self._ended)
            if not self._agenda.queued:
                self._queued.clear()

    async def _look_once(self, entry: Entry, permit: Permit) -> None:
        due = self._agenda.begin(entry, instant(self._clock()))
        try:
            pause = await self._look(entry.key, moment(due), permit)
        finally:
            entry.looking = False
            permit.release()
        self._agenda.again(entry, pause, max(instant(self._clock()), due))
        self._set_timer()

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
            self._timer.wake_up()

    def _offset(self) -> float:
        return self._clock().timestamp() - self._monotonic()

    def _anchor_again(self) -> None:
        """Call back the looks that a clock set back has put out of reach.

        A clock that jumped ahead, or a machine that slept, needs no such thing: what it passed over is due now, once.
        """
        self._agenda.call_back(instant(self._clock()))
        self._timer.set()
