"""The daemon's side of the store: every write the house makes, each one transaction.

Correctness rests on conditional updates and unique keys, never on a lock in this process: an update that matches no
row means that somebody else did it.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.core.delivery import CLAIMABLE, OPEN, Settlement
from notifier.core.errors import StoreError
from notifier.core.model import Delivery, DeliveryState, Event, Outcome, OutcomeKind, SnapshotState, Watch
from notifier.store.engine import CURE, probe, writer
from notifier.store.lock import DatabaseLock
from notifier.store.migrate import migrate
from notifier.store.queries import deliveries_with_events, known
from notifier.store.rows import delivery_from_row, event_to_row, state_from_row, state_to_row
from notifier.store.tables import attempts, deliveries, events, looks, snapshots
from notifier.store.whole import whole


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """One look at a snapshot, as it is noted: `answer` is the status it told, or the reason it could not."""

    snapshot_id: str
    looked_at: datetime
    answer: str
    next_look_at: datetime | None
    seen_at: datetime | None
    not_found: int
    not_found_since: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt to send that came to its end."""

    delivery: Delivery
    started_at: datetime
    duration: timedelta
    outcome: Outcome


class Store:
    """The open database of the one daemon that owns it. Enter it before use.

    Every method may raise `StoreError`; what was not committed then has not happened. A method that is cancelled ends
    its work first.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._stack = AsyncExitStack()
        self._engine: AsyncEngine | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Lock the database, bring it to this version and open it.

        Raises:
            StoreBusy: another daemon has it.
            StoreTooNew: a newer version wrote it.
            StoreError: it cannot be read, made or written.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(DatabaseLock(self._database))
            probe(self._database)
            self._engine = writer(self._database)
            stack.push_async_callback(self._close)
            await self._migrate()
            self._stack = stack.pop_all()
        return self

    @whole
    async def _migrate(self) -> None:
        async with self._transaction(cure=CURE) as connection:
            await connection.run_sync(migrate, str(self._database))

    async def _close(self) -> None:
        """Await the transaction under way, allow no other, close the connection: its thread would hold up the exit."""
        async with self._turn:
            engine, self._engine = self._engine, None
            if engine is not None:
                await engine.dispose()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def _transaction(self, cure: str = "") -> AsyncIterator[AsyncConnection]:
        """One transaction, in turn: there is one connection."""
        async with self._turn:
            if self._engine is None:
                raise StoreError(f"{self._database}: the store is closed")
            try:
                async with self._engine.begin() as connection:
                    yield connection
            except SQLAlchemyError as error:
                cause = getattr(error, "orig", None) or error
                raise StoreError(f"{self._database}: the database failed: {cause}{cure}") from error

    @whole
    async def states(self) -> dict[str, SnapshotState]:
        """All that is known of every snapshot, by its id."""
        async with self._transaction() as connection:
            rows = (await connection.execute(known())).mappings().all()
        return {row["snapshot_id"]: state_from_row(row) for row in rows}

    @whole
    async def state(self, snapshot_id: str) -> SnapshotState:
        """What is known of one snapshot; a blank state if it was never seen."""
        async with self._transaction() as connection:
            rows = (await connection.execute(known(snapshot_id))).mappings().all()
        return state_from_row(rows[0]) if rows else SnapshotState(snapshot_id=snapshot_id)

    @whole
    async def commit(
        self, *, watch: Watch, before: SnapshotState, after: SnapshotState, told: Sequence[tuple[Event, Sequence[str]]]
    ) -> bool:
        """Commit transitions with all their deliveries, or nothing.

        Args:
            watch: whose snapshot it is.
            before: the state the transitions start from; if the database has moved on from it, nothing is written.
            after: the state they lead to.
            told: each event with the channels that are told of it; none for an event that is only remembered.

        Returns:
            Whether it was committed; False means that somebody else told this change already.
        """
        async with self._transaction() as connection:
            if not await self._move(connection, watch, before, after):
                return False
            await connection.execute(insert(events), [event_to_row(event) for event, _ in told])
            rows = [_new_delivery(event, channel) for event, channels in told for channel in channels]
            if rows:
                await connection.execute(insert(deliveries), rows)
        return True

    @staticmethod
    async def _move(connection: AsyncConnection, watch: Watch, before: SnapshotState, after: SnapshotState) -> bool:
        row = state_to_row(after, watch)
        if before.revision == 0:
            moved = await connection.execute(upsert(snapshots).values(row).on_conflict_do_nothing())
        else:
            moved = await connection.execute(
                update(snapshots)
                .where(snapshots.c.snapshot_id == before.snapshot_id, snapshots.c.revision == before.revision)
                .values(row)
            )
        return moved.rowcount == 1

    @whole
    async def note_looks(self, batch: Collection[Look]) -> None:
        """Note when snapshots were looked at; the newest look of each is kept."""
        if not batch:
            return
        statement = upsert(looks)
        kept = {column.name: statement.excluded[column.name] for column in looks.c if not column.primary_key}
        statement = statement.on_conflict_do_update(index_elements=[looks.c.snapshot_id], set_=kept)
        rows = [asdict(look) for look in batch]
        async with self._transaction() as connection:
            await connection.execute(statement, rows)

    @whole
    async def claim(self, channel: str, now: datetime) -> Delivery | None:
        """Take the channel's most overdue delivery for sending; None when none is due."""
        due = (
            select(deliveries.c.id)
            .where(deliveries.c.channel == channel, deliveries.c.state.in_(CLAIMABLE), deliveries.c.not_before <= now)
            .order_by(deliveries.c.not_before, deliveries.c.id)
            .limit(1)
        )
        take = (
            update(deliveries)
            .where(deliveries.c.id == due.scalar_subquery(), deliveries.c.state.in_(CLAIMABLE))
            .values(state=DeliveryState.SENDING, attempt=deliveries.c.attempt + 1, claimed_at=now)
            .returning(deliveries.c.id)
        )
        async with self._transaction() as connection:
            taken = (await connection.execute(take)).scalar_one_or_none()
            if taken is None:
                return None
            query = deliveries_with_events().where(deliveries.c.id == taken)
            return delivery_from_row((await connection.execute(query)).mappings().one())

    @whole
    async def settle(self, attempt: Attempt, settlement: Settlement, now: datetime) -> bool:
        """Record an attempt and what it made of its delivery.

        Returns:
            Whether it was recorded; False means that the delivery was no longer this attempt's.
        """
        delivery, outcome = attempt.delivery, attempt.outcome
        async with self._transaction() as connection:
            settled = await connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.id == delivery.id,
                    deliveries.c.state == DeliveryState.SENDING,
                    deliveries.c.attempt == delivery.attempt,
                )
                .values(
                    state=settlement.state,
                    not_before=settlement.not_before,
                    settled_at=now if settlement.not_before is None else None,
                    reason=outcome.reason,
                )
            )
            if settled.rowcount == 0:
                return False
            await connection.execute(insert(attempts), _attempt_row(attempt))
        return True

    @whole
    async def recover(self, now: datetime) -> int:
        """Take up what a killed daemon left in the middle of sending: it is uncertain, and due again at once.

        Returns:
            How many deliveries that were.
        """
        outcome = Outcome(
            kind=OutcomeKind.UNCERTAIN, reason="interrupted", detail="the notifier was ended while this was being sent"
        )
        sending = deliveries.c.state == DeliveryState.SENDING
        async with self._transaction() as connection:
            found = (await connection.execute(deliveries_with_events().where(sending))).mappings().all()
            if not found:
                return 0
            ended = [
                Attempt(
                    delivery=delivery_from_row(row),
                    started_at=row["claimed_at"],
                    duration=timedelta(0),
                    outcome=outcome,
                )
                for row in found
            ]
            await connection.execute(insert(attempts), [_attempt_row(attempt) for attempt in ended])
            await connection.execute(
                update(deliveries)
                .where(sending)
                .values(state=DeliveryState.UNCERTAIN, not_before=now, reason=outcome.reason)
            )
        return len(found)

    @whole
    async def next_due(self, channel: str) -> datetime | None:
        """When the channel's next delivery may be sent; None when none waits."""
        query = select(func.min(deliveries.c.not_before)).where(
            deliveries.c.channel == channel, deliveries.c.state.in_(CLAIMABLE)
        )
        async with self._transaction() as connection:
            due: datetime | None = (await connection.execute(query)).scalar_one_or_none()
        return due

    @whole
    async def open_deliveries(self) -> Mapping[str, int]:
        """How many deliveries have not come to their end, by channel."""
        query = (
            select(deliveries.c.channel, func.count())
            .where(deliveries.c.state.in_(OPEN))
            .group_by(deliveries.c.channel)
        )
        async with self._transaction() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}


def _new_delivery(event: Event, channel: str) -> dict[str, Any]:
    decided_at = event.transition.observed_at
    return {
        "event_id": event.id,
        "channel": channel,
        "state": DeliveryState.PENDING,
        "attempt": 0,
        "not_before": decided_at,
        "created_at": decided_at,
        "reason": "",
    }


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    return {
        "delivery_id": attempt.delivery.id,
        "number": attempt.delivery.attempt,
        "started_at": attempt.started_at,
        "duration": attempt.duration,
        "outcome": attempt.outcome.kind,
        "reason": attempt.outcome.reason,
        "detail": attempt.outcome.detail,
    }
