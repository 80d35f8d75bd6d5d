"""How the daemon's health is shown as JSON."""

from dataclasses import replace
from datetime import timedelta

from support.fakes import START
from support.web import WELL

from notifier.core.health.jobs import JobState
from notifier.core.health.resources import plain


def test_jobs_are_shown_by_name_with_times_in_utc_and_durations_in_seconds() -> None:
    ran = JobState(last_run=START, duration=timedelta(milliseconds=3), failures=2, interval=timedelta(minutes=1))
    assert plain(replace(WELL, jobs={"probe": JobState(), "audit": ran}))["jobs"] == {
        "audit": {
            "last_run": START.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration_s": 0.003,
            "failures": 2,
            "interval_s": 60.0,
        },
        "probe": {"last_run": None, "duration_s": None, "failures": 0, "interval_s": None},
    }
