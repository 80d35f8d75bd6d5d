"""Pings a dead man's switch at an interval while all is well, and not while something is wrong.

The service there alerts people when no ping comes any more, also when this machine or its network is gone.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from notifier.channels.ping import ping
from notifier.config.model import HeartbeatSettings
from notifier.core.outcomes import HeartbeatKind, HeartbeatOutcome
from notifier.network import Resolver


class Heartbeat:
    """A job of the daemon (`app.jobs`) calls `beat` at the interval `every`."""

    def __init__(
        self,
        wanted: HeartbeatSettings | None,
        *,
        troubles: Callable[[], Awaitable[list[str]]],
        report: Callable[[HeartbeatOutcome], None],
    ) -> None:
        """
        Args:
            wanted: the address and the interval; None for no heartbeat.
            troubles: returns what is wrong; an empty list if all is well. It must not raise.
            report: called with the outcome of each heartbeat.
        """
        self._wanted = wanted
        self._troubles = troubles
        self._report = report
        self._resolver = Resolver()

    @property
    def every(self) -> timedelta | None:
        """The interval; None if no address is configured."""
        return None if self._wanted is None else self._wanted.every

    def configure(self, wanted: HeartbeatSettings | None) -> bool:
        """Use another address and interval from now on; return whether they differ."""
        changed, self._wanted = wanted != self._wanted, wanted
        return changed

    async def beat(self) -> None:
        """Ping the address if all is well, and report the outcome."""
        if self._wanted is not None:
            self._report(await self._beat(self._wanted.url))

    async def _beat(self, url: str) -> HeartbeatOutcome:
        if found := await self._troubles():
            return HeartbeatOutcome(kind=HeartbeatKind.WITHHELD, detail=found[0])
        trouble = await ping(url, self._resolver)
        kind = HeartbeatKind.SENT if trouble is None else HeartbeatKind.FAILED
        return HeartbeatOutcome(kind=kind, detail=trouble or "")
