"""Queries that the daemon's store and the commands' reader share."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    String,
    TableValuedAlias,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
)

from notifier.core.delivery.model import DeliveryState, OutcomeKind
from notifier.store.tables import attempts, deliveries, downloads, events, in_progress, notices, polls, snapshots

QUIET = "quiet"
"""The reason of deliveries that quiet hours hold back."""

MOST_COUNTED = 1_000
"""Deliveries of a snapshot that are counted; none has as many unless its status changes back and forth."""


def listed(values: Collection[Any], name: str = "listed") -> TableValuedAlias:
    """Make a table of these values with one column, `value`: any number of values are one parameter of a statement."""
    return func.json_each(bindparam(None, json.dumps(list(values)), String, unique=True)).table_valued(
        "value", name=name
    )


def given(ids: Collection[str]) -> dict[str, str]:
    """Return the parameters of a statement that is made once for any ids (`GIVEN`)."""
    return {_IDS: json.dumps(list(ids))}


_IDS = "ids"
GIVEN = func.json_each(bindparam(_IDS, type_=String)).table_valued("value", name="listed")
"""A table like `listed`, of the ids that the statement is executed with: to make a statement takes a millisecond."""


def known(snapshot_ids: Collection[str]) -> Select[Any]:
    """Select the rows of `snapshots` and `polls` of these snapshots; either may be missing."""
    return known_among(listed(snapshot_ids))


def known_among(wanted: TableValuedAlias) -> Select[Any]:
    """Select these rows of the snapshots in a table of ids."""
    return (
        select(cast(wanted.c.value, String).label("snapshot_id"), *_COLUMNS_OF_STATE)
        .join_from(wanted, snapshots, snapshots.c.snapshot_id == wanted.c.value, isouter=True)
        .join(polls, polls.c.snapshot_id == wanted.c.value, isouter=True)
        .where(or_(snapshots.c.snapshot_id.is_not(None), polls.c.snapshot_id.is_not(None)))
    )


def known_where(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Select these rows for the snapshots that meet conditions on `snapshots`."""
    return (
        select(snapshots.c.snapshot_id, *_COLUMNS_OF_STATE)
        .join_from(snapshots, polls, polls.c.snapshot_id == snapshots.c.snapshot_id, isouter=True)
        .where(*conditions)
    )


def found_by(parents: Collection[str]) -> Select[Any]:
    """Select these rows for the snapshots in progress that the watches of datasets with these ids have found."""
    of = listed(parents)
    begin, end = cast(of.c.value, String).concat("/"), cast(of.c.value, String).concat(_AFTER_SLASH)
    found = and_(snapshots.c.watch_id >= begin, snapshots.c.watch_id < end)
    return (
        select(snapshots.c.snapshot_id, *_COLUMNS_OF_STATE)
        .join_from(of, snapshots, found)
        .join(polls, polls.c.snapshot_id == snapshots.c.snapshot_id, isouter=True)
        .where(in_progress)
    )


_AFTER_SLASH = chr(ord("/") + 1)


def tally_of(snapshot_ids: Collection[str]) -> Select[Any]:
    """Count the deliveries of each state of each of these snapshots, among its newest `MOST_COUNTED`."""
    return tally_among(listed(snapshot_ids))


