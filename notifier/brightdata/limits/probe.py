"""Probes an API in trouble when no poll is due: otherwise nobody would notice that the trouble is over."""

from collections.abc import Callable
from typing import Protocol

from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.model import Observation

NO_SNAPSHOT = "s_probe"
"""The id to ask for where nothing is watched. A 404 is a good answer: the token was accepted."""


class Observer(Protocol):
    """Polls a snapshot, and reports to the limiter what the answer says of the API."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """Polls once."""
        ...


class Probe:
    """Probes the API. A job of the daemon (`app.jobs`) calls `probe` every few seconds."""

    def __init__(
        self,
        *,
        limiter: Limiter,
        observer: Observer,
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
