"""Repeats writes while the database is unusable, so that they are late and not lost.

A transaction that failed was rolled back: nothing of it has happened, and all of it can be done again. The caller holds
what it wants to write until it is written, so nothing is lost or sent twice: that a message was sent is recorded as
soon as possible, by the task that sent it.
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
"""Seconds between two tries; the last one repeats."""

CALM = timedelta(seconds=1)
LONGEST_CALM = timedelta(minutes=10)
SOON = timedelta(hours=1)
"""A trouble is over when all writes are done and none has failed for `CALM`. This time doubles with each trouble that
begins within `SOON` after the last one: a disk at its limit must not cause a storm of notices."""

REPORTED_AFTER = {
    StoreTrouble.FULL: timedelta(0),
    StoreTrouble.FAILING: timedelta(0),
    StoreTrouble.LOCKED: timedelta(seconds=10),  # a person with a database tool may hold the lock for a moment
}

T = TypeVar("T")

_AT_ONCE: ContextVar[bool] = ContextVar("at_once", default=False)


@contextmanager
def at_once() -> Iterator[None]:
    """Raise `StoreUnready` instead of retrying: for a question whose answer is only of use now."""
    token = _AT_ONCE.set(True)
    try:
        yield
    finally:
        _AT_ONCE.reset(token)


class StoreRetry:
    """Retries the writes of one database. A write that succeeds lets all that wait try again at once.

    At first it is disabled: failures are raised. A daemon enables it.
    """

    def __init__(
        self,
        changed: Callable[[StoreNews], None] = lambda _: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """
        Args:
            changed: called when a trouble has begun, and when it is over.
            clock: the time, UTC.
        """
        self._changed = changed
        self._clock = clock
        self._enabled = False
        self._waiting = 0
        self._woken = asyncio.Event()
        self._tries = 0
        self._next_at = 0.0
        self._trouble: StoreUnready | None = None
        self._began = clock()
        self._reported = False
        self._calm = CALM
        self._ended: datetime | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def trouble(self) -> StoreNews | None:
        """The present trouble, whether or not it was reported; None if there is none."""
        if self._trouble is None:
            return None
        return StoreNews(trouble=self._trouble.trouble, at=self._began, detail=str(self._trouble))

    @property
    def waiting(self) -> int:
        """The number of writes that wait."""
        return self._waiting

    def enable(self) -> None:
        """Retry from now on."""
        self._enabled = True

    def disable(self) -> None:
        """Raise failures from now on, also to the writes that wait; while a trouble lasts, without trying."""
        self._enabled = False
        self._wake()
        self._set_timer(None)

    async def run(self, work: Callable[[], Awaitable[T]], cancelled: asyncio.Event) -> T:
        """Do this, again and again while the database is unusable.

        Args:
            work: writes all or nothing.
            cancelled: set when the caller cannot wait any longer.

        Raises:
            StoreUnready: it failed, and is not retried.
            StoreError: it cannot be done at all.
        """
        now = _AT_ONCE.get()
        if self._trouble is not None:
            # On a full disk reads go on. Otherwise a question would fail, too, after waiting behind all writes.
            in_vain = now and self._trouble.trouble is not StoreTrouble.FULL
            if in_vain or not self._enabled:
                raise self._trouble.copy()
        try:
            result = await work()
        except StoreUnready as first:
            error = first.copy()
        else:
            if self._trouble is not None and not self._waiting and self._timer is None:
                self._worked()  # no write waits any more, so that nothing else would find the end of the trouble
            return result
        if now:
            raise error
        return await self._retry(work, cancelled, error)

    async def _retry(self, work: Callable[[], Awaitable[T]], cancelled: asyncio.Event, error: StoreUnready) -> T:
        self._waiting += 1
        worked = False
        try:
            while True:
                if not self._enabled or cancelled.is_set():
                    raise error
                self._failed(error)
                await self._pause(cancelled)
                try:
                    result = await work()
                except StoreUnready as again:
                    error = again.copy()
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
            self._trouble, self._began, self._reported = error, self._clock(), False
            again = self._ended is not None and timedelta(0) <= self._began - self._ended < SOON
            self._calm = min(2 * self._calm, LONGEST_CALM) if again else CALM
        if not self._reported and self._clock() - self._began >= REPORTED_AFTER[self._trouble.trouble]:
            self._reported = True
            self._changed(StoreNews(trouble=self._trouble.trouble, at=self._began, detail=str(self._trouble)))
        if now >= self._next_at:
            self._next_at = now + PAUSES[min(self._tries, len(PAUSES) - 1)]
            self._tries += 1

    async def _pause(self, cancelled: asyncio.Event) -> None:
        """Wait until the next try, until another write succeeds, or until the caller is cancelled."""
        woken = self._woken
        waits = [asyncio.ensure_future(woken.wait()), asyncio.ensure_future(cancelled.wait())]
        try:
            seconds = max(self._next_at - asyncio.get_running_loop().time(), 0.0)
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def _worked(self) -> None:
        self._tries, self._next_at = 0, 0.0
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
        if trouble is not None and self._reported:
            lasted = max(self._ended - self._began, timedelta(0))
            news = StoreNews(trouble=trouble.trouble, at=self._ended, detail=str(trouble), over=True, lasted=lasted)
            self._changed(news)
