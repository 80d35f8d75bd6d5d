"""Tracks the API's health from the answers, admit probes while it is in trouble, and announce each change.

The rules stand in `notifier.core.health.api`. Times named `now` are in monotonic seconds.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from notifier.core.health.api import ApiHealth, ApiKind, ApiNews, ApiState, after_answer, after_probe_went, try_at_once
from notifier.core.snapshot.model import Reason


class ApiMonitor:
    """The API's health as this process knows it.

    Args:
        wall: the time, UTC, for announcements.
        changed: called with each change of the API's health.
    """

    def __init__(self, *, wall: Callable[[], datetime], changed: Callable[[ApiNews], None]) -> None:
        self._wall = wall
        self._changed = changed
        self._health = ApiHealth()
        self._announced = ApiKind.OK
        self._announced_at: float | None = None
        self.is_limited = False
        """Whether the breaker has held all requests for long enough to be news."""

    def remember(self, announced: ApiKind) -> None:
        """Takes over what a former process announced last."""
        self._announced = announced

    @property
    def kind(self) -> ApiKind:
        """The API's health, in one word."""
        if self._health.kind is ApiKind.OK and self.is_limited:
            return ApiKind.RATE_LIMITED
        return self._health.kind

    @property
    def needs_probes(self) -> bool:
        """Whether only probes go, one at a time: the API refuses the token or does not answer."""
        return self._health.kind is not ApiKind.OK

    @property
    def is_in_doubt(self) -> bool:
        """Whether the API is in trouble, or trouble was announced whose end is not known."""
        return self._announced is not ApiKind.OK or self.kind is not ApiKind.OK

    def probe_wait(self, now: float) -> float:
        """Returns the seconds until the next probe may go; zero or less if a request may go now."""
        return 0.0 if self._health.next_at is None else self._health.next_at - now

    def admit(self, now: float) -> Callable[[], None]:
        """Counts a request as a probe if the API is in trouble.

        Returns:
            Takes that back, if nothing was learned since: for a permit that no request was made with.
        """
        before, after = self._health, after_probe_went(self._health, now)
        self._health = after

        def undo() -> None:
            if self._health is after:
                self._health = before

        return undo

    def judge(self, reason: Reason | None, detail: str, now: float) -> bool:
        """Learns the result of a request: why it is unusable, or None for a good answer.

        Returns:
            Whether the API changed between healthy and in trouble.
        """
        before = self._health.kind
        self._health = after_answer(self._health, reason, detail, now)
        return self._health.kind is not before

    def probe_at_once(self, now: float) -> None:
        """Lets the next probe go now: there is reason to believe that the trouble is over."""
        self._health = try_at_once(self._health, now)

    def announce(self, now: float, held_for: timedelta) -> None:
        """Announces the API's health if it is not what was announced last."""
        kind, previous, since = self.kind, self._announced, self._announced_at
        if kind is previous:
            return
        self._announced, self._announced_at = kind, now
        lasted = timedelta(seconds=now - since) if previous is not ApiKind.OK and since is not None else None
        self._changed(
            ApiNews(
                kind=kind,
                previous=previous,
                at=self._wall(),
                detail=self._health.detail,
                lasted=lasted,
                held_for=held_for,
            )
        )

    def state(self, now: float, *, requests: int, refusals: int, held_for: timedelta) -> ApiState:
        """Returns the API's health for status, pages and metrics, with the counts given."""
        since = self._announced_at if self.kind is self._announced else None
        return ApiState(
            kind=self.kind,
            since=None if since is None else self._wall() - timedelta(seconds=now - since),
            detail=self._health.detail,
            requests=requests,
            refusals=refusals,
            held_for=held_for,
        )