def tally_among(of: TableValuedAlias) -> Select[Any]:
    """Count these deliveries of the snapshots in a table of ids."""
    event, delivery = events.alias("event"), deliveries.alias("delivery")
    newest = (
        select(delivery.c.id)
        .join_from(event, delivery, delivery.c.event_id == event.c.id)
        .where(event.c.snapshot_id == of.c.value)
        .order_by(event.c.revision.desc())
        .limit(MOST_COUNTED)
        .correlate(of)
    )
    snapshot_id = cast(of.c.value, String)
    return (
        select(snapshot_id, deliveries.c.state, func.count())
        .join_from(of, deliveries, deliveries.c.id.in_(newest))
        .group_by(snapshot_id, deliveries.c.state)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """A filter of deliveries: by states (none: any), by channel, and by when they were decided."""

    states: Collection[str] = ()
    channel: str | None = None
    since: datetime | None = None
    limit: int = 100


def newest_deliveries(filters: Filters) -> Select[Any]:
    """Select the ids of the newest deliveries that pass a filter.

    The index finds the newest of each channel and state; the newest of these are taken.
    """
    pairs = states_and_channels(filters.states or [state.value for state in DeliveryState])
    delivery, found = deliveries.alias("delivery"), deliveries.alias("found")
    newest = select(delivery.c.id).where(delivery.c.channel == pairs.c.channel, delivery.c.state == pairs.c.state)
    if filters.channel is not None:
        newest = newest.where(pairs.c.channel == filters.channel)
    if filters.since is not None:
        newest = newest.where(delivery.c.created_at >= filters.since)
    newest = newest.order_by(delivery.c.created_at.desc(), delivery.c.id.desc()).limit(filters.limit)
    return (
        select(found.c.id)
        .join_from(pairs, found, found.c.id.in_(newest.correlate(pairs)))
        .order_by(found.c.created_at.desc(), found.c.id.desc())
        .limit(filters.limit)
    )


def states_and_channels(states: Collection[str]) -> CTE:
    """Select each of these states with each channel that has deliveries in it, each by one search of the index.

    A row without a channel ends the rows of each state.
    """
    of = listed(states, "of_state")
    first = select(
        cast(of.c.value, String).label("state"),
        select(func.min(deliveries.c.channel))
        .where(deliveries.c.state == of.c.value)
        .scalar_subquery()
        .label("channel"),
    ).cte("states_and_channels", recursive=True)
    following = (
        select(func.min(deliveries.c.channel))
        .where(deliveries.c.state == first.c.state, deliveries.c.channel > first.c.channel)
        .scalar_subquery()
    )
    return first.union_all(select(first.c.state, following).where(first.c.channel.is_not(None)))


def deliveries_of(which: ColumnElement[bool] | None, filters: Filters, watch: str | None = None) -> Select[Any]:
    """Select the ids of the newest deliveries of an event, a notice, a snapshot or a watch that pass a filter.

    Args:
        which: a condition on `deliveries` or `events`.
        filters: the filter.
        watch: only those of this watch's events; with a slash at its end, of all that a dataset's watch found.
    """
    query = select(deliveries.c.id).join_from(
        deliveries, events, deliveries.c.event_id == events.c.id, isouter=watch is None
    )
    if which is not None:
        query = query.where(which)
    if watch is not None:
        query = query.where(events.c.family == watch.partition("/")[0])
    if watch is not None and watch.endswith("/"):
        query = query.where(events.c.watch_id >= watch, events.c.watch_id < watch[:-1] + _AFTER_SLASH)
    elif watch is not None:
        query = query.where(events.c.watch_id == watch)
    if filters.states:
        query = query.where(_unindexed(deliveries.c.state).in_(filters.states))
    if filters.channel is not None:
        query = query.where(_unindexed(deliveries.c.channel) == filters.channel)
    if filters.since is not None:
        query = query.where(deliveries.c.created_at >= filters.since)
    return query.order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc()).limit(filters.limit)


def _unindexed(column: ColumnElement[str]) -> ColumnElement[str]:
    """Return the column in a form that keeps SQLite from choosing its index, because another one is better."""
    return column.concat("")


@cache
def deliveries_with_events() -> Select[Any]:
    """Select deliveries joined with their event or notice.

    A delivery's id is `delivery_id`, theirs `event_id` and `notice_id`. Columns of the event's download begin with
    `download_`. `refusals` counts the attempts with the outcome `permanent` since the delivery was wanted.
    """
    refusals = (
        select(func.count())
        .where(
            attempts.c.delivery_id == deliveries.c.id,
            attempts.c.outcome == OutcomeKind.PERMANENT,
            attempts.c.started_at >= deliveries.c.wanted_at,  # a retry by hand starts over
        )
        .scalar_subquery()
    )
    return (
        select(
            deliveries.c.id.label("delivery_id"),
            refusals.label("refusals"),
            *(column for column in deliveries.c if column.name != "id"),
            *(column for column in events.c if column.name not in ("id", "family")),
            *(column for column in notices.c if column.name != "id"),
            *(downloads.c[name].label(f"download_{name}") for name in ("state", "folder", "path", "detail")),
        )
        .join_from(deliveries, events, deliveries.c.event_id == events.c.id, isouter=True)
        .join(notices, deliveries.c.notice_id == notices.c.id, isouter=True)
        .join(downloads, deliveries.c.event_id == downloads.c.event_id, isouter=True)
    )


_COLUMNS_OF_STATE = (
    *(column for column in snapshots.c if column.name not in ("snapshot_id", "dataset_id")),
    *(column for column in polls.c if column.name != "snapshot_id"),
)
