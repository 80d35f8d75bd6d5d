"""Admits all requests with one token: evenly spaced, first come, first served, and never too many answers of 429.

The breaker decides how many may be in flight and when to hold, the pace when the next one may go, and the monitor how
an API in trouble is probed. The limiter waits for all three.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from notifier.brightdata.limits.api_monitor import ApiMonitor
from notifier.brightdata.limits.last_minute import LastMinute
from notifier.brightdata.limits.pace import Pace
from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.rate_limit_breaker import SAFE_IN_FLIGHT, Breaker, BreakerState
from notifier.core.health.api import LIMITED_AFTER, ApiKind, ApiNews, ApiState
from notifier.core.snapshot.model import Reason

RECHECK_S = 1.0
"""Seconds after which a request that waits for a probe's turn notices that the trouble is over."""

MOST_IN_FLIGHT = 256
"""At any rate. More would only wait in the process or at the API, where nobody can tell which is most overdue."""


def most_in_flight(requests_per_second: float) -> int:
    """Returns how many requests may be in flight at a rate: enough for answers that take 0.8 s each."""
    return min(max(SAFE_IN_FLIGHT, int(0.8 * requests_per_second)), MOST_IN_FLIGHT)


class Limiter:
    """The gate that all requests with one token share.

    In any span of t seconds it admits at most `t * rate + 1 + CATCH_UP * rate` requests. A request that goes later than
    it was admitted, because the process is busy, moves the next one: of any three in a row, the last goes an interval
    after the first, or `CATCH_UP` before that.

    Args:
        requests_per_second: above 0.
        clock: monotonic seconds.
        sleep: waits for that many seconds of the clock.
        wall: the time, UTC, for announcements and records.
        refused: called for each answer of 429, to record it for `remember` in the next process.
        changed: called when the API's health changes.

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
        self._record_refusal = refused
        self._pace = Pace(requests_per_second)
        self._breaker = Breaker(most_in_flight=most_in_flight(requests_per_second))
        self._monitor = ApiMonitor(wall=wall, changed=changed)
        self._requests = LastMinute()
        self._in_flight = 0
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    def remember(
        self, refusals: Sequence[timedelta] = (), *, restarted: bool = False, announced: ApiKind = ApiKind.OK
    ) -> None:
        """Takes over the memory of a former process, before the first request.

        Args:
            refusals: the age of each of its answers of 429, as `refused` recorded them.
            restarted: whether it made requests within the last minutes.
            announced: the API's health as it was announced last.
        """
        now = self._clock()
        times = [now - max(age.total_seconds(), 0.0) for age in refusals]
        self._record(self._breaker.remember(now, times, restarted=restarted))
        self._monitor.remember(announced)

    @property
    def state(self) -> BreakerState:
        """The breaker's state: closed, open or half open."""
        return self._breaker.state(self._clock())

    @property
    def held_for(self) -> timedelta:
        """How long no request will go; zero when requests go."""
        return timedelta(seconds=self._held(self._clock()))

    @property
    def in_flight(self) -> int:
        """The number of permits that are not released yet."""
        return self._in_flight

    @property
    def recent_refusals(self) -> int:
        """The number of answers of 429 within the last five minutes."""
        return self._breaker.recent(self._clock())

    @property
    def api(self) -> ApiState:
        """The API's health."""
        now = self._clock()
        return self._monitor.state(
            now, requests=self._requests.count(now), refusals=self.recent_refusals, held_for=self.held_for
        )

    @property
    def wants_probe(self) -> bool:
        """Whether the API's health is in doubt and a request may go now to find out."""
        is_idle = not self._in_flight and not self._turn.locked()
        return self._monitor.is_in_doubt and is_idle and self._held(self._clock()) <= 0

    def set_rate(self, requests_per_second: float) -> None:
        """Changes the rate; the memory of refusals stays.

        Raises:
            ValueError: the rate is not above 0; nothing has changed.
        """
        self._pace.set_rate(requests_per_second)
        self._breaker.most_in_flight = most_in_flight(requests_per_second)

    async def admit(self) -> Permit:
        """Waits for a request's turn; from then on it counts as in flight.

        Call `use()` of the permit when the request goes. A permit that is released unused gives back its turn to probe
        an API in trouble, as if it had never been given.

        Before the release, report the result: `rate_limited()` or `answered()` as soon as the status is known, neither
        without an answer, and `judged()` at the end. A cancelled waiter gives its place to the next. To wait for a
        limited time use `asyncio.timeout`, which cancels the waiter itself, so that no permit is lost.
        """
        async with self._turn:
            undo = await self._admission()
            self._in_flight += 1
            return Permit(self._release, undo, partial(self._sent, self._clock()))

    def rate_limited(self, retry_after: timedelta | None) -> None:
        """Holds every request: the API answered 429, and perhaps asked for a pause."""
        now = self._clock()
        if self._breaker.state(now) is not BreakerState.OPEN:  # several in flight that are refused count as one
            self._pace.slow_down(now)
        self._record(self._breaker.rate_limited(now, None if retry_after is None else retry_after.total_seconds()))
        if self._breaker.held_for(now) > LIMITED_AFTER:
            self._monitor.is_limited = True
        self._monitor.announce(now, self.held_for)

    def answered(self) -> None:
        """Learns that the API answered something other than 429."""
        now = self._clock()
        self._breaker.answered(now)
        if self._breaker.state(now) is BreakerState.CLOSED:
            self._monitor.is_limited = False
        self._freed.set()

    def judged(self, reason: Reason | None, detail: str = "") -> None:
        """Learns the result of a request: why its answer is unusable, or None for a good answer."""
        now = self._clock()
        if self._monitor.judge(reason, detail, now):
            self._breaker.begin_slowly()  # whichever way it changed, do not storm the API
            self._freed.set()
        if reason is None or self._monitor.kind is not ApiKind.OK:
            self._monitor.announce(now, self.held_for)

    def try_at_once(self) -> None:
        """Lets the next probe of an API in trouble go now: there is reason to believe that the trouble is over."""
        self._monitor.probe_at_once(self._clock())

    def _sent(self, admitted: float) -> None:
        self._pace.sent(admitted, self._clock())

    def _release(self) -> None:
        self._in_flight -= 1
        self._freed.set()

    def _record(self, number: int) -> None:
        for _ in range(number):
            self._record_refusal(self._wall())

    def _held(self, now: float) -> float:
        return max(self._breaker.held_for(now), self._monitor.probe_wait(now))

    def _has_room(self, now: float) -> bool:
        if self._monitor.needs_probes and self._in_flight:
            return False
        return self._breaker.has_room(now, self._in_flight)

    async def _admission(self) -> Callable[[], None]:
        """Waits until a request may go; return what takes its turn to probe back."""
        while True:
            now = self._clock()
            wait = self._held(now)
            if wait <= 0 and not self._has_room(now):
                if not self._in_flight:
                    await self._sleep(RECHECK_S)
                    continue
                # Only a request in flight is in the way: wait for its end, not for a time.
                self._freed.clear()
                await self._freed.wait()
                continue
            wait = max(wait, self._pace.wait(now))
            if wait <= 0:
                self._pace.advance(now)
                self._requests.add(now)
                return self._monitor.admit(now)
            await self._sleep(min(wait, RECHECK_S) if self._monitor.needs_probes else wait)
