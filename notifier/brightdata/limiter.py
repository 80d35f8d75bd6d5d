"""The one gate of all requests with the token: evenly spaced, first come first served, and never too many 429s.

How many at once and when to hold is `notifier.brightdata.breaker`'s decision; this module waits for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Self

from notifier.brightdata.breaker import SAFE_IN_FLIGHT, Breaker, BreakerState

CATCH_UP = 0.05
"""Seconds: what follows a request that is late by up to this goes at once: timers oversleep, the rate is kept."""


def most_in_flight(requests_per_second: float) -> int:
    """What may be in flight at once at a rate: enough for answers that take 0.8 s each."""
    return max(SAFE_IN_FLIGHT, int(0.8 * requests_per_second))


class Permit:
    """A request's turn, that has come: it counts as in flight until it is released, by hand or as a context manager."""

    __slots__ = ("_released",)

    def __init__(self, released: Callable[[], None]) -> None:
        self._released: Callable[[], None] | None = released

    def release(self) -> None:
        """The request is done with. More than once is as good as once."""
        released, self._released = self._released, None
        if released is not None:
            released()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()


class Limiter:
    """Shared by all requests that use one token.

    In any time of t seconds it lets at most `t * rate + 1 + CATCH_UP * rate` requests go.

    Args:
        requests_per_second: above 0.
        clock: monotonic seconds.
        sleep: waits for that many seconds of the clock.

    Raises:
        ValueError: the rate is not above 0.
    """

    def __init__(
        self,
        *,
        requests_per_second: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._breaker = Breaker(most_in_flight=SAFE_IN_FLIGHT)
        self._next = 0.0
        self._in_flight = 0
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self.set_rate(requests_per_second)

    @property
    def state(self) -> BreakerState:
        """Whether requests go: closed, open or half open."""
        return self._breaker.state(self._clock())

    @property
    def held_for(self) -> timedelta:
        """For how long no request will go; zero when they go."""
        return timedelta(seconds=self._breaker.held_for(self._clock()))

    @property
    def in_flight(self) -> int:
        """The requests that have gone and are not done with."""
        return self._in_flight

    @property
    def recent_refusals(self) -> int:
        """The answers of 429 within the last five minutes."""
        return self._breaker.recent(self._clock())

    def set_rate(self, requests_per_second: float) -> None:
        """Go on at another rate; the memory of refusals stays.

        Raises:
            ValueError: the rate is not above 0.
        """
        if not 0 < requests_per_second < float("inf"):
            raise ValueError(f"requests_per_second must be above 0, not {requests_per_second}")
        self._interval = 1 / requests_per_second
        self._breaker.most_in_flight = most_in_flight(requests_per_second)

    async def admit(self) -> Permit:
        """Wait for a request's turn; from then on it counts as in flight.

        Tell what came of it before the permit is released: `rate_limited()`, `answered()`, or neither if there was no
        answer. A waiter that is cancelled gives its place to the next. To wait for a time only, use
        `asyncio.timeout`, which cancels the waiter itself, so that no permit is lost.
        """
        async with self._turn:
            await self._admission()
            self._in_flight += 1
            return Permit(self._released)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for this request's turn, and count it as in flight until the block ends."""
        with await self.admit():
            yield

    def _released(self) -> None:
        self._in_flight -= 1
        self._changed.set()

    def rate_limited(self, retry_after: timedelta | None) -> None:
        """Hold every request: the API answered 429, and asked for this pause if it did."""
        self._breaker.rate_limited(self._clock(), None if retry_after is None else retry_after.total_seconds())

    def answered(self) -> None:
        """Learn that the API answered something other than 429."""
        self._breaker.answered(self._clock())
        self._changed.set()

    async def _admission(self) -> None:
        while True:
            now = self._clock()
            wait = self._breaker.held_for(now)
            if wait <= 0 and not self._breaker.has_room(now, self._in_flight):
                # Only something in flight can be in the way now: its end is what to wait for, not a time.
                self._changed.clear()
                await self._changed.wait()
                continue
            wait = max(wait, self._next - now)
            if wait <= 0:
                self._next = max(self._next, now - CATCH_UP) + self._interval
                return
            await self._sleep(wait)
