"""The state of a periodic job of the daemon. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifier.core.times import iso


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


def plain_jobs(jobs: Mapping[str, JobState]) -> dict[str, dict[str, Any]]:
    """Return the jobs by name as JSON values; durations in seconds."""
    return {name: _plain(job) for name, job in sorted(jobs.items())}


def _plain(job: JobState) -> dict[str, Any]:
    return {
        "last_run": None if job.last_run is None else iso(job.last_run),
        "duration_s": None if job.duration is None else round(job.duration.total_seconds(), 6),
        "failures": job.failures,
        "interval_s": None if job.interval is None else job.interval.total_seconds(),
    }
