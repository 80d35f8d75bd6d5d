"""Vitals of the running daemon: what `notifier healthcheck` and `/readyz` show, and what of it is a trouble."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from notifier.core.health.api import ApiKind, ApiState
from notifier.core.health.channel_texts import why
from notifier.core.health.conditions import CHANNEL, LIST, Condition
from notifier.core.health.jobs import JobState
from notifier.core.health.store import StoreNews
from notifier.core.times import iso
from notifier.core.words import count, span

STUCK_AFTER = timedelta(seconds=60)
"""A poll that has waited for longer, while nothing holds requests back and none is made, waits for nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastReload:
    """The last reload: when it began and `ended`, and the first problems for which it was `refused`, none if done.

    `runs_of` is when the configuration that runs was read, if the notifier started with the one that was loaded last.
    """

    at: datetime
    ended: datetime | None = None
    refused: tuple[str, ...] = ()
    runs_of: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Vitals:
    """The state of the daemon now.

    Attributes:
        overdue: how long the most overdue poll has waited.
        oldest_open: when the oldest open delivery was decided; None if there is none, or the database does not say.
        reload: the last reload since the start.
        page: why the HTTP server cannot listen; empty if it can.
        machine: what the machine has run out of; empty if it has enough.
        store: what keeps the database from being written, if anything does.
        jobs: the periodic jobs by name.
        conditions: what is in trouble according to the database; the operators were notified of each.
    """

    api: ApiState
    overdue: timedelta
    watches: int
    channels: int
    oldest_open: datetime | None
    reload: LastReload | None
    page: str = ""
    machine: str = ""
    store: StoreNews | None = None
    jobs: Mapping[str, JobState] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()


def troubles(vitals: Vitals) -> list[str]:
    """Say why the daemon does not do its work; empty if it does."""
    found = [] if vitals.store is None else [f"{vitals.store.detail} (since {iso(vitals.store.at)})"]
    if vitals.api.kind is ApiKind.UNAUTHORISED:
        said = f" ({vitals.api.detail})" if vitals.api.detail else ""
        return [*found, f"Bright Data refuses the token{said}: put a valid one where `api:` takes it from"]
    return [*found, *fixable_by_restart(vitals)]


def fixable_by_restart(vitals: Vitals) -> list[str]:
    """Return the troubles that a restart could fix.

    Not a refused token, nor an API that does not answer, nor a database that cannot be written: polls wait for these.
    """
    if vitals.store is not None:
        return []
    if vitals.overdue >= STUCK_AFTER and not _held(vitals.api) and not vitals.api.requests:
        return [f"polls do not progress: one has been due for {span(vitals.overdue)}; restart the notifier"]
    return []


ON_DISK = "the configuration on disk"
"""The beginning of a remark about errors in the files."""


def remarks(vitals: Vitals) -> list[str]:
    """Say what is worth knowing, but no reason to restart anything."""
    found = []
    if vitals.overdue >= STUCK_AFTER and _held(vitals.api):
        found.append(f"polls are held back by Bright Data's state, the most overdue one for {span(vitals.overdue)}")
    elif vitals.overdue >= STUCK_AFTER and vitals.api.requests:
        found.append(f"polls are late, the most overdue one by {span(vitals.overdue)}; see `notifier config check`")
    if vitals.reload is not None and vitals.reload.runs_of is not None:
        found.append(
            f"{ON_DISK} has errors, and the notifier started with the one that it loaded last, "
            f"of {iso(vitals.reload.runs_of)}; see `notifier config check`"
        )
    elif vitals.reload is not None and vitals.reload.refused:
        found.append(f"{ON_DISK} is refused, and the one before runs; see `notifier config check`")
    if vitals.machine:
        found.append(f"{vitals.machine}: polls and sends that fail for it are made again")
    if vitals.page:
        found.append(f"the HTTP server cannot listen: {vitals.page}")
    for channel, condition in _of(vitals.conditions, CHANNEL):
        found.append(f"the channel {channel} is broken since {iso(condition.since)}: {why(condition.detail)}")
    for dataset, condition in _of(vitals.conditions, LIST):
        found.append(f"the list of the dataset {dataset} is stale since {iso(condition.since)}: {condition.detail}")
    return found


def _of(conditions: Iterable[Condition], prefix: str) -> list[tuple[str, Condition]]:
    """The conditions whose subject begins with the prefix, each after what follows it there."""
    return [(each.subject.removeprefix(prefix), each) for each in conditions if each.subject.startswith(prefix)]


def api_sentence(api: dict[str, Any]) -> str:
    """Return one line about Bright Data, from `core.health.resources.plain`."""
    words = [f"Bright Data: {api['kind']}"]
    if api["since"] is not None:
        words[0] += f" since {api['since']}"
    words.append(f"{count(api['requests'], 'request')} in the last minute")
    words.append(f"{count(api['refusals'], 'answer')} of 429 in five minutes")
    if api["held_for_s"]:
        words.append(f"none goes for {span(timedelta(seconds=api['held_for_s']))}")
    return ", ".join(words)


def _held(api: ApiState) -> bool:
    return api.kind is not ApiKind.OK or bool(api.held_for)
