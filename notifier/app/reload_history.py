"""The last reload: kept for the vitals, and reported. Operators are notified once a refusal has lasted."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from notifier.core.health.vitals import LastReload
from notifier.core.outcomes import ReloadOutcome
from notifier.telemetry.reporter import MOST_PROBLEMS

LASTS_AFTER = timedelta(seconds=10)
"""For so long a refusal is in the log, the state and the answers to commands only."""


class ReloadNotices:
    """Tells people how reloads went: a success at once, a refusal once it has lasted for `LASTS_AFTER`.

    An editor that saves a file, or a script that copies several, causes refusals that are over before anybody could
    read of them. The refusal of a reload that was requested causes a notice at once.
    """

    def __init__(self, notify: Callable[[tuple[str, ...]], None]) -> None:
        """
        Args:
            notify: called with the reasons for which the files are refused; none once they are loaded.
        """
        self._notify = notify
        self._refused: tuple[str, ...] = ()
        self._timer: asyncio.TimerHandle | None = None

    def reloaded(self, outcome: ReloadOutcome) -> None:
        """Record a reload. A later notice has the refusal as it is by then."""
        self._refused = outcome.refused
        if outcome.done or outcome.asked:
            self.cancel()
            self._notify(self._refused)
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LASTS_AFTER.total_seconds(), self._has_lasted)

    def cancel(self) -> None:
        """Tell nothing of a refusal that has not lasted yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _has_lasted(self) -> None:
        self._timer = None
        self._notify(self._refused)


class ReloadHistory:
    """Remembers the `last` reload, and reports those that are news."""

    def __init__(
        self,
        *,
        refused: Sequence[str],
        runs_of: datetime | None,
        clock: Callable[[], datetime],
        report: Callable[[ReloadOutcome], None],
        notify: Callable[[tuple[str, ...]], None],
    ) -> None:
        """
        Args:
            refused: why the files are refused at the start; empty if they are loaded.
            runs_of: when the configuration that runs was read; None if it does not come from files.
            clock: the time, UTC.
            report: called with each outcome that is news.
            notify: notifies the operators, as that of `ReloadNotices`.
        """
        self.last: LastReload | None = None
        if refused and runs_of is not None:
            self.last = LastReload(at=clock(), refused=tuple(refused[:MOST_PROBLEMS]), runs_of=runs_of)
        self._clock = clock
        self._report = report
        self._notices = ReloadNotices(notify)

    def reloaded(self, outcome: ReloadOutcome) -> None:
        """Record a reload. One that was not requested, and is refused as before, is no news."""
        before, ended = self.last, self._clock()
        refused = outcome.refused[:MOST_PROBLEMS]
        runs_of = before.runs_of if before is not None and refused else None
        self.last = LastReload(at=ended - outcome.duration, ended=ended, refused=refused, runs_of=runs_of)
        if outcome.asked or not (outcome.again or runs_of) or before is None or refused != before.refused:
            self._report(outcome)
        self._notices.reloaded(outcome)

    def close(self) -> None:
        """Tell nothing any more."""
        self._notices.cancel()
