"""The outbox: what is to be told, taken for sending, settled.

A delivery is only ever moved by an update that names the state it is moved from. What does not go its usual way is
looked after in `rescue`; `notices` and `mutes` are parts of it, too.
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
from notifier.core.delivery.model import Delivery, DeliveryState, OutcomeKind
from notifier.core.delivery.policy import MOST_SIDE_BY_SIDE
from notifier.core.delivery.states import CLAIMABLE, OPEN, Settlement
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
from notifier.store.transaction import transaction, whole

MOST_WAITING = 5_000
"""How many waiting deliveries of a channel are decided over at once."""

MOST_APART = 2 * MOST_SIDE_BY_SIDE
"""The same for a channel whose messages are not merged: only a few are sent at a time."""

AGAIN_AFTER_START = timedelta(minutes=1)
AGAIN_AFTER_REFUSAL = timedelta(minutes=5)
"""How long ago a delivery has to have been tried, and refused for good, for a start to bring its next try forward."""

T = TypeVar("T", bound=Hashable)


class Outbox(OutboxRecovery, Notices, Mutes):
    """The deliveries of the daemon's database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._settling = GroupCommit(database, _settle_all)

    @transaction
    def take(
        self,
        connection: Connection,
        channel: str,
        now: datetime,
        decide: Callable[[Sequence[Waiting], Collection[str]], Batch],
        most: int = MOST_WAITING,
    ) -> Batch:
        """Decide over all that waits for a channel, and do as decided, in one transaction.

        Args:
            channel: its name.
            now: the time.
            decide: given what waits, the most overdue first, and the ids of the muted watches. It must not wait.
            most: over how many it decides; what is beyond goes on waiting.

        Returns:
            The decision; what is to be sent is claimed, with the number of its new attempt.
        """
        waiting = self._waiting(connection, channel, most)
        if all(each.not_before > now for each in waiting):
            return Batch()
        batch = decide(waiting, muted(connection, now))
        for reason, ids in _alike(batch.drop).items():
            _move(connection, ids, state=DeliveryState.DROPPED, reason=reason, settled_at=now)
        for until, ids in _alike(batch.hold).items():
            # What was tried before the quiet hours grows no younger by them: else it would never be given up.
            typed = literal(until, deliveries.c.wanted_at.type)  # a bare one would be kept as a text
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

    @whole
    async def settle(self, settled: Sequence[tuple[Attempt, Settlement]], now: datetime) -> bool:
        """Record attempts and what they made of their deliveries, all or none.

        Returns:
            Whether they were recorded; False means that a delivery was no longer its attempt's.
        """
        return await self._settling.write((settled, now))

    @transaction
    def next_due(self, connection: Connection, channel: str) -> datetime | None:
        """When the channel's next delivery may be sent; None when none waits."""
        due: datetime | None = connection.execute(_NEXT_DUE, {"of_channel": channel}).scalar_one_or_none()
        return due

    @transaction
    def hasten(self, connection: Connection, channel: str, now: datetime) -> int:
        """The channel works again: what waits for its next try is due now. What quiet hours hold back stays held.

        Returns:
            How many deliveries were to wait for longer.
        """
        return connection.execute(
            update(deliveries).where(deliveries.c.channel == channel, *_wait_for_a_try(now)).values(not_before=now)
        ).rowcount

    @transaction
    def hasten_after_start(self, connection: Connection, now: datetime, channels: Collection[str]) -> int:
        """The notifier was started anew, perhaps because something was mended: what waits for its next try is due now.

        But not what was tried just now, so that a notifier that is started again and again does not try as often; and
        not where the far side itself asked for a pause (429). Pauses go on growing from where they are.

        Args:
            now: the time.
            channels: whose deliveries; by their names the index finds what waits, however many have ended.

        Returns:
            How many deliveries were to wait for longer.
        """
        of_last_try = and_(attempts.c.number == deliveries.c.attempt, attempts.c.delivery_id == deliveries.c.id)
        soon = attempts.c.started_at > now - AGAIN_AFTER_START
        refused = and_(attempts.c.outcome == OutcomeKind.PERMANENT, attempts.c.started_at > now - AGAIN_AFTER_REFUSAL)
        just_tried = exists().where(of_last_try, or_(soon, refused))
        return connection.execute(
            update(deliveries)
            .where(
                deliveries.c.channel.in_(list(channels)),
                *_wait_for_a_try(now),
                deliveries.c.reason != "http_429",
                ~just_tried,
            )
            .values(not_before=now)
        ).rowcount

    @transaction
    def oldest_open(self, connection: Connection) -> datetime | None:
        """When the oldest delivery was decided that has not come to its end; None if there is none."""
        query = select(func.min(deliveries.c.created_at)).where(deliveries.c.state.in_(OPEN))
        oldest: datetime | None = connection.execute(query).scalar_one()
        return oldest

    @transaction
    def count_open(self, connection: Connection, channels: Collection[str]) -> int:
        """How many deliveries to these channels have not come to their end."""
        query = select(func.count()).where(deliveries.c.state.in_(OPEN), deliveries.c.channel.in_(list(channels)))
        number: int = connection.execute(query).scalar_one()
        return number

    @transaction
    def open_deliveries(self, connection: Connection) -> Mapping[str, int]:
        """How many deliveries have not come to their end, by channel."""
        is_open_anywhere = deliveries.c.state.in_(OPEN)
        query = select(deliveries.c.channel, func.count()).where(is_open_anywhere).group_by(deliveries.c.channel)
        return {row[0]: row[1] for row in connection.execute(query)}


def next_attempt(delivery: Delivery) -> Delivery:
    """The delivery as it is once it is claimed: one attempt further."""
    return replace(delivery, attempt=delivery.attempt + 1)


def _wait_for_a_try(now: datetime) -> tuple[ColumnElement[bool], ...]:
    waits = deliveries.c.state.in_((DeliveryState.RETRYING, DeliveryState.UNCERTAIN))
    return waits, deliveries.c.not_before > now


def _move(connection: Connection, ids: Sequence[int], **values: Any) -> None:
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        connection.execute(
            update(deliveries).where(deliveries.c.id.in_(some), deliveries.c.state.in_(CLAIMABLE)).values(**values)
        )


def _alike(pairs: Iterable[tuple[int, T]]) -> dict[T, list[int]]:
    """The ids by what becomes of them."""
    ids: defaultdict[T, list[int]] = defaultdict(list)
    for delivery_id, what in pairs:
        ids[what].append(delivery_id)
    return ids


# These are asked for every message, and putting a statement together takes longer than SQLite takes to answer it.
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


def _settle_all(connection: Connection, parts: Sequence[tuple[Sequence[tuple[Attempt, Settlement]], datetime]]) -> bool:
    rows = [settled_row(*each, now) for settled, now in parts for each in settled]
    if connection.execute(_SETTLE, rows).rowcount < len(rows):
        return False
    failpoint("outbox.half_settled")
    connection.execute(insert(attempts), [attempt_row(each) for settled, _ in parts for each, _ in settled])
    return True
