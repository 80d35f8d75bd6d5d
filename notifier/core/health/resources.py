"""The daemon and its health as resources, as `healthcheck --json`, the pages and the API show them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notifier.core.health.jobs import JobState
from notifier.core.health.vitals import Vitals, remarks, troubles
from notifier.core.json_values import json_value


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeResource:
    """A daemon at work.

    Attributes:
        node: the name of its machine.
        version: the version of the notifier.
        configuration: the hash of the files that it runs with; the same on nodes with the same configuration.
        started_at: when it started.
    """

    node: str
    version: str
    configuration: str
    started_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiHealthResource:
    """How Bright Data's API answers.

    Attributes:
        kind: `ok`, `unauthorised`, `unreachable` or `rate_limited`.
        since: since when; None if it has been so as long as is known.
        detail: what the last bad answer said.
        requests: the number of requests in the last minute.
        refusals: the number of answers of 429 in five minutes.
        held_for_s: how long no request will be made.
    """

    kind: str
    since: datetime | None
    detail: str
    requests: int
    refusals: int
    held_for_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreHealthResource:
    """What keeps the database from being written.

    Attributes:
        trouble: what it is in one word.
        since: since when.
        detail: more about it.
    """

    trouble: str
    since: datetime
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownConditionResource:
    """A condition as the database has it; /conditions has them in words.

    Attributes:
        subject: what it is, such as `api` or `channel:NAME`.
        kind: what is wrong with it in one word.
        since: since when.
        detail: why, in one line.
    """

    subject: str
    kind: str
    since: datetime
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReloadResource:
    """The last reload of the configuration.

    Attributes:
        at: when it began.
        refused: the first errors for which it was refused; none if it was done.
        runs_of: when the configuration that runs was read, if the notifier started with the one that was loaded last.
    """

    at: datetime
    refused: tuple[str, ...]
    runs_of: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class JobResource:
    """A periodic job since the start of the daemon.

    Attributes:
        last_run: when its last run began.
        duration_s: how long its last complete run took.
        failures: how many of its runs failed.
        interval_s: the time from one run to the next; None if it varies.
    """

    last_run: datetime | None
    duration_s: float | None
    failures: int
    interval_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthResource:
    """How the daemon does.

    Attributes:
        healthy: whether it does its work.
        troubles: why not, in words; empty if it does.
        remarks: what is worth knowing, but no reason to restart anything.
        api: how Bright Data's API answers.
        overdue_s: how long the most overdue poll has waited.
        watches, channels: how many there are.
        oldest_open_delivery: when the oldest open delivery was decided; None if there is none.
        store: what keeps the database from being written; None if nothing does.
        conditions: what is in trouble according to the database.
        reload: the last reload since the start; None if there was none.
        jobs: the periodic jobs by name.
    """

    healthy: bool
    troubles: tuple[str, ...]
    remarks: tuple[str, ...]
    api: ApiHealthResource
    overdue_s: float
    watches: int
    channels: int
    oldest_open_delivery: datetime | None
    store: StoreHealthResource | None
    conditions: tuple[KnownConditionResource, ...]
    reload: ReloadResource | None
    jobs: Mapping[str, JobResource]


def plain(vitals: Vitals) -> dict[str, Any]:
    """Return the health as JSON values."""
    found: dict[str, Any] = json_value(health_resource(vitals))
    return found


def health_resource(vitals: Vitals) -> HealthResource:
    """Return the vitals with what is wrong and what is worth knowing."""
    api, store, reload = vitals.api, vitals.store, vitals.reload
    return HealthResource(
        healthy=not troubles(vitals),
        troubles=tuple(troubles(vitals)),
        remarks=tuple(remarks(vitals)),
        api=ApiHealthResource(
            kind=api.kind,
            since=api.since,
            detail=api.detail,
            requests=api.requests,
            refusals=api.refusals,
            held_for_s=round(api.held_for.total_seconds(), 3),
        ),
        overdue_s=round(vitals.overdue.total_seconds(), 3),
        watches=vitals.watches,
        channels=vitals.channels,
        oldest_open_delivery=vitals.oldest_open,
        store=None
        if store is None
        else StoreHealthResource(trouble=store.trouble, since=store.at, detail=store.detail),
        conditions=tuple(
            KnownConditionResource(subject=each.subject, kind=each.kind, since=each.since, detail=each.detail)
            for each in vitals.conditions
        ),
        reload=None
        if reload is None
        else ReloadResource(at=reload.at, refused=tuple(reload.refused), runs_of=reload.runs_of),
        jobs={name: _job(job) for name, job in sorted(vitals.jobs.items())},
    )


def _job(job: JobState) -> JobResource:
    return JobResource(
        last_run=job.last_run,
        duration_s=None if job.duration is None else round(job.duration.total_seconds(), 6),
        failures=job.failures,
        interval_s=None if job.interval is None else job.interval.total_seconds(),
    )
