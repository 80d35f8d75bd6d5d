"""Starts polls when they are due, the most overdue first.

A job of the daemon (`app.jobs`) calls `collect` when something falls due, and all that is due moves into the queue of
the agenda (`core.snapshot.agenda`). `run` starts one poll from it for each request that the limiter admits, so that no
poll starts that would then have to wait, however many are due. A poll that raises ends `run`.

Rotations (`core.snapshot.rotation`) use the requests that are left: a member has its turn when nothing is due now, and
nothing falls due before the next request may go.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.due_queue import Agenda, AgendaEntry
from notifier.core.snapshot.due_times import Grid, instant, moment
from notifier.core.snapshot.rotation import RESERVED_SHARE
from notifier.polling.clock_watch import ClockWatch
from notifier.polling.running_polls import RunningPolls

_FREE_CHECK = timedelta(milliseconds=50)
"""The shortest pause between two checks whether a request is left for a rotation."""

Poll = Callable[[str, datetime, Permit], Awaitable[timedelta | None]]
"""Polls what has this key and was due at that time, and owns the permit from then on.

Returns the pause before the next poll; None for no further one.
"""

Turn = Callable[[str], tuple[str | None, timedelta | None]]
"""Returns whose turn it is in the rotation of this key, or None, and the pause to the next turn; None for no more."""


class PollScheduler:
    """The schedule of all polls, each on a grid of its own.

    `run()` it in a task; it ends only by raising or by cancellation.
    """

    def __init__(
        self,
        *,
        poll: Poll,
        admit: Callable[[], Awaitable[Permit]],
        clock: Callable[[], datetime],
        clock_shifted: Callable[[timedelta], None],
        wake_by: Callable[[datetime], None] = lambda _: None,
        turn: Turn = lambda _: (None, None),
        gap: Callable[[], timedelta] = lambda: timedelta(0),
    ) -> None:
        """
        Args:
            poll: called when something is due.
            admit: waits until one more request may be made.
            clock: the time, UTC.
            clock_shifted: called with the shift when the wall clock was moved.
            wake_by: has `collect` called at that time at the latest.
            turn: decides whose turn it is in a rotation.
            gap: the time between two requests at the configured rate.
        """
        self._poll = poll
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
        self._running = RunningPolls()
        self._clock_watch = ClockWatch(clock)

    def __len__(self) -> int:
        return len(self._agenda)

    def __contains__(self, key: object) -> bool:
        return key in self._agenda

    def add(self, key: str, *, pause: timedelta, first: datetime) -> None:
        """Poll what has this key at `first`, then on its grid. An earlier schedule of the key is replaced."""
        self._agenda.add(key, Grid.of(key, pause), instant(first))
        self._set_timer()

    def remove(self, key: str) -> None:
        """Drop a key and its rotation; a poll that runs goes on to its end."""
        self._agenda.remove(key)
        self._rotations.remove(key)

    def rotate(self, key: str, *, pause: timedelta) -> None:
        """Give turns in the rotation of this key, the next one on the grid of this pause if none is due earlier."""
        grid = Grid.of(key, pause)
        first = grid.after(instant(self._clock()))
        if key in self._rotations:
            self._rotations.advance(key, first)
        else:
            self._rotations.add(key, grid, first)
        self._set_timer()

    def hasten(self, key: str) -> None:
        """Poll at once, whenever it was due; once more if a poll runs now."""
        self._agenda.hasten(key, instant(self._clock()))
        self._set_timer()

    def advance(self, key: str, by: datetime) -> None:
        """Poll at that time at the latest. What is due earlier, or runs now, stays as it is."""
        self._agenda.advance(key, instant(by))
        self._set_timer()

    def next_polls(self) -> Mapping[str, datetime]:
        """Return the time of each next poll, by key; what is being polled is left out."""
        return {key: moment(due) for key, due in self._agenda.dues()}

    @property
    def queued(self) -> int:
        """How many polls are due and wait to be admitted."""
        return self._agenda.queued

    @property
    def overdue(self) -> timedelta:
        """How long the most overdue poll has been waiting, queued or not yet collected; zero when none is."""
        due = self._agenda.most_overdue()
        return max(self._clock() - moment(due), timedelta(0)) if due is not None else timedelta(0)

    async def run(self) -> None:
        """Start polls until cancelled; raise what a poll raises."""
        await self._running.run(self._dispatch(), self._rotate())

    async def start(self, choose: Callable[[], Callable[[Permit], Awaitable[None]] | None]) -> None:
        """Start a poll outside of the schedule, which it does not change.

        Args:
            choose: called once one more request may be made; returns the poll, or None for none after all.
        """
        await self._running.room()
        permit = await self._admit()
        poll = choose()
        if poll is None:
            permit.release()
            self._running.give_back()
            return
        self._start(self._poll_outside(poll, permit))

    async def once(self) -> None:
        """Poll everything once, due or not, and what that adds to the schedule; raise what a poll raises."""
        done: set[str] = set()
        while keys := [key for key in self._agenda if key not in done]:
            done.update(keys)
            async with asyncio.TaskGroup() as tasks:
                for key in keys:
                    entry = self._agenda.of(key)
                    if entry is not None:
                        tasks.create_task(self._poll_entry(entry, await self._admit()))

    async def drain(self, grace: timedelta) -> None:
        """Let the running polls end within `grace`, and cancel the rest; after `run` has ended.

        Raises:
            Exception: what one of these last polls raised.
        """
        await self._running.drain(grace)

    async def cancel(self) -> None:
        """Cancel the polls that still run, and wait a moment for their end.

        For a daemon that ends by a failure: what the other polls raise because of it is not reported a second time.
        """
        await self._running.cancel()

    def _set_timer(self) -> None:
        if (due := self.earliest()) is not None:
            self._wake_by(due)

    def earliest(self) -> datetime | None:
        """Return when something falls due next; None if nothing is scheduled."""
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
        """Start one poll for each request that is admitted, the most overdue first."""
        while True:
            await self._queued.wait()
            await self._running.room()
            permit = await self._admit()
            entry = self._agenda.next()
            if entry is None:
                permit.release()
                self._running.give_back()
                self._queued.clear()
                continue
            self._start(self._poll_entry(entry, permit))
            if not self._agenda.queued:
                self._queued.clear()

    async def _rotate(self) -> None:
        """Give a turn whenever a request is left. What falls due while the permit is awaited goes first."""
        while True:
            await self._turn_due.wait()
            while not self._is_free():  # noqa: ASYNC110 - it depends on the time alone
                await asyncio.sleep(max(self._gap() / 2, _FREE_CHECK).total_seconds())
            await self._running.room()
            permit = await self._admit()
            now = instant(self._clock())
            entry = self._agenda.next()
            if entry is not None:
                self._start(self._poll_entry(entry, permit))
            elif (key := self._next_turn(now)) is not None:
                self._start(self._poll_turn(key, moment(now), permit))
            else:
                permit.release()
                self._running.give_back()
            if not self._rotations.queued:
                self._turn_due.clear()

    def _is_free(self) -> bool:
        """Whether a request now delays no poll that is due, and leaves the reserved share of the rate free."""
        due, now, gap = self._agenda.earliest(), self._clock(), self._gap()
        rested = abs(now - self._began_at) >= gap / (1 - RESERVED_SHARE)
        return rested and not self._agenda.queued and (due is None or moment(due) >= now + gap)

    def _next_turn(self, now: int) -> str | None:
        """Return whose turn it is, and schedule the next turn of that rotation."""
        rotation = self._rotations.next()
        if rotation is None:
            return None
        self._rotations.begin(rotation, now)
        rotation.running = False
        key, pause = self._turn(rotation.key)
        self._rotations.again(rotation, pause, now)
        self._set_timer()
        return key

    async def _poll_turn(self, key: str, due: datetime, permit: Permit) -> None:
        """Poll a member that is not on the agenda; what follows is up to the poll."""
        try:
            await self._poll(key, due, permit)
        finally:
            permit.release()

    async def _poll_outside(self, poll: Callable[[Permit], Awaitable[None]], permit: Permit) -> None:
        try:
            await poll(permit)
        finally:
            permit.release()

    def _start(self, poll: Coroutine[Any, Any, None]) -> None:
        self._began_at = self._clock()
        self._running.start(poll)

    async def _poll_entry(self, entry: AgendaEntry, permit: Permit) -> None:
        due = self._agenda.begin(entry, instant(self._clock()))
        try:
            pause = await self._poll(entry.key, moment(due), permit)
        finally:
            entry.running = False
            permit.release()
        self._agenda.again(entry, pause, max(instant(self._clock()), due))
        self._set_timer()

    async def check_clock(self) -> None:
        """Detect that the wall clock was set back, and bring forward what is due too late by it.

        A clock that was set ahead, or a machine that slept, needs nothing: what it passed over is due now, once.
        """
        if (shift := self._clock_watch.shift()) is not None:
            for agenda in (self._agenda, self._rotations):
                agenda.realign(instant(self._clock()))
            self._clock_shifted(shift)
            self._set_timer()


class SchedulerFactory(Protocol):
    """Makes a `PollScheduler` that lacks nothing but the functions it calls."""

    def __call__(self, *, poll: Poll, turn: Turn) -> PollScheduler:
        """Return a scheduler that calls these functions."""
        ...
