"""The daemon's side of the store: the states of snapshots, and their transitions with all deliveries.

Correctness rests on conditional updates and unique keys, never on a lock in this process: an update that matches no
row means that another task did it first.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, bindparam, delete, func, insert, not_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from notifier.core.delivery.model import Event
from notifier.core.snapshot.download_job import has_results
from notifier.core.snapshot.model import SnapshotState, Watch
from notifier.failpoints import failpoint
from notifier.store.actions import ActionLog
from notifier.store.adoptions import Adoptions
from notifier.store.attempts import new_delivery
from notifier.store.conditions import Conditions
from notifier.store.database import Database
from notifier.store.datasets import Datasets
from notifier.store.downloads import Downloads, add
from notifier.store.group_commit import GroupCommit
from notifier.store.maintenance import StoreMaintenance
from notifier.store.mapping import event_to_row, state_from_row, state_to_row
from notifier.store.outbox import Outbox
from notifier.store.queries import known, known_where, listed
from notifier.store.retention import Position, later_than
from notifier.store.tables import deliveries, events, in_progress, polls, rate_limits, snapshots, unwarned
from notifier.store.transaction import run_to_completion, transaction
from notifier.store.write_retries import StoreRetry

ROWS_AT_ONCE = 1_000
"""Rows of a long result that are fetched at once."""

RATE_LIMITS_KEPT = timedelta(minutes=10)
"""Twice the time over which the API counts its answers of 429."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PollRecord:
    """One poll of a snapshot, as it is stored: `answer` is the status, or the reason why there is none."""

    snapshot_id: str
    polled_at: datetime
    answer: str
    next_poll_at: datetime | None
    seen_at: datetime | None
    not_found: int
    not_found_since: datetime | None


