"""Reads the database for commands while the daemon writes it, over a connection that cannot write."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, literal, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from notifier.core.delivery.model import Deliverable, Event, Notice
from notifier.core.errors import StoreError
from notifier.core.snapshot.model import SnapshotState
from notifier.store.column_types import Instant
from notifier.store.mapping import deliverable_from_row, event_from_row, state_from_row
from notifier.store.queries import (
    Filters,
    deliveries_of,
    deliveries_with_events,
    found_by,
    known,
    newest_deliveries,
    tally_of,
)
from notifier.store.sqlite.engine import reader
from notifier.store.sqlite.errors import DAMAGE, damaged
from notifier.store.tables import attempts, deliveries, events, notices


@dataclass(frozen=True, kw_only=True, slots=True)
class SnapshotRow:
    """A snapshot as `notifier status` shows it. `answer` is that of its last poll, `watch_id` its last watch."""

    state: SnapshotState
    polled_at: datetime | None
    next_poll_at: datetime | None
    answer: str | None
    deliveries: Mapping[str, int]
    watch_id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRow:
    """One attempt of a delivery."""

    number: int
    started_at: datetime
    duration: timedelta
    outcome: str
    reason: str
    detail: str
    together: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRow:
    """A delivery with its event. Only `delivery()` fills `attempts`; `attempt` counts the attempts begun."""

    id: int
    channel: str
    state: str
    attempt: int
    reason: str
    created_at: datetime
    not_before: datetime | None
    settled_at: datetime | None
    event: Deliverable
    attempts: tuple[AttemptRow, ...] = ()


PAGE = 1_000
"""Events of the history that one query reads."""

_CURE = "`state:` must name the notifier's own SQLite file, and to read it takes the rights of its daemon"


class Reader:
    """Reads the daemon's database. Every method may raise `StoreError`."""

    def __init__(self, database: Path) -> None:
        """
        Raises:
            StoreError: there is no such file.
        """
        if not database.is_file():
            raise StoreError(f"{database}: there is no database yet; `notifier run` makes it")
        self._database = database
        self._engine = reader(database)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(f"{self._database}: cannot be read: {cause}; {_CURE}") from error
        except (*DAMAGE, TypeError, ValueError, KeyError, AttributeError) as error:
            raise damaged(self._database, error) from error  # nothing but rows is worked upon here
        finally:
            self._engine.dispose()

    def snapshots(self, snapshot_ids: Collection[str]) -> dict[str, SnapshotRow]:
        """Return those of these snapshots that were ever polled, by their ids."""
        with self._reading() as connection:
            return self._snapshots(connection, known(snapshot_ids))

    def found_by(self, watches: Collection[str]) -> dict[str, SnapshotRow]:
        """Return the snapshots in progress that these watches of datasets have found, by their ids."""
        with self._reading() as connection:
            return self._snapshots(connection, found_by(watches))

    @staticmethod
    def _snapshots(connection: Connection, query: Select[Any]) -> dict[str, SnapshotRow]:
        rows = {row["snapshot_id"]: row for row in connection.execute(query).mappings()}
        counts: dict[str, dict[str, int]] = {}
        for snapshot_id, state, number in connection.execute(tally_of(rows)):
            counts.setdefault(snapshot_id, {})[state] = number
        return {
            snapshot_id: SnapshotRow(
                state=state_from_row(row),
                polled_at=row["polled_at"],
                next_poll_at=row["next_poll_at"],
                answer=row["answer"],
                deliveries=counts.get(snapshot_id, {}),
                watch_id=row["watch_id"],
            )
            for snapshot_id, row in rows.items()
        }

    def deliveries(
        self,
        *,
        states: Collection[str] = (),
        channel: str | None = None,
        since: datetime | None = None,
        told: str | None = None,
        snapshot: str | None = None,
        watch: str | None = None,
        limit: int = 100,
    ) -> list[DeliveryRow]:
        """Return deliveries, the newest first.

        Args:
            states: only those in one of these states.
            channel: only those of this channel.
            since: only those decided since then.
            told: only those of the event or notice with this id.
            snapshot: only those of this snapshot's events.
            watch: only those of this watch's events; with a slash at its end, of all that a dataset's watch found.
            limit: at most so many.
        """
        filters = Filters(states=states, channel=channel, since=since, limit=limit)
        if told is not None:
            ids = deliveries_of(
                (deliveries.c.notice_id if _is_notice(told) else deliveries.c.event_id) == told, filters
            )
        elif snapshot is not None:
            ids = deliveries_of(events.c.snapshot_id == snapshot, filters, watch)
        elif watch is not None:
            ids = deliveries_of(None, filters, watch)
        else:
            ids = newest_deliveries(filters)
        query = deliveries_with_events().where(deliveries.c.id.in_(ids))
        query = query.order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc()).limit(limit)
        with self._reading() as connection:
            return [_delivery(row) for row in connection.execute(query).mappings()]

    def told(self, told_id: str) -> Deliverable | None:
        """Return an event or a notice by its id; None if there is none."""
        table = notices if _is_notice(told_id) else events
        with self._reading() as connection:
            row = connection.execute(select(table).where(table.c.id == told_id)).mappings().one_or_none()
            if row is None:
                return None
            if not _is_notice(told_id):
                return event_from_row(row)
            return Notice(**row)

    def deliverable_ids(self, beginning: str, most: int) -> list[str]:
        """Return the ids of events, or of notices, with this beginning, sorted, at most `most`."""
        ids = (notices if _is_notice(beginning) else events).c.id
        within = select(ids).where(ids >= beginning, ids < f"{beginning}\U0010ffff").order_by(ids).limit(most)
        with self._reading() as connection:
            return list(connection.execute(within).scalars())

    def delivery(self, delivery_id: int) -> DeliveryRow | None:
        """Return a delivery with its attempts; None if there is none of that id."""
        with self._reading() as connection:
            row = (
                connection.execute(deliveries_with_events().where(deliveries.c.id == delivery_id))
                .mappings()
                .one_or_none()
            )
            if row is None:
                return None
            of_it = select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
            found = tuple(
                AttemptRow(**{key: value for key, value in attempt.items() if key != "delivery_id"})
                for attempt in connection.execute(of_it).mappings()
            )
            return _delivery(row, found)

    def history(self, since: datetime) -> Iterator[Event]:
        """Iterate over all events since a time, told or not, the oldest first; they are read a page at a time."""
        key = tuple_(events.c.observed_at, events.c.id)
        at, event_id = since, ""
        while True:
            later = key > tuple_(literal(at, Instant), literal(event_id))
            query = select(events).where(later).order_by(events.c.observed_at, events.c.id).limit(PAGE)
            with self._reading() as connection:
                page = [event_from_row(row) for row in connection.execute(query).mappings()]
            yield from page
            if len(page) < PAGE:
                return
            at, event_id = page[-1].transition.observed_at, page[-1].id


def _is_notice(told_id: str) -> bool:
    return told_id.startswith("ntc_")


_DELIVERY_COLUMNS = ("channel", "state", "attempt", "reason", "created_at", "not_before", "settled_at")


def _delivery(row: RowMapping, found: tuple[AttemptRow, ...] = ()) -> DeliveryRow:
    return DeliveryRow(
        id=row["delivery_id"],
        **{name: row[name] for name in _DELIVERY_COLUMNS},
        event=deliverable_from_row(row),
        attempts=found,
    )
