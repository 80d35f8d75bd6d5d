"""Probes an API in trouble when no poll is due: otherwise nobody would notice that the trouble is over."""

from collections.abc import Callable

from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.snapshot_observer import SnapshotObserver

NO_SNAPSHOT = "s_probe"
"""The id to ask for where nothing is watched. A 404 is a good answer: the token was accepted."""


class Probe:
    """Probes the API. A job of the daemon (`app.jobs`) calls `probe` every few seconds."""

    def __init__(
        self,
        *,
        limiter: Limiter,
        observer: SnapshotObserver,
        snapshot: Callable[[], str | None],
        idle: Callable[[], bool],
    ) -> None:
        """
        Args:
            limiter: knows the API's health, and when a probe may go.
            observer: polls.
            snapshot: returns a watched snapshot, ended or not; None if there is none.
            idle: returns whether no poll waits for its turn: one that waits is the probe itself.
        """
        self._limiter = limiter
        self._observer = observer
        self._snapshot = snapshot
        self._idle = idle

    async def probe(self) -> None:
        """Sends a probe if the limiter wants one and no poll waits that would be it."""
        if self._limiter.wants_probe and self._idle():
            await self._observer.observe(self._snapshot() or NO_SNAPSHOT)
