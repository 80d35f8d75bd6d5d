"""The outbox: deliveries are claimed for sending, and settled.

Every move of a delivery is an update that names the state it is moved from. `outbox_recovery` has the moves that are
out of the ordinary; `notices` and `mutes` are parts of the outbox, too.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from notifier.core.delivery.batch import Batch, Waiting
from notifier.core.delivery.channel_policy import MOST_PARALLEL
from notifier.core.delivery.model import Delivery, DeliveryState, OutcomeKind
from notifier.core.delivery.retry_decision import RetryDecision
from notifier.core.delivery.states import CLAIMABLE, OPEN
from notifier.failpoints import failpoint
from notifier.store.attempts import Attempt, attempt_row, settled_row
from notifier.store.database import Database
from notifier.store.group_commit import GroupCommit
from notifier.store.mapping import delivery_from_row
from notifier.store.mutes import Mutes, muted
from notifier.store.notices import Notices
from notifier.store.outbox_recovery import OutboxRecovery
from notifier.store.queries import QUIET, deliveries_with_events
from notifier.store.tables import attempts, deliveries, is_open, state_now
from notifier.store.transaction import run_to_completion, transaction

MOST_WAITING = 5_000
"""Waiting deliveries of a channel that one decision covers."""

MOST_UNMERGED = 2 * MOST_PARALLEL
"""The same for a channel whose messages are not merged: only a few are sent at a time."""

AGAIN_AFTER_START = timedelta(minutes=1)
AGAIN_AFTER_REFUSAL = timedelta(minutes=5)
"""How long ago the last attempt of a delivery, and one that was refused for good, must be for a start to retry it."""

T = TypeVar("T", bound=Hashable)


class Outbox(OutboxRecovery, Notices, Mutes):
    """The deliveries of the daemon's database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._settling = GroupCommit(database, _settle_all)

    @transaction
    def claim(
        self,
        connection: Connection,
        channel: str,
        now: datetime,
        decide: Callable[[Sequence[Waiting], Collection[str]], Batch],
        most: int = MOST_WAITING,
    ) -> Batch:
        """Decide about all that waits for a channel, and apply the decision, in one transaction.

        Args:
            channel: its name.
            now: the time.
            decide: gets what waits, the most overdue first, and the ids of the muted watches. It must not block.
            most: how many deliveries it gets; the others go on waiting.

        Returns:
            The decision; its `send` is claimed, with the number of the new attempt.
        """
        waiting = self._waiting(connection, channel, most)
        if all(each.not_before > now for each in waiting):
            return Batch()
        batch = decide(waiting, muted(connection, now))
        for reason, ids in _by_value(batch.drop).items():
            _move(connection, ids, state=DeliveryState.DROPPED, reason=reason, settled_at=now)
        for until, ids in _by_value(batch.hold).items():
            # A delivery that was tried before the quiet hours keeps its time: else it would never be given up.
            typed = literal(until, deliveries.c.wanted_at.type)  # without the type it would be stored as text
            wanted_at = case((deliveries.c.attempt == 0, typed), else_=deliveries.c.wanted_at)
            _move(connection, ids, not_before=until, wanted_at=wanted_at, reason=QUIET)
        if batch.send:
            _move(
                connection,
                [delivery.id for delivery in batch.send],
                state=DeliveryState.SENDING,
                attempt=deliveries.c.attempt + 1,
                claimed_at=now,
            )
        return batch

    @staticmethod
    def _waiting(connection: Connection, channel: str, most: int) -> list[Waiting]:
        rows = connection.execute(_WAITING, {"of_channel": channel, "most": most}).mappings()
        return [Waiting(delivery=next_attempt(delivery_from_row(row)), not_before=row["not_before"]) for row in rows]

    @run_to_completion
    async def settle(self, settled: Sequence[tuple[Attempt, RetryDecision]], now: datetime) -> bool:
        """Record attempts and the new states of their deliveries, all or none.

        Returns:
            Whether they were recorded; False means that a delivery is no longer in the attempt that is recorded.
        """
        return await self._settling.write((settled, now))

    @transaction
    def next_due(self, connection: Connection, channel: str) -> datetime | None:
        """Return when the channel's next delivery may be sent; None if none waits."""
        due: datetime | None = connection.execute(_NEXT_DUE, {"of_channel": channel}).scalar_one_or_none()
        return due

    @transaction
    def retry_now(self, connection: Connection, channel: str, now: datetime) -> int:
        """Make the channel's deliveries that wait for their next try due now; it works again.

        Deliveries that quiet hours hold back stay held.

        Returns:
            How many were to wait for longer.
        """
        return connection.execute(
            update(deliveries).where(deliveries.c.channel == channel, *_waits_for_retry(now)).values(not_before=now)
        ).rowcount

    @transaction
    def retry_now_after_start(self, connection: Connection, now: datetime, channels: Collection[str]) -> int:
        """Make deliveries that wait for their next try due now; a restart may mean that somebody fixed the cause.

        Excepted are those tried just now, so that a notifier that restarts again and again does not try as often, and
        those whose service asked for the pause (429). Later pauses go on growing.

        Args:
            now: the time.
            channels: whose deliveries; by their names the index finds what waits, however many have ended.

        Returns:
            How many were to wait for longer.
        """
        of_last_try = and_(attempts.c.number == deliveries.c.attempt, attempts.c.delivery_id == deliveries.c.id)
        soon = attempts.c.started_at > now - AGAIN_AFTER_START
        refused = and_(attempts.c.outcome == OutcomeKind.PERMANENT, attempts.c.started_at > now - AGAIN_AFTER_REFUSAL)
        just_tried = exists().where(of_last_try, or_(soon, refused))
        return connection.execute(
            update(deliveries)
            .where(
                deliveries.c.channel.in_(list(channels)),
                *_waits_for_retry(now),
                deliveries.c.reason != "http_429",
                ~just_tried,
            )
            .values(not_before=now)
        ).rowcount

    @transaction
    def oldest_open(self, connection: Connection) -> datetime | None:
        """Return when the oldest open delivery was decided; None if none is open."""
        query = select(func.min(deliveries.c.created_at)).where(deliveries.c.state.in_(OPEN))
        oldest: datetime | None = connection.execute(query).scalar_one()
        return oldest

    @transaction
    def count_open(self, connection: Connection, channels: Collection[str]) -> int:
        """Return the number of open deliveries to these channels."""
        query = select(func.count()).where(deliveries.c.state.in_(OPEN), deliveries.c.channel.in_(list(channels)))
        number: int = connection.execute(query).scalar_one()
        return number

    @transaction
    def open_deliveries(self, connection: Connection) -> Mapping[str, int]:
        """Return the number of open deliveries by channel."""
        is_open_anywhere = deliveries.c.state.in_(OPEN)
        query = select(deliveries.c.channel, func.count()).where(is_open_anywhere).group_by(deliveries.c.channel)
        return {row[0]: row[1] for row in connection.execute(query)}


