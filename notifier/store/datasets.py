"""The part of the store for datasets: their baselines, their last lists, and the snapshots known in them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from notifier.core.snapshot.model import SnapshotState, Watch
from notifier.store.database import Database
from notifier.store.mapping import state_from_row, state_to_row
from notifier.store.queries import known, listed
from notifier.store.tables import datasets, past_snapshots, snapshots
from notifier.store.transaction import transaction

AT_ONCE = 500
"""Rows of one statement: SQLite takes a limited number of variables."""

LISTED = "listed"
"""The answer recorded for a dataset whose list came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetNote:
    """One poll of a dataset, as it is stored: `answer` is `LISTED`, or the reason why there was no list."""

    dataset_id: str
    polled_at: datetime
    answer: str
    next_poll_at: datetime | None


class Datasets:
    """What is known about datasets. Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @transaction
    def baselines(self, connection: Connection, watched: Collection[str]) -> dict[str, datetime]:
        """Return the baseline of each of these datasets that has one: since when it is watched.

        The baselines of all others are removed: a dataset that is watched again later gets a new one.
        """
        rows = connection.execute(select(datasets).where(datasets.c.baseline_at.is_not(None))).all()
        gone = [row.dataset_id for row in rows if row.dataset_id not in watched]
        for start in range(0, len(gone), AT_ONCE):
            some = gone[start : start + AT_ONCE]
            connection.execute(update(datasets).where(datasets.c.dataset_id.in_(some)).values(baseline_at=None))
            connection.execute(delete(past_snapshots).where(past_snapshots.c.dataset_id.in_(some)))
        return {row.dataset_id: row.baseline_at for row in rows if row.dataset_id in watched}

    @transaction
    def last_listed(self, connection: Connection, dataset_ids: Collection[str]) -> dict[str, datetime]:
        """Return when each of these datasets was listed last, without those whose last poll was not answered."""
        of = listed(dataset_ids)
        query = select(datasets.c.dataset_id, datasets.c.polled_at).join_from(
            of, datasets, datasets.c.dataset_id == of.c.value
        )
        listed_once = (datasets.c.answer == LISTED, datasets.c.polled_at.is_not(None))
        rows = connection.execute(query.where(*listed_once)).all()
        return {row.dataset_id: row.polled_at for row in rows}

    async def known(self, snapshot_ids: Sequence[str]) -> dict[str, SnapshotState]:
        """Return the states of those of the snapshots that were ever seen."""
        found: dict[str, SnapshotState] = {}
        for start in range(0, len(snapshot_ids), AT_ONCE):  # between two slices others have the database
            found |= await self._known(snapshot_ids[start : start + AT_ONCE])
        return found

    @transaction
    def _known(self, connection: Connection, snapshot_ids: Sequence[str]) -> dict[str, SnapshotState]:
        query = known(snapshot_ids).where(snapshots.c.snapshot_id.is_not(None))
        return {row["snapshot_id"]: state_from_row(row) for row in connection.execute(query).mappings()}

    @transaction
    def begin(
        self,
        connection: Connection,
        dataset_id: str,
        at: datetime,
        ended: Sequence[SnapshotState],
        past: Sequence[str],
        watch_for: Callable[[str], Watch],
    ) -> None:
        """Set the baseline of a dataset: what had ended by then causes no notification.

        Args:
            dataset_id: the dataset.
            at: when it was first listed.
            ended: the snapshots that had ended shortly before.
            past: the ids of those that had ended long before; nothing else is kept about them.
            watch_for: makes the watch of a snapshot of the dataset.
        """
        begun = upsert(datasets).values(dataset_id=dataset_id, baseline_at=at, answer=LISTED)
        begun = begun.on_conflict_do_update(index_elements=[datasets.c.dataset_id], set_={"baseline_at": at})
        for start in range(0, len(ended), AT_ONCE):
            rows = [state_to_row(each, watch_for(each.snapshot_id)) for each in ended[start : start + AT_ONCE]]
            connection.execute(upsert(snapshots).on_conflict_do_nothing(), rows)
        for start in range(0, len(past), AT_ONCE):
            remember_past(connection, [(dataset_id, each) for each in past[start : start + AT_ONCE]])
        connection.execute(begun)

    async def past(self, dataset_id: str, snapshot_ids: Sequence[str]) -> set[str]:
        """Return those of the snapshots that are only known to have ended long ago."""
        found: set[str] = set()
        for start in range(0, len(snapshot_ids), AT_ONCE):  # between two slices others have the database
            found |= await self._past(dataset_id, snapshot_ids[start : start + AT_ONCE])
        return found

    @transaction
    def _past(self, connection: Connection, dataset_id: str, snapshot_ids: Sequence[str]) -> set[str]:
        of_it = (past_snapshots.c.dataset_id == dataset_id, past_snapshots.c.snapshot_id.in_(snapshot_ids))
        return set(connection.execute(select(past_snapshots.c.snapshot_id).where(*of_it)).scalars())

    @transaction
    def prune_past(
        self, connection: Connection, dataset_id: str, listed: Collection[str], now: datetime, keep: timedelta
    ) -> int:
        """Remove the past snapshots that no complete list has had for `keep`; return their number.

        Args:
            dataset_id: the dataset.
            listed: the ids in a complete list of it.
            now: when that was asked for.
            keep: how long a missing one is kept: a list may omit a snapshot and have it again.
        """
        of_it = past_snapshots.c.dataset_id == dataset_id
        rows = connection.execute(select(past_snapshots).where(of_it)).all()
        back = [row.snapshot_id for row in rows if row.missed_at is not None and row.snapshot_id in listed]
        missed = [row for row in rows if row.snapshot_id not in listed]
        new = [row.snapshot_id for row in missed if row.missed_at is None]
        gone = [row.snapshot_id for row in missed if row.missed_at is not None and row.missed_at < now - keep]
        for ids, statement in (
            (back, update(past_snapshots).values(missed_at=None)),
            (new, update(past_snapshots).values(missed_at=now)),
            (gone, delete(past_snapshots)),
        ):
            for start in range(0, len(ids), AT_ONCE):
                some = past_snapshots.c.snapshot_id.in_(ids[start : start + AT_ONCE])
                connection.execute(statement.where(of_it, some))
        return len(gone)

    @transaction
    def note(self, connection: Connection, batch: Collection[DatasetNote]) -> None:
        """Store polls of datasets; the newest of each dataset is kept."""
        if not batch:
            return
        statement = upsert(datasets)
        kept = {name: statement.excluded[name] for name in ("polled_at", "answer", "next_poll_at")}
        statement = statement.on_conflict_do_update(index_elements=[datasets.c.dataset_id], set_=kept)
        connection.execute(statement, [asdict(note) for note in batch])


def remember_past(connection: Connection, ids: Sequence[tuple[str, str]]) -> None:
    """Record pairs of a dataset's and a snapshot's id: these snapshots ended long ago."""
    if ids:
        rows = [{"dataset_id": dataset_id, "snapshot_id": snapshot_id} for dataset_id, snapshot_id in ids]
        connection.execute(upsert(past_snapshots).on_conflict_do_nothing(), rows)