_POLL_FIELDS = tuple(column.name for column in polls.c)
_POLL = upsert(polls)
_NOTE_POLLS = _POLL.on_conflict_do_update(
    index_elements=[polls.c.snapshot_id],
    set_={column.name: _POLL.excluded[column.name] for column in polls.c if not column.primary_key},
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Change:
    """A snapshot's transitions and their events: committed together, or not at all."""

    watch: Watch
    before: SnapshotState
    after: SnapshotState
    events: Sequence[tuple[Event, Sequence[str]]]


class Store:
    """All that must not be lost. Enter it before use.

    Every method may raise `StoreError`; what was not committed then has not happened. A method that is cancelled
    finishes its work first.

    Attributes:
        outbox: the deliveries.
        actions: what somebody did.
        conditions: what is in trouble.
        datasets: what is known about datasets.
        adoptions: the snapshots that were adopted.
        downloads: the results that are downloaded.
        maintenance: audit and retention.
        retries: repeats writes while the database is unusable.
    """

    def __init__(self, path: Path, retries: StoreRetry | None = None) -> None:
        """
        Args:
            path: the database's file.
            retries: repeats writes while the database is unusable; without it they raise.
        """
        self.retries = retries or StoreRetry()
        self._database = Database(path, self.retries)
        self.outbox = Outbox(self._database)
        self.actions = ActionLog(self._database)
        self.conditions = Conditions(self._database)
        self.maintenance = StoreMaintenance(self._database)
        self.datasets = Datasets(self._database)
        self.adoptions = Adoptions(self._database)
        self._commits = GroupCommit(self._database, _commit_all)
        self.downloads = Downloads(self._database)

    async def __aenter__(self) -> Self:
        """Lock the database, bring it to this version and open it.

        Raises:
            StoreBusy: another daemon has it.
            StoreTooNew: a newer version wrote it.
            StoreError: it cannot be read, made or written.
        """
        await self._database.__aenter__()
        return self

    async def check_files(self) -> None:
        """Check that no other program has changed the files; see `Database.check_files`."""
        await self._database.check_files()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._database.__aexit__(kind, error, trace)

    @transaction
    def states(
        self, connection: Connection, snapshot_ids: Collection[str], datasets: Collection[str] = ()
    ) -> dict[str, SnapshotState]:
        """Return the states of these snapshots, and of those in progress in these datasets, by their ids."""
        dataset_id = snapshots.c.facts["dataset_id"].as_string()
        found: dict[str, SnapshotState] = {}
        for query in (
            known(snapshot_ids),
            known_where(in_progress, dataset_id.in_(select(listed(datasets).c.value))),
        ):
            with connection.execute(query.execution_options(yield_per=ROWS_AT_ONCE)) as result:
                for some in result.mappings().partitions():
                    found.update((row["snapshot_id"], state_from_row(row)) for row in some)
        return found

    async def ready_snapshots(
        self, *, begun_after: datetime, begun_before: datetime
    ) -> AsyncIterator[tuple[SnapshotState, str]]:
        """Iterate over the ready snapshots that began between these times and have had no derived event.

        They are read a slice at a time; between two slices others have the database.

        Yields:
            Each with the id of its watch.
        """
        after: Position | None = (begun_after, "")
        while after is not None:
            found, after = await self._ready_snapshots(after, begun_before)
            for each in found:
                yield each
            await asyncio.sleep(0)

    @transaction
    def _ready_snapshots(
        self, connection: Connection, after: Position, begun_before: datetime
    ) -> tuple[list[tuple[SnapshotState, str]], Position | None]:
        # A snapshot is first seen after it began, so that the index by `first_seen_at` leaves out none.
        at, snapshot_id = snapshots.c.first_seen_at, snapshots.c.snapshot_id
        later = later_than(at, snapshot_id, after)
        place = select(at, snapshot_id).where(unwarned, later).order_by(at, snapshot_id)
        last = connection.execute(place.limit(1).offset(ROWS_AT_ONCE - 1)).one_or_none()
        begun = func.coalesce(func.min(snapshots.c.created_at, at), at)
        slice_ = [unwarned, later, begun <= begun_before]
        if last is not None:
            slice_.append(not_(later_than(at, snapshot_id, (last[0], last[1]))))
        rows = connection.execute(known_where(*slice_)).mappings()
        return [(state_from_row(row), row["watch_id"]) for row in rows], None if last is None else (last[0], last[1])

    @transaction
    def state(self, connection: Connection, snapshot_id: str) -> SnapshotState:
        """Return the state of one snapshot; a blank one if it was never seen."""
        rows = connection.execute(known([snapshot_id])).mappings().all()
        return state_from_row(rows[0]) if rows else SnapshotState(snapshot_id=snapshot_id)

    @run_to_completion
    async def commit(
        self,
        *,
        watch: Watch,
        before: SnapshotState,
        after: SnapshotState,
        events: Sequence[tuple[Event, Sequence[str]]],
    ) -> bool:
        """Commit transitions with all their deliveries, or nothing.

        Args:
            watch: whose snapshot it is.
            before: the state that the transitions start from; if the database has another one, nothing is written.
            after: the state that they lead to.
            events: each event with the channels that are notified of it; none for an event that is only recorded.

        Returns:
            Whether it was committed; False means that another task or process committed this change already.
        """
        return await self._commits.write(_Change(watch=watch, before=before, after=after, events=events))

    @transaction
    def note_polls(self, connection: Connection, batch: Collection[PollRecord]) -> None:
        """Record when snapshots were polled; the newest poll of each is kept."""
        if batch:
            rows = [{name: getattr(poll, name) for name in _POLL_FIELDS} for poll in batch]
            connection.execute(_NOTE_POLLS, rows)

    @transaction
    def record_rate_limit(self, connection: Connection, at: datetime) -> None:
        """Record an answer of 429, and remove those that no longer count."""
        connection.execute(delete(rate_limits).where(rate_limits.c.at < at - RATE_LIMITS_KEPT))
        connection.execute(insert(rate_limits).values(at=at))

    @transaction
    def rate_limits_since(self, connection: Connection, since: datetime) -> list[datetime]:
        """Return the times of the answers of 429 since then, the oldest first."""
        found = connection.execute(select(rate_limits.c.at).where(rate_limits.c.at >= since).order_by("at"))
        return list(found.scalars())

    @transaction
    def last_poll(self, connection: Connection) -> datetime | None:
        """Return when a snapshot was polled last, by this process or an earlier one; None if none ever was."""
        at: datetime | None = connection.execute(select(func.max(polls.c.polled_at))).scalar()
        return at


def _commit_all(connection: Connection, changes: Sequence[_Change]) -> bool:
    """Write these; False if the database has another state than one of them starts from."""
    first = [state_to_row(each.after, each.watch) for each in changes if each.before.revision == 0]
    later = [
        {"of_id": each.before.snapshot_id, "of_revision": each.before.revision} | state_to_row(each.after, each.watch)
        for each in changes
        if each.before.revision != 0
    ]
    for statement, rows in ((_INSERT, first), (_UPDATE, later)):
        if rows and connection.execute(statement, rows).rowcount < len(rows):
            return False
    pairs = [pair for each in changes for pair in each.events]
    if pairs:
        connection.execute(insert(events), [event_to_row(event, channels) for event, channels in pairs])
    failpoint("store.event_written")
    rows = [new_delivery(event, channel) for event, channels in pairs for channel in channels]
    if rows:
        connection.execute(insert(deliveries), rows)
    for each in changes:
        for event, _ in each.events:
            if each.watch.download is not None and has_results(event.transition):
                download = each.watch.download
                add(connection, event, folder=download.folder, format=download.format)
    return True


_INSERT = upsert(snapshots).on_conflict_do_nothing()
_UPDATE = update(snapshots).where(
    snapshots.c.snapshot_id == bindparam("of_id"), snapshots.c.revision == bindparam("of_revision")
)