def next_attempt(delivery: Delivery) -> Delivery:
    """Return the delivery as it is once it is claimed: with the number of its next attempt."""
    return replace(delivery, attempt=delivery.attempt + 1)


def _waits_for_retry(now: datetime) -> tuple[ColumnElement[bool], ...]:
    waits = deliveries.c.state.in_((DeliveryState.RETRYING, DeliveryState.UNCERTAIN))
    return waits, deliveries.c.not_before > now


def _move(connection: Connection, ids: Sequence[int], **values: Any) -> None:
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        connection.execute(
            update(deliveries).where(deliveries.c.id.in_(some), deliveries.c.state.in_(CLAIMABLE)).values(**values)
        )


def _by_value(pairs: Iterable[tuple[int, T]]) -> dict[T, list[int]]:
    """Group ids by the value beside them."""
    ids: defaultdict[T, list[int]] = defaultdict(list)
    for delivery_id, what in pairs:
        ids[what].append(delivery_id)
    return ids


# Built once: these run for every message, and building a statement takes longer than SQLite takes to answer it.
_WAITING = (
    deliveries_with_events()
    .where(
        is_open,
        deliveries.c.channel == bindparam("of_channel"),
        state_now.in_(CLAIMABLE),
        deliveries.c.not_before.is_not(None),
    )
    .order_by(deliveries.c.not_before, deliveries.c.id)
    .limit(bindparam("most", type_=Integer))
)

_NEXT_DUE = (
    select(deliveries.c.not_before)
    .where(
        is_open,
        deliveries.c.channel == bindparam("of_channel"),
        state_now.in_(CLAIMABLE),
        deliveries.c.not_before.is_not(None),
    )
    .order_by(deliveries.c.not_before)
    .limit(1)
)

_SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("of_id"),
        deliveries.c.state == DeliveryState.SENDING,
        deliveries.c.attempt == bindparam("of_attempt"),
    )
    .values({name: bindparam(f"new_{name}") for name in ("state", "not_before", "settled_at", "reason", "reached")})
)


def _settle_all(
    connection: Connection, parts: Sequence[tuple[Sequence[tuple[Attempt, RetryDecision]], datetime]]
) -> bool:
    rows = [settled_row(*each, now) for settled, now in parts for each in settled]
    if connection.execute(_SETTLE, rows).rowcount < len(rows):
        return False
    failpoint("outbox.half_settled")
    connection.execute(insert(attempts), [attempt_row(each) for settled, _ in parts for each, _ in settled])
    return True
