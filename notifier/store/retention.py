"""Retention: removes history that ended before a time, a batch in each transaction."""

import sqlite3
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Column, ColumnElement, Connection, Delete, delete, exists, literal, or_, select, text, tuple_

from notifier.core.delivery.states import OPEN
from notifier.core.snapshot.statuses import ENDS, canonical
from notifier.failpoints import failpoint
from notifier.store.column_types import Instant
from notifier.store.database import Part
from notifier.store.datasets import remember_past
from notifier.store.mapping import WAITING
from notifier.store.tables import actions, attempts, deliveries, downloads, events, mutes, notices, polls, snapshots
from notifier.store.transaction import transaction

BATCH = 500
"""Rows of history that one transaction reads or removes."""

PAGES = 1_000
"""Free pages (of 4 KiB) that one transaction returns to the disk."""

_FREE_PAGES = text("PRAGMA freelist_count")

Position = tuple[datetime, str]
"""A position in the history, which is ordered by time and id: the next batch begins after it."""

FIRST: Position = (datetime.fromtimestamp(0, UTC), "")


class Retention(Part):
    """Removes old history."""

    async def prune(
        self, *, before: datetime, watched: Collection[str], now: datetime, datasets: Mapping[str, str] | None = None
    ) -> int:
        """Remove what ended before a time, a batch in each transaction, and return its space to the disk.

        An event is removed with its deliveries once all of them have ended. A snapshot's state is removed only when it
        is no longer watched: otherwise the next poll would report its end again. If its dataset is watched, the fact
        that it has ended stays: the dataset's list may have it for years, without a date.

        Args:
            before: what ended earlier is removed.
            watched: the snapshots that are still watched.
            now: for mutes that ran out.
            datasets: the ids of the watched datasets, by the ids of their watches.

        Returns:
            The number of events, notices, snapshots and actions that were removed.
        """
        removed = 0
        for some in (
            self._prune_events,
            self._prune_notices,
            partial(self._prune_snapshots, frozenset(watched), datasets or {}),
            self._prune_actions,
        ):
            after: Position | None = FIRST
            while after is not None:
                number, after = await some(before, after)
                removed += number
                if number:
                    failpoint("retention.batch_forgotten")
        await self._prune_mutes(now)
        if removed:
            await self._shrink()
        return removed

    @transaction
    def _prune_events(self, connection: Connection, before: datetime, after: Position) -> tuple[int, Position | None]:
        place = select(events.c.observed_at, events.c.id).where(
            events.c.observed_at < before, later_than(events.c.observed_at, events.c.id, after)
        )
        rows = connection.execute(place.order_by(events.c.observed_at, events.c.id).limit(BATCH)).all()
        of_it = deliveries.c.event_id == events.c.id
        unfinished = exists().where(of_it, or_(deliveries.c.state.in_(OPEN), deliveries.c.settled_at >= before))
        fetching = exists().where(downloads.c.event_id == events.c.id, downloads.c.state == WAITING)
        of_rows = events.c.id.in_([row.id for row in rows])
        ids = list(connection.execute(select(events.c.id).where(of_rows, ~unfinished, ~fetching)).scalars())
        if ids:
            for statement in _with_deliveries(deliveries.c.event_id, ids):
                connection.execute(statement)
            failpoint("retention.half_forgotten")
            connection.execute(delete(downloads).where(downloads.c.event_id.in_(ids)))
            connection.execute(delete(events).where(events.c.id.in_(ids)))
        return len(ids), (rows[-1].observed_at, rows[-1].id) if len(rows) == BATCH else None

    @transaction
    def _prune_notices(self, connection: Connection, before: datetime, after: Position) -> tuple[int, Position | None]:
        place = select(notices.c.at, notices.c.id).where(
            notices.c.at < before, later_than(notices.c.at, notices.c.id, after)
        )
        rows = connection.execute(place.order_by(notices.c.at, notices.c.id).limit(BATCH)).all()
        of_it = deliveries.c.notice_id == notices.c.id
        unfinished = exists().where(of_it, or_(deliveries.c.state.in_(OPEN), deliveries.c.settled_at >= before))
        newer = notices.alias("newer")
        is_last = ~exists().where(newer.c.subject == notices.c.subject, newer.c.at > notices.c.at)
        of_rows = notices.c.id.in_([row.id for row in rows])
        ids = list(connection.execute(select(notices.c.id).where(of_rows, ~unfinished, ~is_last)).scalars())
        if ids:
            for statement in _with_deliveries(deliveries.c.notice_id, ids):
                connection.execute(statement)
            connection.execute(delete(notices).where(notices.c.id.in_(ids)))
        return len(ids), (rows[-1].at, rows[-1].id) if len(rows) == BATCH else None

    @transaction
    def _prune_snapshots(
        self,
        connection: Connection,
        watched: frozenset[str],
        datasets: Mapping[str, str],
        before: datetime,
        after: Position,
    ) -> tuple[int, Position | None]:
        place = select(snapshots).where(
            snapshots.c.since < before, later_than(snapshots.c.since, snapshots.c.snapshot_id, after)
        )
        rows = connection.execute(place.order_by(snapshots.c.since, snapshots.c.snapshot_id).limit(BATCH)).all()
        watched_datasets = frozenset(datasets.values())
        old: dict[str, str | None] = {}
        for row in rows:
            if row.snapshot_id not in watched and canonical(row.status) in ENDS:
                dataset_id = row.facts.get("dataset_id") or datasets.get(row.watch_id.partition("/")[0])
                old[row.snapshot_id] = dataset_id if dataset_id in watched_datasets else None
        # A snapshot with an event keeps its state: from a blank one the next poll would make the same event again.
        of_old = select(events.c.snapshot_id).where(events.c.snapshot_id.in_(old))
        for snapshot_id in set(connection.execute(of_old).scalars()):
            del old[snapshot_id]
        if old:
            remember_past(
                connection, [(dataset_id, each) for each, dataset_id in old.items() if dataset_id is not None]
            )
            connection.execute(delete(snapshots).where(snapshots.c.snapshot_id.in_(old)))
            connection.execute(delete(polls).where(polls.c.snapshot_id.in_(old)))
        return len(old), (rows[-1].since, rows[-1].snapshot_id) if len(rows) == BATCH else None

    @transaction
    def _prune_actions(self, connection: Connection, before: datetime, after: Position) -> tuple[int, Position | None]:
        oldest = select(actions.c.id).where(actions.c.at < before).order_by(actions.c.at, actions.c.id).limit(BATCH)
        removed = connection.execute(delete(actions).where(actions.c.id.in_(oldest))).rowcount
        return removed, after if removed == BATCH else None

    @transaction
    def _prune_mutes(self, connection: Connection, now: datetime) -> None:
        connection.execute(delete(mutes).where(mutes.c.until < now))

    async def _shrink(self) -> None:
        while await self._free(PAGES):
            pass

    @transaction
    def _free(self, connection: Connection, pages: int) -> bool:
        """Return so many free pages to the disk; whether there may be more."""
        before = connection.execute(_FREE_PAGES).scalar_one()
        # Each step of the statement frees one page, and only a fetch runs all steps; SQLAlchemy does not fetch.
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
        after = connection.execute(_FREE_PAGES).scalar_one()
        return bool(0 < after < before)


def later_than(at: Column[datetime], of_id: Column[str], after: Position) -> ColumnElement[bool]:
    """The condition that a row comes after a position in the history."""
    return tuple_(at, of_id) > tuple_(literal(after[0], Instant), literal(after[1]))


def _with_deliveries(column: ColumnElement[str], ids: list[str]) -> tuple[Delete, Delete]:
    """Make the statements that remove the deliveries of these events or notices, with their attempts."""
    of_them = select(deliveries.c.id).where(column.in_(ids))
    return (
        delete(attempts).where(attempts.c.delivery_id.in_(of_them)),
        delete(deliveries).where(column.in_(ids)),
    )
