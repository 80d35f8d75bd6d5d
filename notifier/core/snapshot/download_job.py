"""Downloads of results, and the outcome of an attempt, as values.

The message about a ready snapshot waits for the file for up to `HELD_FOR`, and then names it. After that it is sent
without the file, and a notice to the same channels follows when the download ends.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.core.delivery.model import Event
from notifier.core.errors import DownloadTrouble
from notifier.core.snapshot.model import Facts, Transition

HELD_FOR = timedelta(minutes=10)
"""How long the message waits. A longer download must not hide that the snapshot is ready."""

GIVE_UP_AFTER = timedelta(days=3)


def has_results(transition: Transition) -> bool:
    """Whether there may be something to download: the snapshot is ready, and not for the second time."""
    return "ready" in transition.names and may_have_results(transition.facts)


def may_have_results(facts: Facts) -> bool:
    """Return whether a ready snapshot may have something to fetch.

    With `include_errors` each failed input has a row, which `records` does not count (seen live).
    """
    return facts.records != 0 or bool(facts.errors) or bool(facts.error_codes)


@dataclass(frozen=True, kw_only=True, slots=True)
class DownloadJob:
    """A download of results into a folder, for one event. `attempt` counts from 1."""

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
    """It failed, and is tried again at that time."""

    until: datetime
    trouble: DownloadTrouble
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenUp:
    """There will be no file."""

    trouble: DownloadTrouble
    detail: str


Result = Fetched | Retrying | GivenUp
