"""Probe an API in trouble when no poll is due: otherwise nobody would notice that the trouble is over."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.permit import Permit
from notifier.core.isolation import Faults
from notifier.core.model import Observation
from notifier.core.units import Unit

CHECKED_EVERY = timedelta(seconds=5)
"""How often it is checked whether the limiter would admit a probe that nobody makes."""

NO_SNAPSHOT = "s_probe"
"""The id to ask for where nothing is watched. A 404 is a good answer: the token was accepted."""


class Observer(Protocol):
    """Polls a snapshot, and reports to the limiter what the answer says of the API."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """Poll once."""
        ...


class Probe:
    """Probes the API. `run()` it in a task; it ends only when it is cancelled."""

    def __init__(
        self,
        *,
        limiter: Limiter,
        observer: Observer,
        snapshot: Callable[[], str | None],
        idle: Callable[[], bool],
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            limiter: knows the API's health, and when a probe may go.
            observer: polls.
            snapshot: returns a watched snapshot, ended or not; None if there is none.
            idle: returns whether no poll waits for its turn: one that waits is the probe itself.
            faults: isolates what a probe raises.
        """
        self._faults = faults or Faults()
        self._limiter = limiter
        self._observer = observer
        self._snapshot = snapshot
        self._idle = idle

    async def run(self) -> None:
        """Check every few seconds whether a probe is wanted that nobody makes, and make it."""
        pause = CHECKED_EVERY
        while True:
            await asyncio.sleep(max(pause, CHECKED_EVERY).total_seconds())
            pause = await self._faults.attempt(Unit.PROBE, "", self._try)

    async def _try(self) -> None:
        if self._limiter.wants_probe and self._idle():
            await self._observer.observe(self._snapshot() or NO_SNAPSHOT)
