"""The units of work that fail alone, the fault of one that raised, and when it is tried again. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.backoff import backoff, jittered
from notifier.core.words import one_line

INTERNAL_ERROR = "internal_error"
"""The reason of an outcome that an exception in this program caused, in the database, the log and the metrics."""

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=10)
"""The longest pause before a unit that raised is tried again. Deliveries and downloads have their own, up to 2 h."""

WELL_AFTER = timedelta(hours=3)
"""After so long without a fault of its kind, a fault is over; longer than any pause between two tries."""

LONGEST_DETAIL = 300


class Unit(StrEnum):
    """Everything that fails alone: an exception ends one of these, and never its neighbours or the daemon.

    The words are the values of the metric's label `unit`.
    """

    POLL = "poll"
    LIST = "list"
    ENTRY = "list_entry"
    DELIVERY = "delivery"
    DOWNLOAD = "download"
    PAGE = "page"
    COMMAND = "command"
    BACKGROUND = "background_work"
    NOTICE = "notice"
    RELOAD = "reload"
    REPORT = "report"
    FLUSH = "flush_polls"
    EXPIRY = "expiry_warnings"
    HEARTBEAT = "heartbeat"
    FALLBACK = "fallbacks"
    AUDIT = "audit"
    RETENTION = "retention"
    CLOCK = "clock"
    WATCHDOG = "watchdog"
    PROBE = "probe"
    EXHAUSTION = "exhaustion"

    @property
    def words(self) -> str:
        """The unit in a sentence."""
        return _WORDS[self]


_WORDS = {
    Unit.POLL: "a poll of a snapshot",
    Unit.LIST: "a list of a dataset",
    Unit.ENTRY: "an entry of a list",
    Unit.DELIVERY: "a delivery",
    Unit.DOWNLOAD: "a download",
    Unit.PAGE: "an HTTP page",
    Unit.COMMAND: "a command's request",
    Unit.BACKGROUND: "background work",
    Unit.NOTICE: "a notice to operators",
    Unit.RELOAD: "a reload",
    Unit.REPORT: "the log or the metrics",
    Unit.FLUSH: "the flush of polls",
    Unit.EXPIRY: "the warnings of expiring results",
    Unit.HEARTBEAT: "the heartbeat",
    Unit.FALLBACK: "the round of fallbacks",
    Unit.AUDIT: "the audit",
    Unit.RETENTION: "the round of retention",
    Unit.CLOCK: "what follows a clock that was set",
    Unit.WATCHDOG: "the watchdog",
    Unit.PROBE: "the probe of an API in trouble",
    Unit.EXHAUSTION: "the check of what the machine has left",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class UnitFault:
    """The outcome of a unit that raised.

    Attributes:
        unit: what it is.
        subject: which one: a snapshot, a channel, a path.
        error: what it raised.
        failures: how often it has raised in a row.
        pause: the pause before it is tried again; None if it is not, or if another rule decides.
    """

    unit: Unit
    subject: str
    error: Exception
    failures: int = 1
    pause: timedelta | None = None

    @property
    def error_name(self) -> str:
        """The type of the exception."""
        return type(self.error).__name__

    @property
    def kind(self) -> str:
        """The unit and the type of the exception: operators are notified once of each kind."""
        return f"{self.unit}:{self.error_name}"

    @property
    def detail(self) -> str:
        """One line for people."""
        return one_line(f"{self.error_name}: {self.error}", LONGEST_DETAIL)


class Kinds:
    """The kinds of faults that have come up, and when last, to notify operators once of each, and when it is over."""

    def __init__(self) -> None:
        self._last_at: dict[str, datetime] = {}

    def is_news(self, fault: UnitFault, now: datetime) -> bool:
        """Record a fault; return whether its kind has not come up for `WELL_AFTER`."""
        last, self._last_at[fault.kind] = self._last_at.get(fault.kind), now
        return last is None or not last <= now < last + WELL_AFTER

    def is_over(self, kind: str, since: datetime, now: datetime) -> bool:
        """Whether a kind has not come up for `WELL_AFTER`; the notifier runs since `since`."""
        return now - max(self._last_at.get(kind, since), since) >= WELL_AFTER


def pause_after(failures: int, jitter: float) -> timedelta:
    """Return the pause before a unit is tried again: exponential backoff with jitter.

    Args:
        failures: how often it has raised in a row, from 1.
        jitter: a random number in [0, 1).
    """
    return jittered(backoff(failures, first=FIRST_PAUSE, longest=LONGEST_PAUSE), jitter)
