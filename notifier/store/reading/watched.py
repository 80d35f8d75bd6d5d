"""The watched snapshots as one temporary table: what the configuration watches, beside what the database knows of it.

It holds what they are filtered, counted and sorted by, and is kept in memory. It is made once for a configuration, in a
few statements; after that only the snapshots with a transition since are read again. A transition and its event are
committed together, so that the newest row of `events` tells whether there was one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    text,
    type_coerce,
    union,
    update,
)

from notifier.core.snapshot.model import ADOPTED, MISSING, UNKNOWN, DatasetWatch, Watch
from notifier.core.snapshot.statuses import SPELLINGS_OF_ENDS, Phase
from notifier.store.reading.times import micros
from notifier.store.reading.watched_tables import (
    ENDED,
    FAILED,
    GOES_ON,
    changed,
    configured,
    metadata,
    parents,
    watched,
)
from notifier.store.tables import events, in_progress, polls, snapshots

RECENT = timedelta(days=7)
"""How long a snapshot that the watch of a dataset found is among the watched ones after its end."""

URGENT = timedelta(days=7)
"""How long a failure comes before all that goes on."""

_POLLS_ARE_LATE = timedelta(minutes=2)
"""A poll is stored no later than this after it was made, while the database can be written."""

_word = func.replace(func.lower(snapshots.c.status), "cancelled", "canceled")
_ended = _word.in_(sorted(SPELLINGS_OF_ENDS))
_phase = case(
    (_word == MISSING, Phase.MISSING.value),
    (_word == UNKNOWN, Phase.UNKNOWN.value),
    (_ended, Phase.ENDED.value),
    else_=Phase.ACTIVE.value,
)
_since = type_coerce(snapshots.c.since, Integer)
_polled = type_coerce(polls.c.polled_at, Integer)
_due = type_coerce(polls.c.next_poll_at, Integer)
_parent_id = func.substr(snapshots.c.watch_id, 1, func.instr(snapshots.c.watch_id, "/") - 1)
_rowid_of_event = literal_column("events.rowid", Integer)
_rowid_of_snapshot = literal_column("snapshots.rowid", Integer)
_SEPARATOR = "\x1f"
"""Stands between the texts that are searched: less than every character that they have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The times that rows depend on.

    What ended before `recent`, and is watched by its dataset only, is left out. A failure since `urgent` is urgent.
    """

    now: datetime
    recent: datetime
    urgent: datetime


class WatchedTable:
    """Keeps the table as the database and the configuration are.

    `version` changes whenever a row may have changed.
    """

    def __init__(self) -> None:
        self.version = 0
        self._of: tuple[Sequence[Watch], Sequence[DatasetWatch]] | None = None
        self._seen = (0, 0)
        self._polls_seen = datetime.min.replace(tzinfo=UTC)

    def forget(self) -> None:
        """Make the table anew when it is used next: after an error it may be anything."""
        self._of = None

    def refresh(
        self, connection: Connection, watches: Sequence[Watch], datasets: Sequence[DatasetWatch], bounds: Bounds
    ) -> None:
        """Bring the table to the state that this transaction reads.

        Args:
            connection: in a transaction.
            watches: the watches of snapshots; the same object as before means the same watches.
            datasets: the watches of datasets; as `watches`.
            bounds: what is recent and what is urgent now.
        """
        known, newest = self._of, _newest(connection)
        if known is None or known[0] is not watches or known[1] is not datasets:
            _make(connection, watches, datasets, bounds)
            self._polls_seen = bounds.now
            self.version += 1
        elif newest != self._seen:
            _read_again(connection, self._seen, bounds)
            self.version += 1
        if _age(connection, bounds):
            self.version += 1
        self._of, self._seen = (watches, datasets), newest

    def refresh_polls(self, connection: Connection, now: datetime) -> None:
        """Bring the times of polls to the state that this transaction reads; call it after `refresh`.

        Polls are stored a few seconds after they were made.
        """
        since = min(self._polls_seen, now) - _POLLS_ARE_LATE
        times = {"polled": _polled, "due": _due}
        statement = update(watched).where(watched.c.snapshot_id == polls.c.snapshot_id, polls.c.polled_at >= since)
        connection.execute(statement.values(times))
        self._polls_seen = now


def _newest(connection: Connection) -> tuple[int, int]:
    """Return the numbers of the newest rows of events and of snapshots: both tables grow at their end."""
    row = connection.execute(
        select(
            select(func.max(_rowid_of_event)).select_from(events).scalar_subquery(),
            select(func.max(_rowid_of_snapshot)).select_from(snapshots).scalar_subquery(),
        )
    ).one()
    return row[0] or 0, row[1] or 0


def _make(connection: Connection, watches: Sequence[Watch], datasets: Sequence[DatasetWatch], bounds: Bounds) -> None:
    for table in (watched, configured, parents, changed):
        connection.execute(text(f"DROP TABLE IF EXISTS temp.{table.name}"))
    metadata.create_all(connection, checkfirst=False)
    if watches:
        connection.execute(
            insert(configured),
            [
                {
                    "snapshot_id": each.snapshot_id,
                    "watch_id": each.id,
                    "name": each.name,
                    "search": each.name.casefold(),
                }
                for each in watches
            ],
        )
    connection.execute(
        insert(parents),
        [
            {"watch_id": ADOPTED, "name": "", "search": "", "dataset_id": None},
            *(
                {"watch_id": each.id, "name": each.name, "search": each.name.casefold(), "dataset_id": each.dataset_id}
                for each in datasets
            ),
        ],
    )
    _add(connection, _by_name(bounds))
    _add(connection, _found(bounds).where(in_progress))
    _add(connection, _found(bounds).where(snapshots.c.since >= bounds.recent))


def _read_again(connection: Connection, seen: tuple[int, int], bounds: Bounds) -> None:
    """Read the snapshots again that have newer rows than those that were seen."""
    at_event, at_snapshot = seen
    connection.execute(delete(changed))
    newer = union(
        select(events.c.snapshot_id).where(_rowid_of_event > at_event),
        select(snapshots.c.snapshot_id).where(_rowid_of_snapshot > at_snapshot),
    )
    connection.execute(insert(changed).from_select(["snapshot_id"], newer))
    ids = select(changed.c.snapshot_id)
    connection.execute(delete(watched).where(watched.c.snapshot_id.in_(ids)))
    _add(connection, _by_name(bounds).where(configured.c.snapshot_id.in_(ids)))
    is_shown = or_(in_progress, snapshots.c.since >= bounds.recent)
    _add(connection, _found(bounds).where(snapshots.c.snapshot_id.in_(ids), is_shown))


def _age(connection: Connection, bounds: Bounds) -> bool:
    """Leave out what is not recent any more, and take the urgency from what is not urgent; whether there was any."""
    old = connection.execute(delete(watched).where(watched.c.expires < micros(bounds.recent)))
    rank = case((watched.c.phase == Phase.ENDED.value, ENDED), else_=GOES_ON)
    failed_long_ago = and_(watched.c.rank == FAILED, watched.c.newest > -micros(bounds.urgent))
    calm = connection.execute(update(watched).where(failed_long_ago).values(rank=rank))
    return old.rowcount + calm.rowcount > 0


def _add(connection: Connection, query: Select[tuple[str]]) -> None:
    statement = insert(watched).prefix_with("OR IGNORE")
    connection.execute(statement.from_select([column.name for column in watched.c], query))


def _by_name(bounds: Bounds) -> Select[tuple[str]]:
    """Select the rows of the snapshots that have a watch of their own, polled or not."""
    is_known = snapshots.c.snapshot_id.is_not(None)
    search = configured.c.search + _SEPARATOR + func.lower(configured.c.snapshot_id) + _SEPARATOR
    return select(
        configured.c.snapshot_id,
        configured.c.watch_id,
        configured.c.name,
        search + func.lower(configured.c.watch_id),
        cast(null(), String),
        snapshots.c.dataset_id,
        func.coalesce(_word, UNKNOWN),
        case((is_known, _phase), else_=Phase.UNKNOWN.value),
        case((is_known, _rank(bounds)), else_=GOES_ON),
        func.coalesce(-_since, 0),
        cast(null(), Integer),
        _polled,
        _due,
    ).select_from(
        configured.outerjoin(snapshots, snapshots.c.snapshot_id == configured.c.snapshot_id).outerjoin(
            polls, polls.c.snapshot_id == configured.c.snapshot_id
        )
    )


def _found(bounds: Bounds) -> Select[tuple[str]]:
    """Select the rows of the snapshots that only the watch of a dataset watches, and of adopted ones."""
    search = _with_id(parents.c.search, func.lower(snapshots.c.snapshot_id)) + _SEPARATOR
    return (
        select(
            snapshots.c.snapshot_id,
            snapshots.c.watch_id,
            _with_id(parents.c.name, snapshots.c.snapshot_id),
            search + func.lower(snapshots.c.watch_id),
            parents.c.watch_id,
            func.coalesce(snapshots.c.dataset_id, parents.c.dataset_id),
            _word,
            _phase,
            _rank(bounds),
            -_since,
            case((_ended, _since)),
            _polled,
            _due,
        )
        .join_from(
            snapshots, parents, and_(func.instr(snapshots.c.watch_id, "/") > 0, parents.c.watch_id == _parent_id)
        )
        .join(polls, polls.c.snapshot_id == snapshots.c.snapshot_id, isouter=True)
        .where(snapshots.c.snapshot_id.not_in(select(configured.c.snapshot_id)))
    )


def _with_id(name: ColumnElement[str], snapshot_id: ColumnElement[str]) -> ColumnElement[str]:
    """Return the name that `watch_for` of a parent gives to a snapshot."""
    return case((name == "", snapshot_id), else_=name + literal(" (") + snapshot_id + literal(")"))


def _rank(bounds: Bounds) -> ColumnElement[int]:
    failed = and_(_word.in_(("failed", MISSING)), snapshots.c.since >= bounds.urgent)
    return case((failed, FAILED), (_ended, ENDED), else_=GOES_ON)
