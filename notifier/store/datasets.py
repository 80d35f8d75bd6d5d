"""What is remembered of datasets, and which of their snapshots are known."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from notifier.core.model import SnapshotState, Watch
from notifier.store.database import Database
from notifier.store.mapping import state_from_row, state_to_row
from notifier.store.queries import known, listed
from notifier.store.tables import datasets, past_snapshots, snapshots
from notifier.store.transaction import transaction

AT_ONCE = 500
"""Rows of one statement: SQLite takes a limited number of variables."""

LISTED = "listed"
"""The answer that is noted of a dataset whose list came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetNote:
    """One look at a dataset, as it is noted: `answer` is `LISTED`, or the reason why there was no list."""

    dataset_id: str
    looked_at: datetime
    answer: str
    next_look_at: datetime | None


class Datasets:
    """The daemon's side of it. Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @transaction
    def baselines(self, connection: Connection, watched: Collection[str]) -> dict[str, datetime]:
        """Since when each of these datasets is watched as a whole, where one is known.

        Those of all others are forgotten: one that is watched again later has a new baseline.
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
        """When each of these datasets was listed last; none whose last look was not answered."""
        of = listed(dataset_ids)
        query = select(datasets.c.dataset_id, datasets.c.looked_at).join_from(
            of, datasets, datasets.c.dataset_id == of.c.value
        )
        listed_once = (datasets.c.answer == LISTED, datasets.c.looked_at.is_not(None))
        rows = connection.execute(query.where(*listed_once)).all()
        return {row.dataset_id: row.looked_at for row in rows}

    async def known(self, snapshot_ids: Sequence[str]) -> dict[str, SnapshotState]:
        """What is known of those of the snapshots that were ever seen."""
        found: dict[str, SnapshotState] = {}
        for start in range(0, len(snapshot_ids), AT_ONCE):  # between two of them others go on
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
        """Watch a dataset as a whole since that time.

        Args:
            dataset_id: which.
            at: its first list.
            ended: snapshots that had ended shortly before, and are known silently.
            past: those that had ended long before; only that is remembered of them.
            watch_for: how a snapshot of it is watched.
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
        """Those of the snapshots that are only known to have ended long ago."""
        found: set[str] = set()
        for start in range(0, len(snapshot_ids), AT_ONCE):  # between two of them others go on
            found |= await self._past(dataset_id, snapshot_ids[start : start + AT_ONCE])
        return found

    @transaction
    def _past(self, connection: Connection, dataset_id: str, snapshot_ids: Sequence[str]) -> set[str]:
        of_it = (past_snapshots.c.dataset_id == dataset_id, past_snapshots.c.snapshot_id.in_(snapshot_ids))
        return set(connection.execute(select(past_snapshots.c.snapshot_id).where(*of_it)).scalars())

    @transaction
    def listed_whole(
        self, connection: Connection, dataset_id: str, listed: Collection[str], now: datetime, keep: timedelta
    ) -> int:
        """Forget the past snapshots that no whole list has had for as long as `keep`; how many.

        Args:
            dataset_id: whose.
            listed: all that the whole list has.
            now: when it was asked for.
            keep: how long one that is missing is still remembered: a list may omit one and have it again.
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
        """Note when datasets were looked at; the newest look of each is kept."""
        if not batch:
            return
        statement = upsert(datasets)
        kept = {name: statement.excluded[name] for name in ("looked_at", "answer", "next_look_at")}
        statement = statement.on_conflict_do_update(index_elements=[datasets.c.dataset_id], set_=kept)
        connection.execute(statement, [asdict(note) for note in batch])


def remember_past(connection: Connection, ids: Sequence[tuple[str, str]]) -> None:
    """Remember of these (dataset's id, snapshot's id) that they ended long ago."""
    if ids:
        rows = [{"dataset_id": dataset_id, "snapshot_id": snapshot_id} for dataset_id, snapshot_id in ids]
        connection.execute(upsert(past_snapshots).on_conflict_do_nothing(), rows)
