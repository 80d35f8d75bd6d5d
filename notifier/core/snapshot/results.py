"""Results that are to be fetched for a ready watch, and what came of an attempt: frozen values.

What a reader of "ready" wants is the file, so the message waits for it, up to `HELD_FOR`, and then names it. When that
is over it goes out as it is, and what became of the file follows as a notice to the same channels.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.core.delivery.model import Event
from notifier.core.errors import DownloadTrouble
from notifier.core.model import Facts, Transition

HELD_FOR = timedelta(minutes=10)
"""A file that takes longer is large or in trouble, and that must not hide that the snapshot is ready."""

GIVE_UP_AFTER = timedelta(days=3)


def has_results(transition: Transition) -> bool:
    """Whether there may be something to fetch now: it is ready, and not for the second time."""
    return "ready" in transition.names and may_have_results(transition.facts)


def may_have_results(facts: Facts) -> bool:
    """Return whether a ready snapshot may have something to fetch.

    With `include_errors` each failed input has a row, which `records` does not count (seen live).
    """
    return facts.records != 0 or bool(facts.errors) or bool(facts.error_codes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Results that are to be fetched into a folder, for one event. `attempt` counts from 1."""

    event: Event
    folder: str
    format: str
    attempt: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetched:
    """The file is there."""

    path: str
    records: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Retrying:
    """It did not work, and will be tried again at that time."""

    until: datetime
    trouble: DownloadTrouble
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenUp:
    """There will be no file."""

    trouble: DownloadTrouble
    detail: str


Result = Fetched | Retrying | GivenUp
