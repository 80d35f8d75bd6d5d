"""Tells the service manager how the daemon is: its line of status, and that it is alive only while it does its work.

Not alive is what a restart could mend: an event loop that is blocked (then nothing here runs either), looks that do not
progress, a store that does not answer. A store that answers with an error does answer: who uses it tells of that. A
refused token or an API that is out is no reason to be ended: they stand in the line of status.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from notifier.core.errors import StoreError
from notifier.core.health.status_line import status_line
from notifier.core.health.vitals import Vitals, mendable

STATUS_EVERY = timedelta(seconds=2)
"""The line of status is not told more often than this."""

CHECKS_PER_INTERVAL = 6
"""Health checks per watchdog interval; several, so that one failed check does not get the daemon killed."""

LOG_FROM = 0.6
"""Of the interval: after so much of it without being fed it is said why; never come to while all is well."""

log = structlog.get_logger("notifier")


class Watchdog:
    """Reports to the service manager. A job of the daemon (`app.jobs`) calls `check` at the interval `every`."""

    def __init__(
        self,
        *,
        tell: Callable[..., None],
        interval: timedelta | None,
        vitals: Callable[[], Vitals],
        in_progress: Callable[[], int],
        waiting: Callable[[], Awaitable[int]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            tell: sends assignments such as `WATCHDOG=1` to the service manager.
            interval: within which it wants to hear that; None if it does not.
            vitals: how the daemon does, without asking the store.
            in_progress: how many snapshots are watched that have not ended.
            waiting: asks the store how many deliveries have not come to their end.
            monotonic: a clock in seconds that nobody sets.
        """
        self._tell = tell
        self._interval = interval
        self._vitals = vitals
        self._in_progress = in_progress
        self._waiting = waiting
        self._monotonic = monotonic
        self._count = 0
        self._asking: asyncio.Task[None] | None = None
        self._told = ""
        self._told_at = self._fed_at = -math.inf
        self._starving = self._began = False
        self._pause = STATUS_EVERY if interval is None else min(STATUS_EVERY, interval / CHECKS_PER_INTERVAL)

    def status(self) -> str:
        """The line of status, with the deliveries as they were counted last."""
        self._told = status_line(self._vitals(), in_progress=self._in_progress(), waiting=self._count)
        self._told_at = self._monotonic()
        return self._told

    @property
    def every(self) -> timedelta | None:
        """The time between two checks; None before `begin`."""
        return self._pause if self._began else None

    def begin(self) -> None:
        """Check from now on: the daemon is ready."""
        self._began = True

    async def check(self) -> None:
        """See how the daemon is, for up to `every`, and tell what is to be told. A check that raises does not feed."""
        answers = await self._store_answers(self._pause)
        if self._interval is not None:
            why = "the database does not answer" if not answers else "; ".join(mendable(self._vitals()))
            self._feed(why, self._interval)
        if self._monotonic() - self._told_at >= STATUS_EVERY.total_seconds():
            before = self._told
            line = self.status()
            if line != before:
                self._tell(f"STATUS={line}")

    def close(self) -> None:
        """Wait no longer for a store that has not answered yet."""
        if self._asking is not None:
            self._asking.cancel()

    def _feed(self, why_not: str, interval: timedelta) -> None:
        """Tell that the daemon is alive, unless there is a reason not to, at half the interval."""
        now, seconds = self._monotonic(), interval.total_seconds()
        hungry = (now - self._fed_at) / seconds
        # What lasts for a moment has no consequence, and is not worth a word.
        if why_not and not self._starving and hungry >= LOG_FROM:
            log.error("watchdog.starving", reason=why_not, within_s=seconds)
            self._starving = True
        if why_not:
            return
        if self._starving:
            log.info("watchdog.fed_again")
            self._starving = False
        # Half of it, less what the next look may come too late for that.
        if hungry >= 1 / 2 - 1 / CHECKS_PER_INTERVAL:
            self._tell("WATCHDOG=1")
            self._fed_at = now

    async def _store_answers(self, limit: timedelta) -> bool:
        """Whether it does within the limit. A question that it has not answered yet is not asked a second time."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_store())
        await asyncio.wait({self._asking}, timeout=limit.total_seconds())
        if not self._asking.done():
            return False
        answered, self._asking = self._asking, None
        answered.result()
        return True

    async def _ask_store(self) -> None:
        try:
            self._count = await self._waiting()
        except StoreError:
            return  # an answer too; see above
