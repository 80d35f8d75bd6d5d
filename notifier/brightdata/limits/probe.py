"""Tries an API in trouble when nothing else does: where nothing is due, its end would never be seen."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from notifier.brightdata.limits.limiter import Limiter, Permit
from notifier.core.isolation import Faults
from notifier.core.model import Observation
from notifier.core.units import Unit

CHECKED_EVERY = timedelta(seconds=5)
"""How soon after the limiter would let a probe go it is seen that nobody has made one."""

NOBODY = "s_probe"
"""Asked about where nothing is watched: a 404 is a good answer, for the token was accepted."""


class Observer(Protocol):
    """Whatever can look at a snapshot. It tells the limiter what its answer says of the API."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """One look."""
        ...


class Probe:
    """`run()` it in a task; it ends only when it is cancelled."""

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
            limiter: knows of the trouble, and how often it may be tried.
            observer: asks.
            snapshot: one that is watched, whether or not it has ended; None if there is none.
            idle: whether no look waits for its turn, and would be the probe.
            faults: bounds what a probe raises.
        """
        self._faults = faults or Faults()
        self._limiter = limiter
        self._observer = observer
        self._snapshot = snapshot
        self._idle = idle

    async def run(self) -> None:
        """See every few seconds whether a probe is wanted that nobody makes, and make it."""
        pause = CHECKED_EVERY
        while True:
            await asyncio.sleep(max(pause, CHECKED_EVERY).total_seconds())
            pause = await self._faults.attempt(Unit.PROBE, "", self._try)

    async def _try(self) -> None:
        if self._limiter.wants_probe and self._idle():
            await self._observer.observe(self._snapshot() or NOBODY)
