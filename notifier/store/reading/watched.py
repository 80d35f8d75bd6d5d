"""The watched snapshots as one temporary table: what the configuration watches, beside what the database knows of it.

It holds what they are filtered and sorted by. It is made once for a configuration, in a few statements; after that only
the snapshots with a transition since are read again. A transition and its event are committed together, so that the
newest row of `events` tells whether there was one.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    text,
    union,
)

from notifier.core.snapshot.model import MISSING, UNKNOWN, DatasetWatch, Watch
from notifier.core.snapshot.statuses import SPELLINGS_OF_ENDS, Phase
from notifier.store.column_types import Instant
from notifier.store.tables import events, in_progress, snapshots

RECENT = timedelta(days=7)
"""How long a snapshot that the watch of a dataset found is among the watched ones after its end."""

_metadata = MetaData()

watched = Table(
    "watched",
    _metadata,
    Column("snapshot_id", String, primary_key=True),
    Column("watch_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sort_name", String, nullable=False),
    Column("parent", String),
    Column("dataset_id", String),
    Column("status", String, nullable=False),
    Column("phase", String, nullable=False),
    Column("since", Instant),
    sqlite_with_rowid=False,
    prefixes=["TEMPORARY"],
)
"""A watched snapshot: `parent` is the watch of the dataset that found it, `status` is in lower case, and `sort_name`
the name in lower case."""

configured = Table(
    "configured",
    _metadata,
    Column("snapshot_id", String, primary_key=True),
    Column("watch_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("sort_name", String, nullable=False),
    sqlite_with_rowid=False,
    prefixes=["TEMPORARY"],
)
"""The watches of snapshots."""

parents = Table(
    "parents",
    _metadata,
    Column("watch_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("sort_name", String, nullable=False),
    Column("dataset_id", String, nullable=False),
    sqlite_with_rowid=False,
    prefixes=["TEMPORARY"],
)
"""The watches of datasets."""

_changed = Table(
    "changed",
    _metadata,
    Column("snapshot_id", String, primary_key=True),
    sqlite_with_rowid=False,
    prefixes=["TEMPORARY"],
)
"""The snapshots that have to be read again."""

_word = func.replace(func.lower(snapshots.c.status), "cancelled", "canceled")
_phase = case(
    (_word == MISSING, Phase.MISSING.value),
    (_word == UNKNOWN, Phase.UNKNOWN.value),
    (_word.in_(sorted(SPELLINGS_OF_ENDS)), Phase.ENDED.value),
    else_=Phase.ACTIVE.value,
)
_parent_id = func.substr(snapshots.c.watch_id, 1, func.instr(snapshots.c.watch_id, "/") - 1)
_rowid_of_event = literal_column("events.rowid", Integer)
_rowid_of_snapshot = literal_column("snapshots.rowid", Integer)


class WatchedTable:
    """Keeps the table as the database and the configuration are."""

    def __init__(self) -> None:
        self._of: tuple[Sequence[Watch], Sequence[DatasetWatch]] | None = None
        self._seen = (0, 0)

    def forget(self) -> None:
        """Make the table anew when it is used next: after an error it may be anything."""
        self._of = None

    def refresh(
        self, connection: Connection, watches: Sequence[Watch], datasets: Sequence[DatasetWatch], since: datetime
    ) -> None:
        """Bring the table to the state that this transaction reads.

        Args:
            connection: in a transaction.
            watches: the watches of snapshots; the same object as before means the same watches.
            datasets: the watches of datasets; as `watches`.
            since: what ended before, and is watched by its dataset only, is left out.
        """
        known = self._of
        newest = self._newest(connection)
        if known is None or known[0] is not watches or known[1] is not datasets:
            self._make(connection, watches, datasets, since)
        elif newest != self._seen:
            self._read_again(connection, since)
        self._of, self._seen = (watches, datasets), newest

    @staticmethod
    def _newest(connection: Connection) -> tuple[int, int]:
        row = connection.execute(
            select(
                select(func.max(_rowid_of_event)).select_from(events).scalar_subquery(),
                select(func.max(_rowid_of_snapshot)).select_from(snapshots).scalar_subquery(),
            )
        ).one()
        return row[0] or 0, row[1] or 0

    def _make(
        self, connection: Connection, watches: Sequence[Watch], datasets: Sequence[DatasetWatch], since: datetime
    ) -> None:
        for table in (watched, configured, parents, _changed):
            connection.execute(text(f"DROP TABLE IF EXISTS temp.{table.name}"))
        _metadata.create_all(connection, checkfirst=False)
        if watches:
            connection.execute(
                insert(configured),
                [
                    {
                        "snapshot_id": each.snapshot_id,
                        "watch_id": each.id,
                        "name": each.name,
                        "sort_name": each.name.casefold(),
                    }
                    for each in watches
                ],
            )
        if datasets:
            rows = [
                {
                    "watch_id": each.id,
                    "name": each.name,
                    "sort_name": each.name.casefold(),
                    "dataset_id": each.dataset_id,
                }
                for each in datasets
            ]
            connection.execute(insert(parents), rows)
        _add(connection, _by_name())
        _add(connection, _found().where(in_progress))
        _add(connection, _found().where(snapshots.c.since >= since))

    def _read_again(self, connection: Connection, since: datetime) -> None:
        at_event, at_snapshot = self._seen
        connection.execute(delete(_changed))
        changed = union(
            select(events.c.snapshot_id).where(_rowid_of_event > at_event),
            select(snapshots.c.snapshot_id).where(_rowid_of_snapshot > at_snapshot),
        )
        connection.execute(insert(_changed).from_select(["snapshot_id"], changed))
        ids = select(_changed.c.snapshot_id)
        connection.execute(delete(watched).where(watched.c.snapshot_id.in_(ids)))
        _add(connection, _by_name().where(configured.c.snapshot_id.in_(ids)))
        _add(
            connection,
            _found().where(snapshots.c.snapshot_id.in_(ids), or_(in_progress, snapshots.c.since >= since)),
        )


def _add(connection: Connection, query: Select[tuple[str]]) -> None:
    statement = insert(watched).prefix_with("OR IGNORE")
    connection.execute(statement.from_select([column.name for column in watched.c], query))


def _by_name() -> Select[tuple[str]]:
    """Select the rows of the snapshots that have a watch of their own, polled or not."""
    return select(
        configured.c.snapshot_id,
        configured.c.watch_id,
        configured.c.name,
        configured.c.sort_name,
        cast(null(), String),
        snapshots.c.dataset_id,
        func.coalesce(_word, UNKNOWN),
        case((snapshots.c.snapshot_id.is_(None), Phase.UNKNOWN.value), else_=_phase),
        snapshots.c.since,
    ).join_from(configured, snapshots, snapshots.c.snapshot_id == configured.c.snapshot_id, isouter=True)


def _found() -> Select[tuple[str]]:
    """Select the rows of the snapshots that only the watch of a dataset watches."""
    return (
        select(
            snapshots.c.snapshot_id,
            snapshots.c.watch_id,
            parents.c.name.concat(" (").concat(snapshots.c.snapshot_id).concat(")"),
            parents.c.sort_name.concat(" (").concat(func.lower(snapshots.c.snapshot_id)).concat(")"),
            parents.c.watch_id,
            func.coalesce(snapshots.c.dataset_id, parents.c.dataset_id),
            _word,
            _phase,
            snapshots.c.since,
        )
        .join_from(
            snapshots, parents, and_(func.instr(snapshots.c.watch_id, "/") > 0, parents.c.watch_id == _parent_id)
        )
        .where(snapshots.c.snapshot_id.not_in(select(configured.c.snapshot_id)))
    )
