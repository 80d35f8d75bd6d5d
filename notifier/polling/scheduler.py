"""When each look is due, and which of those that are due goes next.

A job of the daemon (`app.jobs`) calls `collect` when something falls due, and all that is due moves into the queue of
the agenda (`notifier.core.snapshot.agenda`). From there the most overdue look goes first, one for each request that the
limiter admits: so nothing is begun that cannot go on, however many are due. What a look raises ends the schedule.

Beside them are rotations (`notifier.core.snapshot.rotation`): whose turn it is in one is looked at when nothing else is
due now, nor would be due before the next request may go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any

from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.agenda import Agenda, AgendaEntry
from notifier.core.snapshot.grid import Grid, instant, moment
from notifier.core.snapshot.rotation import RESERVED_SHARE

CLOCK_SHIFT = timedelta(seconds=2)
"""A wall clock that moved by more than this against the monotonic one was set, or the machine slept."""

MOST_LOOKS = 512
"""Under way at once: as many as may wait for answers, and as many again for their commits. Each one more would take the
loop from those commits, until all are late. And while the database cannot be written, each of them waits for it with
what it has seen, and no others begin."""

_BREATH = timedelta(milliseconds=50)
"""The least time after which it is seen again whether a request is left over."""

_CANCEL_GRACE = timedelta(seconds=1)
"""How long a cancelled look may take to let go of the network and of the store."""


Look = Callable[[str, datetime, Permit], Awaitable[timedelta | None]]
"""Looks at what has this key and was due at that time; answers with the pause to the next look, None for never again.
The permit is the look's own from then on."""


Turn = Callable[[str], tuple[str | None, timedelta | None]]
"""Whose turn it is in the rotation of this key, and the pause to the next turn; None for nobody's, and for no more."""


