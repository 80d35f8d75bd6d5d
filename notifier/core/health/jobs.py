"""The state of a periodic job of the daemon. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class JobState:
    """A job since the start of the daemon.

    `last_run` is when its last run began (None: it has not run), `duration` how long its last complete run took, and
    `failures` how many of its runs raised. `interval` is the time from one run to the next; None if it varies.
    """

    last_run: datetime | None = None
    duration: timedelta | None = None
    failures: int = 0
    interval: timedelta | None = None
