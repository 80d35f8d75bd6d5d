"""The one gate of all requests with the token: evenly spaced, first come first served, and never too many 429s.

How many at once and when to hold is decided in `notifier.brightdata.limits.breaker`, and how an API in trouble is tried
in `notifier.core.health.api`; this module waits for it, and tells when the API does otherwise than before.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Self

from notifier.brightdata.last_minute import LastMinute
from notifier.brightdata.limits.breaker import SAFE_IN_FLIGHT, Breaker, BreakerState
from notifier.core.health.api import (
    LIMITED_AFTER,
    ApiHealth,
    ApiKind,
    ApiNews,
    ApiState,
    after_answer,
    after_probe_went,
    try_at_once,
)
from notifier.core.model import Reason

CATCH_UP = 0.01
"""Seconds by which a request that is late does not hold up the next: timers oversleep, and the rate is kept. With more,
what a busy loop sends late and what follows it early can arrive as three in less than the time of two."""


LOOKS_AGAIN = 1.0
"""Seconds: how soon who waits for a probe's turn notices that the trouble is over."""


SLOWEST = 256.0
EASES_IN = 300.0
"""After a refusal the rate is halved, down to one part in `SLOWEST`; it doubles again in each `EASES_IN` seconds. So it
settles below what the API bears, with about one refusal in that time, instead of living from one hold to the next."""


MOST_IN_FLIGHT = 256
"""At any rate. What is more would only wait in the process or at the API, where nobody can say what is most overdue."""


def most_in_flight(requests_per_second: float) -> int:
    """What may be in flight at once at a rate: enough for answers that take 0.8 s each, up to `MOST_IN_FLIGHT`."""
    return min(max(SAFE_IN_FLIGHT, int(0.8 * requests_per_second)), MOST_IN_FLIGHT)


