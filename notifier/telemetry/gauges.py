"""Gauges of the daemon's state, read when Prometheus asks and not kept up to date in between."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from notifier.brightdata.limits.rate_limit_breaker import BreakerState
from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.jobs import JobState


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """What the store says: open deliveries by channel, and when the oldest was decided.

    `healthy` is the judgement of `notifier healthcheck`.
    """

    open_deliveries: Mapping[str, int]
    oldest_open: datetime | None
    healthy: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    """How the daemon stands at a time.

    `due_polls` wait for a request's turn, the most overdue one for `overdue`; `in_flight` requests have gone. `watches`
    are counted by kind, `snapshots` of the working set by the label of their status. `broken` says it of each channel.
    `config_hash` is what the files that run are known by, `jobs` are the periodic jobs by name. `stored` is None if the
    store does not answer.
    """

    at: datetime
    api: ApiState
    breaker: BreakerState
    in_flight: int
    due_polls: int
    overdue: timedelta
    watches: Mapping[str, int]
    snapshots: Mapping[str, int]
    broken: Mapping[str, bool]
    config_hash: str
    jobs: Mapping[str, JobState]
    stored: Stored | None


def gauges(readings: Readings) -> Iterator[Metric]:
    """Return the readings as metrics."""
    stored = readings.stored
    yield _one("healthy", "Whether the daemon does its work (/readyz).", stored is not None and stored.healthy)
    yield _one("store_up", "Whether the database answers.", stored is not None)
    yield _by("config_info", "The configuration that runs, by its hash; always 1.", "hash", {readings.config_hash: 1})
    yield _by("watches", "Watches of the configuration.", "kind", readings.watches)
    yield _by("snapshots", "Snapshots that are watched and remembered.", "status", readings.snapshots)
    yield _one("due_polls", "Polls that are due and wait for a request's turn.", readings.due_polls)
    yield _one("poll_overdue_seconds", "How long the most overdue poll has waited.", readings.overdue.total_seconds())
    yield from _of_api(readings)
    yield from _of_jobs(readings.jobs)
    yield _by("channel_broken", "Whether the channel is broken.", "channel", readings.broken)
    if stored is not None:
        known = {**dict.fromkeys(readings.broken, 0), **stored.open_deliveries}
        yield _by("open_deliveries", "Deliveries that have not come to their end.", "channel", known)
        oldest = timedelta(0) if stored.oldest_open is None else max(readings.at - stored.oldest_open, timedelta(0))
        yield _one(
            "oldest_open_delivery_age_seconds",
            "How long ago the oldest delivery was decided that has not come to its end; 0 if there is none.",
            oldest.total_seconds(),
        )


def _of_api(readings: Readings) -> Iterator[Metric]:
    api = readings.api
    yield _by("api_state", "How Bright Data does: 1 for the present state.", "state", _states(ApiKind, api.kind))
    yield _by(
        "breaker_state",
        "Whether requests go: 1 for the present state.",
        "state",
        _states(BreakerState, readings.breaker),
    )
    yield _one(
        "requests_in_flight", "Requests to Bright Data that have gone and are not done with.", readings.in_flight
    )
    yield _one("requests_held_seconds", "For how long no request will go; 0 if they go.", api.held_for.total_seconds())
    yield _one("recent_refusals", "Answers of 429 within five minutes, as counted towards a block.", api.refusals)


def _of_jobs(jobs: Mapping[str, JobState]) -> Iterator[Metric]:
    began = {name: job.last_run.timestamp() for name, job in jobs.items() if job.last_run is not None}
    yield _by("job_last_run_timestamp_seconds", "When the last run of a periodic job began.", "name", began)
    took = {name: job.duration.total_seconds() for name, job in jobs.items() if job.duration is not None}
    yield _by("job_last_duration_seconds", "How long the last run of a periodic job took.", "name", took)
    intervals = {name: job.interval.total_seconds() for name, job in jobs.items() if job.interval is not None}
    yield _by("job_interval_seconds", "The time between two runs of a periodic job.", "name", intervals)
    failures = CounterMetricFamily("notifier_job_failures", "Runs of a periodic job that raised.", labels=["name"])
    for name, job in jobs.items():
        failures.add_metric([name], job.failures)
    yield failures


def _states(every: Iterable[str], present: str) -> dict[str, int]:
    return {str(state): int(state == present) for state in every}


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"notifier_{name}", text, value=float(value))


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"notifier_{name}", text, labels=[label])
    for each, value in values.items():
        family.add_metric([each], float(value))
    return family
