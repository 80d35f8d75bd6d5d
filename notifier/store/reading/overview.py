"""A page of the watched snapshots: filtered, counted by status, sorted, and read on from a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from notifier.core.snapshot.statuses import Phase, canonical
from notifier.store.reading.cursors import Place, decode, encode
from notifier.store.reading.filters import SnapshotFilters, Sort
from notifier.store.reading.snapshots import Shown
from notifier.store.reading.times import micros
from notifier.store.reading.watched import watched
from notifier.store.tables import datasets, polls

URGENT = timedelta(days=7)
"""How long a failure comes before all that goes on."""

_LAST = 2**62
"""A time after all times, in microseconds."""

_since = type_coerce(func.coalesce(watched.c.since, literal(0)), Integer)
_newest_first = -_since

_KEYS: dict[Sort, tuple[type[int] | type[str], ...]] = {
    Sort.URGENCY: (int, int, int, str),
    Sort.NAME: (str, str),
    Sort.SINCE: (int, str),
    Sort.STATUS: (str, int, str),
    Sort.NEXT_POLL: (int, str),
}
"""The types of the values in a cursor. That of `URGENCY` begins with the time since when a failure is urgent: it stays
the same from page to page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Where a page starts: after a place, if there is one. Failures since `urgent` come first (microseconds)."""

    urgent: int
    place: Place | None


def start_of(filters: SnapshotFilters, now: datetime) -> Start:
    """Return where a page starts.

    Raises:
        BadCursor: the cursor is none of this order.
    """
    place = decode(_kind(filters), filters.cursor, _KEYS[filters.sort])
    if filters.sort is not Sort.URGENCY or place is None:
        return Start(urgent=micros(now - URGENT), place=place)
    return Start(urgent=int(place[0]), place=place[1:])


def page_of(
    connection: Connection, filters: SnapshotFilters, start: Start, since: datetime
) -> tuple[list[Shown], str | None]:
    """Return the snapshots of a page, and the cursor of the next one.

    Args:
        connection: in a transaction.
        filters: which ones, in which order.
        start: where the page starts.
        since: what ended before, and is watched by its dataset only, is left out.
    """
    keys = _keys(filters.sort, start.urgent)
    query = select(watched, *(key.label(f"key_{number}") for number, key in enumerate(keys)))
    if filters.sort is Sort.NEXT_POLL:
        query = _with_polls(query)
    query = query.where(*_conditions(filters, since))
    if filters.statuses:
        query = query.where(watched.c.status.in_({canonical(each) for each in filters.statuses}))
    if filters.phases:
        query = query.where(watched.c.phase.in_(filters.phases))
    if start.place is not None:
        query = query.where(tuple_(*keys) > tuple_(*map(literal, start.place)))
    rows = connection.execute(query.order_by(*keys).limit(filters.limit + 1)).mappings().all()
    shown = [
        Shown(watch=row["watch_id"], name=row["name"], snapshot=row["snapshot_id"], dataset=row["dataset_id"])
        for row in rows[: filters.limit]
    ]
    if len(rows) <= filters.limit:
        return shown, None
    last = [rows[filters.limit - 1][f"key_{number}"] for number in range(len(keys))]
    return shown, encode(_kind(filters), [start.urgent, *last] if filters.sort is Sort.URGENCY else last)


def counts_of(connection: Connection, filters: SnapshotFilters, since: datetime) -> dict[str, int]:
    """Count the snapshots that pass the filters by status, whatever the filters say about statuses and phases."""
    query = (
        select(watched.c.status, func.count().label("number"))
        .where(*_conditions(filters, since))
        .group_by(watched.c.status)
    )
    return {row.status: row.number for row in connection.execute(query.order_by(watched.c.status))}


def statuses_by_watch(connection: Connection, since: datetime) -> dict[str, dict[str, int]]:
    """Count the snapshots that each watch of a dataset found by status."""
    query = select(watched.c.parent, watched.c.status, func.count().label("number"))
    query = query.where(watched.c.parent.is_not(None), _is_shown(since))
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query.group_by(watched.c.parent, watched.c.status)):
        found.setdefault(row.parent, {})[row.status] = row.number
    return found


def _kind(filters: SnapshotFilters) -> str:
    return f"snapshots by {filters.sort}"


def _keys(sort: Sort, urgent: int) -> Sequence[ColumnElement[int] | ColumnElement[str]]:
    """Return what the order is by, all of it ascending; the last one is unique."""
    match sort:
        case Sort.URGENCY:
            failed = and_(watched.c.status.in_(("failed", "missing")), _since >= urgent)
            return case((failed, 0), (watched.c.phase != Phase.ENDED.value, 1), else_=2), _newest_first, _id
        case Sort.NAME:
            return watched.c.sort_name, _id
        case Sort.SINCE:
            return _newest_first, _id
        case Sort.STATUS:
            return watched.c.status, _newest_first, _id
        case Sort.NEXT_POLL:
            own, of_list = (type_coerce(table.c.next_poll_at, Integer) for table in (polls, datasets))
            newer = and_(datasets.c.polled_at.is_not(None), datasets.c.polled_at > func.coalesce(polls.c.polled_at, -1))
            soonest = case((newer, func.coalesce(of_list, own)), else_=own)
            ended = watched.c.phase == Phase.ENDED.value
            return case((ended, _LAST), else_=func.coalesce(soonest, _LAST)), _id


_id = watched.c.snapshot_id


def _with_polls(query: Select[tuple[str]]) -> Select[tuple[str]]:
    """Join the last poll of each snapshot, and that of its dataset."""
    return query.join_from(watched, polls, polls.c.snapshot_id == watched.c.snapshot_id, isouter=True).join(
        datasets, datasets.c.dataset_id == watched.c.dataset_id, isouter=True
    )


def _conditions(filters: SnapshotFilters, since: datetime) -> list[ColumnElement[bool]]:
    found = [_is_shown(since)]
    if filters.dataset is not None:
        found.append(watched.c.dataset_id == filters.dataset)
    if filters.watch is not None:
        found.append(or_(watched.c.watch_id == filters.watch, watched.c.parent == filters.watch))
    if filters.text:
        wanted = filters.text.casefold()
        texts = (watched.c.sort_name, func.lower(watched.c.snapshot_id), func.lower(watched.c.watch_id))
        found.append(or_(*(func.instr(each, wanted) > 0 for each in texts)))
    return found


def _is_shown(since: datetime) -> ColumnElement[bool]:
    return or_(watched.c.parent.is_(None), watched.c.phase != Phase.ENDED.value, watched.c.since >= since)