class Permit:
    """A request's turn, that has come: it counts as in flight until it is released, by hand or as a context manager.

    Args:
        released: called once, at the first release.
        unused: called before it if no request was made with the permit.
    """

    __slots__ = ("_released", "_unused")

    def __init__(self, released: Callable[[], None], unused: Callable[[], None] | None = None) -> None:
        self._released: Callable[[], None] | None = released
        self._unused = unused

    def use(self) -> None:
        """A request goes with it."""
        self._unused = None

    def release(self) -> None:
        """The request is done with, or there is none to make. More than once is as good as once."""
        released, self._released = self._released, None
        unused, self._unused = self._unused, None
        if released is None:
            return
        if unused is not None:
            unused()
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
        wall: the time, UTC, for what is told and kept.
        refused: told of each answer of 429, for the next process to `remember`.
        changed: told when the API does otherwise than before.

    Raises:
        ValueError: the rate is not above 0.
    """

    def __init__(
        self,
        *,
        requests_per_second: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        refused: Callable[[datetime], None] = lambda _: None,
        changed: Callable[[ApiNews], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._wall = wall
        self._tell_refused = refused
        self._tell_changed = changed
        self._breaker = Breaker(most_in_flight=SAFE_IN_FLIGHT)
        self._health = ApiHealth()
        self._limited = False
        self._told = ApiKind.OK
        self._told_at: float | None = None
        self._went = LastMinute()
        self._slowed = 1.0
        self._slowed_at = 0.0
        self._next = 0.0
        self._in_flight = 0
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()
        self.set_rate(requests_per_second)

    def remember(
        self, refusals: Sequence[timedelta] = (), *, restarted: bool = False, told: ApiKind = ApiKind.OK
    ) -> None:
        """Take up the memory of a former process, before the first request.

        Args:
            refusals: how long ago each of its answers of 429 came, as `refused` was told of them.
            restarted: whether it made requests within the last minutes.
            told: how the API did when that was last told.
        """
        now = self._clock()
        times = [now - max(age.total_seconds(), 0.0) for age in refusals]
        self._keep(self._breaker.remember(now, times, restarted=restarted))
        self._told = told

    @property
    def state(self) -> BreakerState:
        """Whether requests go: closed, open or half open."""
        return self._breaker.state(self._clock())

    @property
    def held_for(self) -> timedelta:
        """For how long no request will go; zero when they go."""
        return timedelta(seconds=self._held(self._clock()))

    @property
    def in_flight(self) -> int:
        """The requests that have gone and are not done with."""
        return self._in_flight

    @property
    def recent_refusals(self) -> int:
        """The answers of 429 within the last five minutes."""
        return self._breaker.recent(self._clock())

    @property
    def api(self) -> ApiState:
        """How the API does."""
        now = self._clock()
        kind = self._kind()
        known = kind is self._told and self._told_at is not None
        return ApiState(
            kind=kind,
            since=self._wall() - timedelta(seconds=now - (self._told_at or now)) if known else None,
            detail=self._health.detail,
            requests=self._went.count(now),
            refusals=self.recent_refusals,
            held_for=self.held_for,
        )

    @property
    def wants_probe(self) -> bool:
        """Whether a trouble of the API was told whose end is not known, and a request may go now and see."""
        in_doubt = self._told is not ApiKind.OK or self._kind() is not ApiKind.OK
        return in_doubt and not self._in_flight and not self._turn.locked() and self._held(self._clock()) <= 0

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

        Say `use()` of the permit when the request goes. A permit that is released unused gives its turn to try an API
        in trouble back: the next request may go as if this one had never been admitted.

        Before the permit is released tell what came of the request: `rate_limited()` or `answered()` as soon as its
        status is known, neither if there was no answer, and `judged()` at its end. A waiter that is cancelled gives
        its place to the next. To wait for a time only, use `asyncio.timeout`, which cancels the waiter itself, so that
        no permit is lost.
        """
        async with self._turn:
            before = await self._admission()
            self._in_flight += 1
            return Permit(self._release, partial(self._give_probe_back, before, self._health))

    def rate_limited(self, retry_after: timedelta | None) -> None:
        """Hold every request: the API answered 429, and asked for this pause if it did."""
        now = self._clock()
        if self._breaker.state(now) is not BreakerState.OPEN:  # else what was in flight is refused: that is one refusal
            self._slowed, self._slowed_at = min(2 * self._slowness(now), SLOWEST), now
        self._keep(self._breaker.rate_limited(now, None if retry_after is None else retry_after.total_seconds()))
        if self._breaker.held_for(now) > LIMITED_AFTER:
            self._limited = True
        self._tell()

    def answered(self) -> None:
        """Learn that the API answered something other than 429."""
        now = self._clock()
        self._breaker.answered(now)
        if self._breaker.state(now) is BreakerState.CLOSED:
            self._limited = False
        self._freed.set()

    def judged(self, reason: Reason | None, detail: str = "") -> None:
        """Learn what a request came to: why it told nothing, or None for a good answer."""
        before = self._health.kind
        self._health = after_answer(self._health, reason, detail, self._clock())
        if self._health.kind is not before:
            self._breaker.begin_slowly()  # whichever way it changed, nothing must storm it
            self._freed.set()
        if reason is None or self._kind() is not ApiKind.OK:
            self._tell()

    def try_at_once(self) -> None:
        """Let the next probe of an API in trouble go now: there is reason to believe that the trouble is over."""
        self._health = try_at_once(self._health, self._clock())

    def _give_probe_back(self, before: ApiHealth, after: ApiHealth) -> None:
        """Undo what an admission without a request changed, unless something was learned since."""
        if self._health is after:
            self._health = before

    def _release(self) -> None:
        self._in_flight -= 1
        self._freed.set()

    def _kind(self) -> ApiKind:
        if self._health.kind is ApiKind.OK and self._limited:
            return ApiKind.RATE_LIMITED
        return self._health.kind

    def _tell(self) -> None:
        kind, previous, since = self._kind(), self._told, self._told_at
        if kind is previous:
            return
        now = self._clock()
        self._told, self._told_at = kind, now
        known = previous is not ApiKind.OK and since is not None
        self._tell_changed(
            ApiNews(
                kind=kind,
                previous=previous,
                at=self._wall(),
                detail=self._health.detail,
                lasted=timedelta(seconds=now - since) if known and since is not None else None,
                held_for=self.held_for,
            )
        )

    def _keep(self, number: int) -> None:
        for _ in range(number):
            self._tell_refused(self._wall())

    def _slowness(self, now: float) -> float:
        """How many times longer than usual the space between two requests is."""
        return max(1.0, self._slowed * 0.5 ** ((now - self._slowed_at) / EASES_IN)) if self._slowed > 1.0 else 1.0

    def _held(self, now: float) -> float:
        probe = self._health.next_at
        return max(self._breaker.held_for(now), 0.0 if probe is None else probe - now)

    def _has_room(self, now: float) -> bool:
        if self._health.kind is not ApiKind.OK and self._in_flight:
            return False
        return self._breaker.has_room(now, self._in_flight)

    async def _admission(self) -> ApiHealth:
        """Wait until a request may go; the health before it counted as a probe."""
        while True:
            now = self._clock()
            wait = self._held(now)
            if wait <= 0 and not self._has_room(now):
                if not self._in_flight:
                    await self._sleep(LOOKS_AGAIN)
                    continue
                # Only something in flight can be in the way now: its end is what to wait for, not a time.
                self._freed.clear()
                await self._freed.wait()
                continue
            wait = max(wait, self._next - now)
            if wait <= 0:
                self._next = max(self._next, now - CATCH_UP) + self._interval * self._slowness(now)
                before, self._health = self._health, after_probe_went(self._health, now)
                self._went.add(now)
                return before
            await self._sleep(wait if self._health.kind is ApiKind.OK else min(wait, LOOKS_AGAIN))