class PollScheduler:
    """All that is looked at, each on a grid of its own. `run()` it in a task; it ends only by raising or cancelling."""

    def __init__(
        self,
        *,
        look: Look,
        admit: Callable[[], Awaitable[Permit]],
        clock: Callable[[], datetime],
        clock_shifted: Callable[[timedelta], None],
        wake_by: Callable[[datetime], None] = lambda _: None,
        turn: Turn = lambda _: (None, None),
        gap: Callable[[], timedelta] = lambda: timedelta(0),
    ) -> None:
        """
        Args:
            look: what is done when something is due.
            admit: waits until one more request may be made.
            clock: the time, UTC.
            clock_shifted: told how far the wall clock was moved, each time it was.
            wake_by: has `collect` called at that time at the latest.
            turn: whose turn it is in a rotation.
            gap: the time between two requests at the configured rate.
        """
        self._look = look
        self._turn = turn
        self._gap = gap
        self._admit = admit
        self._clock = clock
        self._clock_shifted = clock_shifted
        self._wake_by = wake_by
        self._agenda = Agenda()
        self._rotations = Agenda()
        self._queued = asyncio.Event()
        self._turn_due = asyncio.Event()
        self._began_at = moment(0)
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_LOOKS)
        self._failed: asyncio.Future[None] | None = None
        self._offset: float | None = None

    def __len__(self) -> int:
        return len(self._agenda)

    def __contains__(self, key: object) -> bool:
        return key in self._agenda

    def add(self, key: str, *, pause: timedelta, first: datetime) -> None:
        """Look at what has this key at `first`, then on its grid. What was scheduled under the key is replaced."""
        self._agenda.add(key, Grid.of(key, pause), instant(first))
        self._set_timer()

    def remove(self, key: str) -> None:
        """Look no more, nor in rotation; a look that is under way comes to its end."""
        self._agenda.remove(key)
        self._rotations.remove(key)

    def rotate(self, key: str, *, pause: timedelta) -> None:
        """Give turns in the rotation of this key, the next one on the grid of that pause if none is due earlier."""
        grid = Grid.of(key, pause)
        first = grid.after(instant(self._clock()))
        if key in self._rotations:
            self._rotations.advance(key, first)
        else:
            self._rotations.add(key, grid, first)
        self._set_timer()

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
        tasks = [asyncio.create_task(each) for each in (self._dispatch(), self._rotate())]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            await asyncio.wait({self._failed})  # not the future itself: a cancellation would go on to it
            self._failed.result()
        finally:
            for task in tasks:
                task.cancel()

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
        if self._running:
            await asyncio.wait(self._running, timeout=grace.total_seconds())
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_CANCEL_GRACE.total_seconds())
        if self._failed is not None and self._failed.done():
            self._failed.result()

    async def cancel(self) -> None:
        """Cancel the polls that still run, and wait a moment for their end.

        For a daemon that ends by a failure: what the other polls raise because of it is not reported a second time.
        """
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=_CANCEL_GRACE.total_seconds())

    def _set_timer(self) -> None:
        if (due := self.earliest()) is not None:
            self._wake_by(due)

    def earliest(self) -> datetime | None:
        """When something falls due next; None if nothing is scheduled."""
        dues = [due for due in (self._agenda.earliest(), self._rotations.earliest()) if due is not None]
        return moment(min(dues)) if dues else None

    async def collect(self) -> None:
        """Move what is due into the queue, from which `run` takes it."""
        now = instant(self._clock())
        self._agenda.collect(now)
        self._rotations.collect(now)
        if self._agenda.queued:
            self._queued.set()
        if self._rotations.queued:
            self._turn_due.set()

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
            self._run(self._look_once(entry, permit))
            if not self._agenda.queued:
                self._queued.clear()

    async def _rotate(self) -> None:
        """Give a turn whenever a request is left over. What falls due while its permit is waited for goes first."""
        while True:
            await self._turn_due.wait()
            while not self._is_free():  # noqa: ASYNC110 - time alone makes it so
                await asyncio.sleep(max(self._gap() / 2, _BREATH).total_seconds())
            await self._room.acquire()
            permit = await self._admit()
            now = instant(self._clock())
            entry = self._agenda.next()
            if entry is not None:
                self._run(self._look_once(entry, permit))
            elif (key := self._next_turn(now)) is not None:
                self._run(self._look_beside(key, moment(now), permit))
            else:
                permit.release()
                self._room.release()
            if not self._rotations.queued:
                self._turn_due.clear()

    def _is_free(self) -> bool:
        """Whether a request now would delay nothing that is due, and leave free what rotations do not use."""
        due, now, gap = self._agenda.earliest(), self._clock(), self._gap()
        rested = abs(now - self._began_at) >= gap / (1 - RESERVED_SHARE)
        return rested and not self._agenda.queued and (due is None or moment(due) >= now + gap)

    def _next_turn(self, now: int) -> str | None:
        """Whose turn it is; the rotation goes on while it is looked at."""
        rotation = self._rotations.next()
        if rotation is None:
            return None
        self._rotations.begin(rotation, now)
        rotation.running = False
        key, pause = self._turn(rotation.key)
        self._rotations.again(rotation, pause, now)
        self._set_timer()
        return key

    async def _look_beside(self, key: str, due: datetime, permit: Permit) -> None:
        """Look at what the agenda does not have; what follows from it is seen to by who looks."""
        try:
            await self._look(key, due, permit)
        finally:
            permit.release()

    def _run(self, look: Coroutine[Any, Any, None]) -> None:
        self._began_at = self._clock()
        task = asyncio.create_task(look)
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def _look_once(self, entry: AgendaEntry, permit: Permit) -> None:
        due = self._agenda.begin(entry, instant(self._clock()))
        try:
            pause = await self._look(entry.key, moment(due), permit)
        finally:
            entry.running = False
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
        self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """Have `run()` raise this: without the schedule there is no daemon."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    async def check_clock(self) -> None:
        """Notice that the wall clock was set, or that the machine slept, and call back what that put out of reach.

        A clock that jumped ahead, or a machine that slept, needs no such thing: what it passed over is due now, once.
        """
        offset = self._clock().timestamp() - asyncio.get_running_loop().time()
        before, shift = self._offset, timedelta(seconds=0 if self._offset is None else offset - self._offset)
        if before is None or abs(shift) > CLOCK_SHIFT:
            self._offset = offset
        if abs(shift) > CLOCK_SHIFT:
            for agenda in (self._agenda, self._rotations):
                agenda.realign(instant(self._clock()))
            self._clock_shifted(shift)
            self._set_timer()
