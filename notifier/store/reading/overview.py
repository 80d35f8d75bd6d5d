"""A page of the watched snapshots: filtered, counted by status, sorted, and read on from a cursor."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
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
from notifier.store.reading.snapshots import Shown, muted_now
from notifier.store.reading.watched_tables import ENDED, GOES_ON, watched
from notifier.store.tables import datasets

_LAST = 2**62
"""A time after all times, in microseconds."""

_NAME = 100
"""Characters of a name that its place in the order depends on."""

_KEYS: dict[Sort, tuple[type[int] | type[str], ...]] = {
    Sort.URGENCY: (int, int, str),
    Sort.NAME: (str, str),
    Sort.SINCE: (int, str),
    Sort.STATUS: (str, int, str),
    Sort.NEXT_POLL: (int, str),
}
"""The types of the values in a cursor."""


def place_of(filters: SnapshotFilters) -> Place | None:
    """Return the place after which a page starts; None for the first page.

    Raises:
        BadCursor: the cursor is none of this order.
    """
    return decode(_kind(filters), filters.cursor, _KEYS[filters.sort])


def page_of(
    connection: Connection, filters: SnapshotFilters, place: Place | None, *, few: bool = False
) -> tuple[list[Shown], str | None]:
    """Return the snapshots of a page, and the cursor of the next one.

    Args:
        connection: in a transaction, in which the table was refreshed.
        filters: which ones, in which order; that of a dataset's watch ends with a slash.
        place: after which the page starts.
        few: few snapshots pass the filter: they are sought in one go and then sorted, and not in their order.
    """
    keys = _keys(filters.sort)
    if few and filters.sort in (Sort.URGENCY, Sort.SINCE):
        keys = (keys[0] + literal(0), *keys[1:])  # an expression that no index is of
    query = select(watched, *(key.label(f"key_{number}") for number, key in enumerate(keys)))
    if filters.sort is Sort.NEXT_POLL:
        query = query.join_from(watched, datasets, datasets.c.dataset_id == watched.c.dataset_id, isouter=True)
    query = query.where(*_conditions(filters))
    if filters.statuses:
        query = query.where(watched.c.status.in_({canonical(each) for each in filters.statuses}))
    if filters.phases:
        query = query.where(*_in_phases(filters.phases))
    if filters.muted_at is not None:
        muted = list(muted_now(connection, filters.muted_at))
        if not muted:
            return [], None
        query = query.where(or_(watched.c.watch_id.in_(muted), watched.c.parent.in_(muted)))
    if place is not None:
        # The first condition is part of the second one: SQLite searches an index by it.
        query = query.where(keys[0] >= place[0], tuple_(*keys) > tuple_(*map(literal, place)))
    rows = connection.execute(query.order_by(*keys).limit(filters.limit + 1)).mappings().all()
    shown = [
        Shown(watch=row["watch_id"], name=row["name"], snapshot=row["snapshot_id"], dataset=row["dataset_id"])
        for row in rows[: filters.limit]
    ]
    if len(rows) <= filters.limit:
        return shown, None
    last = [rows[filters.limit - 1][f"key_{number}"] for number in range(len(keys))]
    return shown, encode(_kind(filters), last)


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """The number of snapshots by status, whatever a filter says about statuses and phases.

    `all` counts those that pass the rest of the filter, `found` all those that each watch of a dataset found.
    """

    all: Mapping[str, int]
    found: Mapping[str, Mapping[str, int]]


class Counter:
    """Counts, and remembers the counts as long as nothing changes."""

    def __init__(self) -> None:
        self._version = 0
        self._known: dict[SnapshotFilters, Counts] = {}

    def count(self, connection: Connection, filters: SnapshotFilters, version: int) -> Counts:
        """Return the counts; `version` is that of the table."""
        if version != self._version or len(self._known) > _MOST_KNOWN:
            self._version, self._known = version, {}
        key = replace(filters, statuses=(), phases=(), sort=Sort.NAME, muted_at=None, cursor=None, limit=1)
        if key not in self._known:
            found = self._known[_ALL].found if _ALL in self._known else _found(connection)
            self._known[key] = Counts(all=_all(connection, key, found), found=found)
        return self._known[key]


_ALL = SnapshotFilters(sort=Sort.NAME, limit=1)
_MOST_KNOWN = 100


def _found(connection: Connection) -> dict[str, dict[str, int]]:
    """Count by watch of a dataset (empty: found by none) and status."""
    query = select(watched.c.parent, watched.c.status, func.count().label("number"))
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query.group_by(watched.c.parent, watched.c.status)):
        found.setdefault(row.parent or "", {})[row.status] = row.number
    return found


def _all(connection: Connection, filters: SnapshotFilters, found: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    if filters == _ALL:
        counts: dict[str, int] = {}
        for statuses in found.values():
            for status, number in statuses.items():
                counts[status] = counts.get(status, 0) + number
        return dict(sorted(counts.items()))
    query = select(watched.c.status, func.count().label("number")).where(*_conditions(filters))
    query = query.group_by(watched.c.status).order_by(watched.c.status)
    return {row.status: row.number for row in connection.execute(query)}


def _kind(filters: SnapshotFilters) -> str:
    return f"snapshots by {filters.sort}"


def _keys(sort: Sort) -> Sequence[ColumnElement[int] | ColumnElement[str]]:
    """Return what the order is by, all of it ascending; the last one is unique."""
    of_id = watched.c.snapshot_id
    match sort:
        case Sort.URGENCY:
            return watched.c.rank, watched.c.newest, of_id
        case Sort.NAME:
            return func.substr(watched.c.search, 1, _NAME), of_id
        case Sort.SINCE:
            return watched.c.newest, of_id
        case Sort.STATUS:
            return watched.c.status, watched.c.newest, of_id
        case Sort.NEXT_POLL:
            listed_at, of_list = (
                type_coerce(each, Integer) for each in (datasets.c.polled_at, datasets.c.next_poll_at)
            )
            newer = listed_at > func.coalesce(watched.c.polled, -1)
            soonest = case((newer, func.coalesce(of_list, watched.c.due)), else_=watched.c.due)
            ended = watched.c.phase == Phase.ENDED.value
            return case((ended, _LAST), else_=func.coalesce(soonest, _LAST)), of_id


def _in_phases(phases: Collection[Phase]) -> list[ColumnElement[bool]]:
    """The condition of these phases, and a weaker one by which SQLite searches an index."""
    found: list[ColumnElement[bool]] = [watched.c.phase.in_(phases)]
    if {Phase.UNKNOWN, Phase.ACTIVE}.issuperset(phases):
        found.append(watched.c.rank == GOES_ON)
    elif Phase.ENDED not in phases:
        found.append(watched.c.rank < ENDED)
    return found


def _conditions(filters: SnapshotFilters) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filters.dataset is not None:
        found.append(watched.c.dataset_id == filters.dataset)
    if filters.watch is not None:
        parent, parted, snapshot_id = filters.watch.partition("/")
        if parted and not snapshot_id:
            found.append(watched.c.parent == parent)
        else:
            found.append(watched.c.watch_id == filters.watch)
            found += [watched.c.snapshot_id == snapshot_id] if parted else []
    if filters.text:
        found.append(func.instr(watched.c.search, filters.text.casefold()) > 0)
    return found
