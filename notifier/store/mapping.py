"""Converts between the core's values and rows of the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import RowMapping

from notifier.core.delivery.model import Deliverable, Delivery, Event, Notice, ResultsFile
from notifier.core.snapshot.model import Facts, SnapshotState, Transition, Watch
from notifier.core.snapshot.plausible_dates import believable
from notifier.core.work_units import INTERNAL_ERROR

WAITING, FETCHED, GIVEN_UP = "waiting", "fetched", "given_up"
"""The states of a download."""


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Return the facts that are known as JSON values."""
    known = {key: value for key, value in asdict(facts).items() if value not in (None, ())}
    if facts.error_codes:
        known["error_codes"] = dict(facts.error_codes)
    return known


def facts_from_json(data: Mapping[str, Any]) -> Facts:
    """Return the facts in JSON values."""
    return Facts(**{**data, "error_codes": tuple(data.get("error_codes", {}).items())})


def state_to_row(state: SnapshotState, watch: Watch) -> dict[str, Any]:
    """Return a row of `snapshots`."""
    return {
        "snapshot_id": state.snapshot_id,
        "watch_id": watch.id,
        "status": state.status,
        "revision": state.revision,
        "facts": facts_to_json(state.facts),
        "first_seen_at": state.first_seen_at,
        "since": state.since,
        "created_at": state.created_at,
        "derived": state.derived,
        "left_end": state.left_end,
    }


def state_from_row(row: RowMapping | Mapping[str, Any]) -> SnapshotState:
    """Return the state in a row of `polls` joined with its row of `snapshots`; either may be missing."""
    since, polled_at = row["since"], row["polled_at"]
    state = SnapshotState(snapshot_id=row["snapshot_id"], seen_at=since)
    # Polls are recorded in batches: one from before the last transition says nothing about the time after it.
    if polled_at is not None and (since is None or polled_at >= since):
        state = replace(
            state,
            seen_at=row["seen_at"] or since,
            not_found=row["not_found"],
            not_found_since=row["not_found_since"],
        )
    if since is None:
        return state
    return replace(
        state,
        status=row["status"],
        revision=row["revision"],
        facts=facts_from_json(row["facts"]),
        first_seen_at=row["first_seen_at"],
        since=since,
        created_at=believable(row["created_at"]),  # an earlier version took any date
        derived=row["derived"],
        left_end=row["left_end"],
    )


def event_to_row(event: Event, channels: Sequence[str]) -> dict[str, Any]:
    """Return a row of `events`, with the channels to notify."""
    transition = event.transition
    return {
        "id": event.id,
        "snapshot_id": transition.snapshot_id,
        "revision": transition.revision,
        "watch_id": event.watch_id,
        "name": event.name,
        "labels": dict(event.labels),
        "previous": transition.previous,
        "status": transition.status,
        "names": list(transition.names),
        "facts": facts_to_json(transition.facts),
        "observed_at": transition.observed_at,
        "late_by": transition.late_by,
        "channels": list(channels),
        "since": transition.since,
        "until": transition.until,
    }


def event_from_row(row: RowMapping, id_column: str = "id") -> Event:
    """Return the event in a row of `events`."""
    return Event(
        id=row[id_column],
        watch_id=row["watch_id"],
        name=row["name"],
        labels=row["labels"],
        transition=Transition(
            snapshot_id=row["snapshot_id"],
            revision=row["revision"],
            previous=row["previous"],
            status=row["status"],
            names=tuple(row["names"]),
            facts=facts_from_json(row["facts"]),
            observed_at=row["observed_at"],
            late_by=row["late_by"],
            since=row["since"],
            until=row["until"],
        ),
    )


def deliverable_from_row(row: RowMapping) -> Deliverable:
    """Return the event or notice in a delivery's joined row."""
    if row["notice_id"] is None:
        event = event_from_row(row, "event_id")
        return event if row["download_state"] is None else replace(event, results=_results(row))
    fields = {name: row[name] for name in ("kind", "subject", "title", "body", "at")}
    return Notice(id=row["notice_id"], **fields)


def _results(row: RowMapping) -> ResultsFile:
    return ResultsFile(
        folder=row["download_folder"],
        path=row["download_path"],
        trouble=row["download_detail"],
        given_up=row["download_state"] == GIVEN_UP,
    )


def delivery_from_row(row: RowMapping) -> Delivery:
    """Return the delivery in a joined row (`queries.deliveries_with_events`)."""
    return Delivery(
        id=row["delivery_id"],
        channel=row["channel"],
        attempt=row["attempt"],
        refusals=row["refusals"],
        created_at=row["created_at"],
        wanted_at=row["wanted_at"],
        event=deliverable_from_row(row),
        reached=frozenset(row["reached"] or ()),
        raised=row["reason"] == INTERNAL_ERROR,
    )
