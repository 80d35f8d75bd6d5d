"""Counts the requests of the last minute."""

from collections import deque


class LastMinute:
    """A count of the last 60 seconds, exact to the second. `now` is in monotonic seconds."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()

    def add(self, now: float) -> None:
        """Counts one request sent now."""
        second, number = int(now), 1
        if self._seconds and self._seconds[-1][0] == second:
            number += self._seconds.pop()[1]
        self._seconds.append((second, number))
        self._forget(now)

    def count(self, now: float) -> int:
        """Returns the number of requests in the last 60 seconds."""
        self._forget(now)
        return sum(number for _, number in self._seconds)

    def _forget(self, now: float) -> None:
        while self._seconds and self._seconds[0][0] <= now - 60:
            self._seconds.popleft()
