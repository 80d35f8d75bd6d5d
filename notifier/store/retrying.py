"""What cannot be written now is written later: it waits here, and is tried again, until there is room.

A transaction that failed was rolled back, so nothing of it has happened, and all of it can be done again. Whoever waits
holds what it wants to write, so nothing is lost, and nothing is told twice: that a message was sent is written as soon
as it can be, by the very task that sent it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from notifier.core.errors import StoreUnready
from notifier.core.health.store import StoreNews, StoreTrouble

PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds from one try to the next; the last one repeats."""

CALM = timedelta(seconds=1)
LONGEST_CALM = timedelta(minutes=10)
SOON = timedelta(hours=1)
"""A trouble is over when everything was written, and nothing has failed since for `CALM`. With each that follows within
`SOON` of the last one that takes twice as long: a disk on the brink must not become a storm of news."""

TOLD_AFTER = {
    StoreTrouble.FULL: timedelta(0),
    StoreTrouble.FAILING: timedelta(0),
    StoreTrouble.LOCKED: timedelta(seconds=10),  # somebody who looks into the database with a tool will let it go
}

T = TypeVar("T")

_AT_ONCE: ContextVar[bool] = ContextVar("at_once", default=False)


@contextmanager
def at_once() -> Iterator[None]:
    """For a question that is of use only now: within it, what cannot be done is raised as `StoreUnready`."""
    token = _AT_ONCE.set(True)
    try:
        yield
    finally:
        _AT_ONCE.reset(token)


class StoreRetry:
    """Sees writes through. All of a database share one: whoever gets through lets the others try at once.

    It begins `hurried`: what cannot be written is raised. A daemon has it `wait`.
    """

    def __init__(
        self,
        changed: Callable[[StoreNews], None] = lambda _: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Args:
            changed: told when a trouble has begun, and when it is over.
            clock: the time, UTC.
        """
        self._changed = changed
        self._clock = clock
        self._waits = False
        self._waiting = 0
        self._woken = asyncio.Event()
        self._round = 0
        self._next_at = 0.0
        self._trouble: StoreUnready | None = None
        self._began = clock()
        self._told = False
        self._calm = CALM
        self._ended: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def trouble(self) -> StoreNews | None:
        """The trouble that there is, told or not yet."""
        if self._trouble is None:
            return None
        return StoreNews(trouble=self._trouble.trouble, at=self._began, detail=str(self._trouble))

    @property
    def waiting(self) -> int:
        """How many writes wait."""
        return self._waiting

    def wait(self) -> None:
        """From now on have writes wait."""
        self._waits = True

    def hurry(self) -> None:
        """From now on, for those that wait too: what cannot be written is raised, while a trouble lasts untried."""
        self._waits = False
        self._wake()
        self._set_timer(None)

    async def see_through(self, work: Callable[[], Awaitable[T]], hurried: asyncio.Event) -> T:
        """Do this, again and again while the database cannot be used.

        Args:
            work: writes all or nothing.
            hurried: set by whoever cannot wait any longer.

        Raises:
            StoreUnready: it cannot be done, and is not waited for.
            StoreError: it cannot be done at all.
        """
        now = _AT_ONCE.get()
        if self._trouble is not None:
            # On a full disk what only reads goes on; else a question would only be tried in vain, behind all who wait.
            in_vain = now and self._trouble.trouble is not StoreTrouble.FULL
            if in_vain or not self._waits:
                raise self._trouble.anew()
        try:
            result = await work()
        except StoreUnready as first:
            error = first.anew()
        else:
            if self._trouble is not None and not self._waiting and self._timer is None:
                self._worked()  # all who waited have gone, and nobody else would find out that it can be used again
            return result
        if now:
            raise error
        return await self._insist(work, hurried, error)

    async def _insist(self, work: Callable[[], Awaitable[T]], hurried: asyncio.Event, error: StoreUnready) -> T:
        self._waiting += 1
        worked = False
        try:
            while True:
                if not self._waits or hurried.is_set():
                    raise error
                self._failed(error)
                await self._pause(hurried)
                try:
                    result = await work()
                except StoreUnready as again:
                    error = again.anew()
                else:
                    worked = True
                    return result
        finally:
            self._waiting -= 1
            if worked:
                self._worked()

    def _failed(self, error: StoreUnready) -> None:
        self._set_timer(None)
        now = asyncio.get_running_loop().time()
        if self._trouble is None:
            self._trouble, self._began, self._told = error, self._clock(), False
            again = self._ended is not None and timedelta(0) <= self._began - self._ended < SOON
            self._calm = min(2 * self._calm, LONGEST_CALM) if again else CALM
        if not self._told and self._clock() - self._began >= TOLD_AFTER[self._trouble.trouble]:
            self._told = True
            self._changed(StoreNews(trouble=self._trouble.trouble, at=self._began, detail=str(self._trouble)))
        if now >= self._next_at:
            self._next_at = now + PAUSES[min(self._round, len(PAUSES) - 1)]
            self._round += 1

    async def _pause(self, hurried: asyncio.Event) -> None:
        """Wait for the next try, for somebody who gets through, or for the end of patience."""
        woken = self._woken
        waits = [asyncio.ensure_future(woken.wait()), asyncio.ensure_future(hurried.wait())]
        try:
            seconds = max(self._next_at - asyncio.get_running_loop().time(), 0.0)
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _worked(self) -> None:
        self._round, self._next_at = 0, 0.0
        self._wake()
        if self._trouble is not None and not self._waiting:
            self._set_timer(self._calm)

    def _wake(self) -> None:
        woken, self._woken = self._woken, asyncio.Event()
        woken.set()

    def _set_timer(self, after: timedelta | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if after is None else loop.call_later(after.total_seconds(), self._over)

    def _over(self) -> None:
        trouble, self._trouble, self._ended = self._trouble, None, self._clock()
        if trouble is not None and self._told:
            lasted = max(self._ended - self._began, timedelta(0))
            news = StoreNews(trouble=trouble.trouble, at=self._ended, detail=str(trouble), over=True, lasted=lasted)
            self._changed(news)
