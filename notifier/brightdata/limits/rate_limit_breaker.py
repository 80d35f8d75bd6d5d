"""Decides from the answers of 429 so far whether a request may go. Pure: `now` is in monotonic seconds.

25 answers of 429 within 5 minutes get the caller's address blocked until support lifts it, and 10 is "near". So:

1. An answer of 429 opens the breaker: no request goes for the pause that `Retry-After` asks for, else for 2, 4, 8, 16,
   32 s, by the number of consecutive refusals.
2. After the pause it is half open: one request at a time goes, until an answer is not 429.
3. With `HOLD_AT` answers of 429 in the window it stays open until there are fewer.
4. While the window has an answer of 429, all requests in flight could be answered with 429 too: refusals and requests
   in flight are together at most `MOST_TOGETHER`.
5. The number of requests in flight is limited to `SAFE_IN_FLIGHT` at first. The limit grows by one with each good
   answer while requests wait, up to the one that the rate sets; 429 resets it.
6. A killed process may have had requests in flight whose answers of 429 the API counted, but which never arrived. By
   rule 4 these and the known ones were at most `MOST_TOGETHER`. The next process presumes one less, and so goes on with
   one request at a time. It begins with one in any case. If it knows of no refusal, it presumes as many at its first
   one, for as long as refusals of the former process could be in the window.

It follows, looking at the last admitted of any ten requests: 10 answers of 429 in 5 minutes cannot happen if the limit
of rule 5 is at most 9 (up to 12 requests a second). At a higher rate they can only if the first one finds 10 requests
in flight, after good answers to all before. Across a kill the same holds if a refusal was known before it. If none was,
the requests in flight at the kill and those at the next process's first refusal could add up to more.
"""

from collections import deque
from collections.abc import Sequence
from enum import StrEnum

WINDOW = 315.0
"""Seconds. The API counts over 5 minutes by its own clock; the rest allows for answers that are counted late."""

NEAR = 10
MOST_TOGETHER = NEAR - 2
HOLD_AT = 6
SAFE_IN_FLIGHT = 8

SHORTEST_PAUSE = 1.0
PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0)


class BreakerState(StrEnum):
    """Which requests go: `closed` all, `open` none, `half_open` one at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """A circuit breaker for answers of 429. `most_in_flight` is the limit that rule 5 grows up to."""

    def __init__(self, *, most_in_flight: int) -> None:
        self.most_in_flight = most_in_flight
        self._allowed = SAFE_IN_FLIGHT
        self._too_few = False
        self._times: deque[float] = deque()
        self._consecutive = 0
        self._held_until = 0.0
        self._doubtful_until: float | None = None

    def remember(self, now: float, times: Sequence[float], *, restarted: bool) -> int:
        """Takes over the memory of a former process, before the first request.

        Args:
            now: the present.
            times: of its answers of 429.
            restarted: whether it made requests within the window.

        Returns:
            How many more answers of 429 are presumed; record them like the others.
        """
        if restarted:
            self._doubtful_until = now + WINDOW
            self.begin_slowly()
        self._times.extend(sorted(min(at, now) for at in times))
        known = self.recent(now)
        if not known:
            return 0
        self.begin_slowly()
        self._consecutive = 1
        self._held_until = self._times[-1] + PAUSES[-1]
        if known >= HOLD_AT:
            self._hold()
        presumed = max(MOST_TOGETHER - 1 - known, 1)
        self._times.extend([now] * presumed)
        if len(self._times) >= MOST_TOGETHER:
            self._hold()
        return presumed

    def begin_slowly(self) -> None:
        """Lets one request go at a time, and more with each good answer."""
        self._allowed = 1

    def state(self, now: float) -> BreakerState:
        """Returns the breaker's state."""
        if not self._consecutive:
            return BreakerState.CLOSED
        return BreakerState.OPEN if self.held_for(now) > 0 else BreakerState.HALF_OPEN

    def held_for(self, now: float) -> float:
        """Returns the seconds for which no request may go; 0 if requests may go."""
        return max(0.0, self._held_until - now) if self._consecutive else 0.0

    def recent(self, now: float) -> int:
        """Returns the number of answers of 429 in the window."""
        while self._times and self._times[0] < now - WINDOW:
            self._times.popleft()
        return len(self._times)

    def has_room(self, now: float, in_flight: int) -> bool:
        """Returns whether one more request may go now, beside those in flight."""
        match self.state(now):
            case BreakerState.OPEN:
                return False
            case BreakerState.HALF_OPEN:
                return in_flight == 0 and self.recent(now) < MOST_TOGETHER
            case BreakerState.CLOSED:
                recent = self.recent(now)
                if recent and in_flight + recent >= MOST_TOGETHER:
                    return False
                allowed = min(self._allowed, self.most_in_flight)
                self._too_few = in_flight >= allowed or (self._too_few and in_flight + 1 == allowed)
                return in_flight < allowed

    def rate_limited(self, now: float, retry_after: float | None) -> int:
        """Learns of an answer of 429, and the seconds of its `Retry-After` if it has one.

        Several requests in flight may be refused at once. That counts as one refusal: the pause grows only when a
        request sent after the pause is refused too.

        Returns:
            How many answers of 429 to record: more than one if those of a former process are presumed.
        """
        if self.state(now) is not BreakerState.OPEN:
            self._consecutive += 1
        presumed = 0
        if not self.recent(now) and self._doubtful_until is not None and now < self._doubtful_until:
            presumed = MOST_TOGETHER - 1
        self._times.extend([now] * (1 + presumed))
        self._allowed = min(self._allowed, SAFE_IN_FLIGHT)
        pause = PAUSES[min(self._consecutive, len(PAUSES)) - 1] if retry_after is None else retry_after
        self._held_until = max(self._held_until, now + max(pause, SHORTEST_PAUSE))
        if len(self._times) >= HOLD_AT:
            self._hold()
        return 1 + presumed

    def _hold(self) -> None:
        """Holds until there are fewer than `HOLD_AT` in the window."""
        self._held_until = max(self._held_until, self._times[-HOLD_AT] + WINDOW)

    def answered(self, now: float) -> None:
        """Learns of an answer that was not 429."""
        match self.state(now):
            case BreakerState.OPEN:
                pass  # sent before the refusal that opened the breaker: it proves nothing
            case BreakerState.HALF_OPEN:
                self._consecutive = 0
            case BreakerState.CLOSED:
                if self._too_few:
                    self._allowed = min(self._allowed + 1, self.most_in_flight)
