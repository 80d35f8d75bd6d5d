"""Reports to the service manager: a line of status, and `WATCHDOG=1` only while the daemon does its work.

The watchdog is withheld for what a restart could fix: a blocked event loop (then nothing here runs), polls that do not
progress, a store that does not answer. A store that answers with an error does answer, and whoever uses it reports
that. A refused token or an API outage is no reason for a restart: the line of status has them.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from notifier.core.errors import StoreError
from notifier.core.health.status_line import status_line
from notifier.core.health.vitals import Vitals, fixable_by_restart

STATUS_EVERY = timedelta(seconds=2)
"""The shortest time between two lines of status."""

CHECKS_PER_INTERVAL = 6
"""Health checks per watchdog interval; several, so that one failed check does not get the daemon killed."""

LOG_FROM = 0.6
"""The part of the interval without `WATCHDOG=1` after which the log says why; never reached while all is well."""

log = structlog.get_logger("notifier")


class Watchdog:
    """Reports to the service manager. A job of the daemon (`app.jobs`) calls `check` at the interval `every`."""

    def __init__(
        self,
        *,
        notify: Callable[..., None],
        interval: timedelta | None,
        vitals: Callable[[], Vitals],
        in_progress: Callable[[], int],
        waiting: Callable[[], Awaitable[int]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            notify: sends assignments such as `WATCHDOG=1` to the service manager.
            interval: within which it expects that; None if it does not.
            vitals: returns how the daemon does, without a query of the store.
            in_progress: returns how many watched snapshots have not ended.
            waiting: queries the store for the number of open deliveries.
            monotonic: a clock in seconds that nobody sets.
        """
        self._notify = notify
        self._interval = interval
        self._vitals = vitals
        self._in_progress = in_progress
        self._waiting = waiting
        self._monotonic = monotonic
        self._count = 0
        self._asking: asyncio.Task[None] | None = None
        self._status = ""
        self._sent_at = self._fed_at = -math.inf
        self._starving = self._began = False
        self._pause = STATUS_EVERY if interval is None else min(STATUS_EVERY, interval / CHECKS_PER_INTERVAL)

    def status(self) -> str:
        """Return the line of status, with the deliveries as counted last."""
        self._status = status_line(self._vitals(), in_progress=self._in_progress(), waiting=self._count)
        self._sent_at = self._monotonic()
        return self._status

    @property
    def every(self) -> timedelta | None:
        """The time between two checks; None before `begin`."""
        return self._pause if self._began else None

    def begin(self) -> None:
        """Check from now on: the daemon is ready."""
        self._began = True

    async def check(self) -> None:
        """Check the daemon, for up to `every`, and report. A check that raises sends no `WATCHDOG=1`."""
        answers = await self._store_answers(self._pause)
        if self._interval is not None:
            why = "the database does not answer" if not answers else "; ".join(fixable_by_restart(self._vitals()))
            self._feed(why, self._interval)
        if self._monotonic() - self._sent_at >= STATUS_EVERY.total_seconds():
            before = self._status
            line = self.status()
            if line != before:
                self._notify(f"STATUS={line}")

    def close(self) -> None:
        """Stop waiting for a store that has not answered."""
        if self._asking is not None:
            self._asking.cancel()

    def _feed(self, why_not: str, interval: timedelta) -> None:
        """Send `WATCHDOG=1` at half the interval, unless there is a reason not to."""
        now, seconds = self._monotonic(), interval.total_seconds()
        elapsed = (now - self._fed_at) / seconds
        # A short trouble has no consequence, and needs no line in the log.
        if why_not and not self._starving and elapsed >= LOG_FROM:
            log.error("watchdog.starving", reason=why_not, within_s=seconds)
            self._starving = True
        if why_not:
            return
        if self._starving:
            log.info("watchdog.fed_again")
            self._starving = False
        # Half of it, less one check: the next one could come too late.
        if elapsed >= 1 / 2 - 1 / CHECKS_PER_INTERVAL:
            self._notify("WATCHDOG=1")
            self._fed_at = now

    async def _store_answers(self, limit: timedelta) -> bool:
        """Return whether the store answers within the limit. A query that is unanswered is not sent again."""
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
