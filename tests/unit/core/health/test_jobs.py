"""How a periodic job is shown as JSON."""

from datetime import timedelta

from support.fakes import START

from notifier.core.health.jobs import JobState, plain_jobs


def test_jobs_are_shown_by_name_with_times_in_utc_and_durations_in_seconds() -> None:
    ran = JobState(last_run=START, duration=timedelta(milliseconds=3), failures=2, interval=timedelta(minutes=1))
    assert plain_jobs({"probe": JobState(), "audit": ran}) == {
        "audit": {
            "last_run": START.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration_s": 0.003,
            "failures": 2,
            "interval_s": 60.0,
        },
        "probe": {"last_run": None, "duration_s": None, "failures": 0, "interval_s": None},
    }
