"""Spaces requests evenly, at a rate that drops after a refusal and recovers. Pure: `now` is in monotonic seconds."""

CATCH_UP = 0.01
"""Seconds by which a late request may be made up for: timers oversleep, and the rate is to be kept.

With more, what a busy loop sends late and what follows it early could arrive as three requests in less than the time
of two.
"""

SLOWEST = 256.0
"""The rate never drops below the configured one divided by this."""

RECOVERY_S = 300.0
"""Seconds in which a reduced rate doubles.

A refusal halves it. So the rate settles below what the API bears, with about one refusal in this time, instead of
alternating between full speed and a hold.
"""


class Pace:
    """The time between two requests.

    Args:
        requests_per_second: above 0.

    Raises:
        ValueError: the rate is not above 0.
    """

    def __init__(self, requests_per_second: float) -> None:
        self._next = 0.0
        self._slowed = 1.0
        self._slowed_at = 0.0
        self.set_rate(requests_per_second)

    def set_rate(self, requests_per_second: float) -> None:
        """Changes the rate from the next request on; what refusals took off it stays off.

        Raises:
            ValueError: the rate is not above 0; nothing has changed.
        """
        if not 0 < requests_per_second < float("inf"):
            raise ValueError(f"requests_per_second must be above 0, not {requests_per_second}")
        self._interval = 1 / requests_per_second

    def wait(self, now: float) -> float:
        """Returns the seconds until the next request may go; zero or less if it may go now."""
        return self._next - now

    def advance(self, now: float) -> None:
        """Notes that a request goes now."""
        self._next = max(self._next, now - CATCH_UP) + self._interval * self._slowness(now)

    def sent(self, admitted: float, now: float) -> None:
        """Notes that a request goes only now: the process was busy since its turn at `admitted`.

        If it is late by more than `CATCH_UP`, the next one waits for a whole interval from now. It would otherwise be
        the third in less than the time of two, after this one and one that was admitted meanwhile.
        """
        if now - admitted > CATCH_UP:
            self._next = max(self._next, now + self._interval * self._slowness(now))

    def slow_down(self, now: float) -> None:
        """Halves the rate: the API refused a request."""
        self._slowed, self._slowed_at = min(2 * self._slowness(now), SLOWEST), now

    def _slowness(self, now: float) -> float:
        """Returns how many times longer than usual the time between two requests is."""
        if self._slowed <= 1.0:
            return 1.0
        recovered: float = 0.5 ** ((now - self._slowed_at) / RECOVERY_S)
        return max(1.0, self._slowed * recovered)
