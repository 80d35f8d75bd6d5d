"""The outbox: what is to be told, taken for sending, settled, taken up again after a kill.

A delivery is only ever moved by an update that names the state it is moved from.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import and_, bindparam, case, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.core.batch import Batch, Waiting
from notifier.core.delivery import CLAIMABLE, OPEN, Settlement
from notifier.core.model import Delivery, DeliveryState, Event, Notice, Outcome, OutcomeKind
from notifier.failpoints import failpoint
from notifier.store.database import Database
from notifier.store.queries import deliveries_with_events
from notifier.store.rows import delivery_from_row
from notifier.store.tables import Instant, attempts, deliveries, mutes, notices
from notifier.store.whole import whole

MOST_WAITING = 5_000
"""How many waiting deliveries of a channel are decided over at once."""

MOST_APART = 10
"""The same for a channel whose messages are not merged: only one is sent at a time."""

LONGEST_WAIT = timedelta(hours=25)
"""Quiet hours, the longest pause and the longest `Retry-After` that is honoured all end within a day."""

_DEATH_IS_NEWS = timedelta(hours=1)

QUIET = "quiet"
"""The reason of what quiet hours hold back."""

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One attempt to send that came to its end. `together` deliveries went out as one message."""

    delivery: Delivery
    started_at: datetime
    duration: timedelta
    outcome: Outcome
    together: int = 1


class Outbox:
    """The deliveries of the daemon's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @whole
    async def take(
        self,
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
        async with self._database.transaction() as connection:
            waiting = await self._waiting(connection, channel, most)
            if all(each.not_before > now for each in waiting):
                return Batch()
            batch = decide(waiting, await _muted(connection, now))
            for reason, ids in _alike(batch.drop).items():
                await _move(connection, ids, state=DeliveryState.DROPPED, reason=reason, settled_at=now)
            for until, ids in _alike(batch.hold).items():
                # What was tried before the quiet hours grows no younger by them: else it would never be given up.
                typed = literal(until, deliveries.c.wanted_at.type)  # a bare one would be kept as a text
                wanted_at = case((deliveries.c.attempt == 0, typed), else_=deliveries.c.wanted_at)
                await _move(connection, ids, not_before=until, wanted_at=wanted_at, reason=QUIET)
            if batch.send:
                await _move(
                    connection,
                    [delivery.id for delivery in batch.send],
                    state=DeliveryState.SENDING,
                    attempt=deliveries.c.attempt + 1,
                    claimed_at=now,
                )
        return batch

    @staticmethod
    async def _waiting(connection: AsyncConnection, channel: str, most: int) -> list[Waiting]:
        query = (
            deliveries_with_events()
            .where(
                deliveries.c.channel == channel,
                deliveries.c.state.in_(CLAIMABLE),
                deliveries.c.not_before.is_not(None),
            )
            .order_by(deliveries.c.not_before, deliveries.c.id)
            .limit(most)
        )
        rows = (await connection.execute(query)).mappings()
        return [Waiting(delivery=next_attempt(delivery_from_row(row)), not_before=row["not_before"]) for row in rows]

    @whole
    async def settle(self, settled: Sequence[tuple[Attempt, Settlement]], now: datetime) -> bool:
        """Record attempts and what they made of their deliveries, all or none.

        Returns:
            Whether they were recorded; False means that a delivery was no longer its attempt's.
        """
        async with self._database.transaction() as connection:
            moved = await connection.execute(_SETTLE, [_settled_row(*each, now) for each in settled])
            if moved.rowcount < len(settled):
                await connection.rollback()
                return False
            failpoint("outbox.half_settled")
            await connection.execute(insert(attempts), [_attempt_row(attempt) for attempt, _ in settled])
        return True

    @whole
    async def recover(self, now: datetime, held: Collection[str] = ()) -> int:
        """Take up what a killed daemon left in the middle of sending: it is uncertain.

        What was held as uncertain is due, if its channel holds such deliveries no longer.

        Args:
            now: when it is due again.
            held: the channels whose uncertain deliveries are not sent again by themselves.

        Returns:
            How many deliveries were left in the middle of sending.
        """
        outcome = Outcome(
            kind=OutcomeKind.UNCERTAIN, reason="interrupted", detail="the notifier was ended while this was being sent"
        )
        sending = deliveries.c.state == DeliveryState.SENDING
        async with self._database.transaction() as connection:
            found = (await connection.execute(deliveries_with_events().where(sending))).mappings().all()
            no_longer_held = and_(
                deliveries.c.state == DeliveryState.UNCERTAIN,
                deliveries.c.not_before.is_(None),
                deliveries.c.channel.not_in(held),
            )
            await connection.execute(update(deliveries).where(no_longer_held).values(not_before=now))
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
            failpoint("outbox.recovering")
            uncertain = {"state": DeliveryState.UNCERTAIN, "reason": outcome.reason}
            of_held = deliveries.c.channel.in_(held)
            await connection.execute(
                update(deliveries).where(sending, of_held).values(uncertain | {"not_before": None})
            )
            await connection.execute(update(deliveries).where(sending).values(uncertain | {"not_before": now}))
        return len(found)

    @whole
    async def next_due(self, channel: str) -> datetime | None:
        """When the channel's next delivery may be sent; None when none waits."""
        query = select(func.min(deliveries.c.not_before)).where(
            deliveries.c.channel == channel, deliveries.c.state.in_(CLAIMABLE)
        )
        async with self._database.transaction() as connection:
            due: datetime | None = (await connection.execute(query)).scalar_one_or_none()
        return due

    @whole
    async def hasten(self, channel: str, now: datetime) -> None:
        """The channel works again: what waits for its next try is due now. What quiet hours hold back stays held."""
        async with self._database.transaction() as connection:
            await connection.execute(
                update(deliveries)
                .where(
                    deliveries.c.channel == channel,
                    deliveries.c.state.in_((DeliveryState.RETRYING, DeliveryState.UNCERTAIN)),
                    deliveries.c.not_before > now,
                )
                .values(not_before=now)
            )

    @whole
    async def fall_back(
        self, channel: str, to: str, after: timedelta, now: datetime, *, with_notices: bool = True
    ) -> int:
        """Tell the fallback what has not got through to a channel in time, or died on the way within the last hour.

        What died long ago is no news to a fallback that was configured today. What quiet hours held back has its time
        from their end.

        Args:
            channel: whose deliveries are late.
            to: its fallback.
            after: how long it has time.
            now: the time.
            with_notices: the fallback takes notices too.

        Returns:
            How many deliveries the fallback got by this.
        """
        held = and_(deliveries.c.reason == QUIET, deliveries.c.not_before > now - after)
        late = and_(deliveries.c.state.in_(OPEN), deliveries.c.wanted_at <= now - after, ~held)
        died = (deliveries.c.state == DeliveryState.DEAD) & (deliveries.c.settled_at > now - _DEATH_IS_NEWS)
        told = deliveries.alias("told")
        same = or_(told.c.event_id == deliveries.c.event_id, told.c.notice_id == deliveries.c.notice_id)
        chosen = select(
            deliveries.c.event_id,
            deliveries.c.notice_id,
            literal(to),
            literal(DeliveryState.PENDING.value),
            literal(0),
            literal(now, deliveries.c.not_before.type),
            literal(now, deliveries.c.created_at.type),
            literal(now, deliveries.c.wanted_at.type),
            literal(f"fallback of {channel}"),
        ).where(
            deliveries.c.channel == channel,
            or_(late, died),
            ~exists().where(told.c.channel == to, same),
        )
        if not with_notices:
            chosen = chosen.where(deliveries.c.event_id.is_not(None))
        columns = (
            "event_id",
            "notice_id",
            "channel",
            "state",
            "attempt",
            "not_before",
            "created_at",
            "wanted_at",
            "reason",
        )
        async with self._database.transaction() as connection:
            added = await connection.execute(insert(deliveries).from_select(columns, chosen))
            if added.rowcount:
                failpoint("outbox.falling_back")
        return added.rowcount

    @whole
    async def tell(self, notice: Notice, channels: Sequence[str]) -> bool:
        """Commit a notice with its deliveries, unless the last one of its subject was of the same kind.

        Returns:
            Whether it was news.
        """
        of_subject = select(notices.c.kind, notices.c.at).where(notices.c.subject == notice.subject)
        async with self._database.transaction() as connection:
            last = (await connection.execute(of_subject.order_by(notices.c.at.desc()).limit(1))).one_or_none()
            if last is not None and last.kind == notice.kind:
                return False
            row = {name: getattr(notice, name) for name in ("id", "kind", "subject", "title", "body", "at")}
            if last is not None:  # a clock that was set back must not make this one older than the last
                row["at"] = max(notice.at, last.at + timedelta.resolution)
            await connection.execute(insert(notices).values(row))
            failpoint("outbox.notice_written")
            if channels:
                await connection.execute(insert(deliveries), [new_delivery(notice, channel) for channel in channels])
        return True

    @whole
    async def last_kinds(self) -> Mapping[str, str]:
        """The kind of the last notice of each subject."""
        query = select(notices.c.subject, notices.c.kind).order_by(notices.c.at)
        async with self._database.transaction() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    @whole
    async def open_deliveries(self) -> Mapping[str, int]:
        """How many deliveries have not come to their end, by channel."""
        query = (
            select(deliveries.c.channel, func.count())
            .where(deliveries.c.state.in_(OPEN))
            .group_by(deliveries.c.channel)
        )
        async with self._database.transaction() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    @whole
    async def retry(
        self,
        now: datetime,
        *,
        ids: Sequence[int] = (),
        channel: str | None = None,
        since: datetime | None = None,
        configured: Collection[str] | None = None,
    ) -> list[str]:
        """Send again: the deliveries of these ids, or without ids all dead ones of a channel and time.

        Where `configured` channels are given, only theirs.

        Only what is dead, held as uncertain, or waits for its next try is moved; a dead one starts its life again.

        Returns:
            The channel of each that was moved.
        """
        states = (DeliveryState.DEAD, DeliveryState.UNCERTAIN, DeliveryState.RETRYING)
        chosen = update(deliveries).where(deliveries.c.state.in_(states if ids else (DeliveryState.DEAD,)))
        if ids:
            chosen = chosen.where(deliveries.c.id.in_(ids))
        if channel is not None:
            chosen = chosen.where(deliveries.c.channel == channel)
        if since is not None:
            chosen = chosen.where(deliveries.c.created_at >= since)
        if configured is not None:
            chosen = chosen.where(deliveries.c.channel.in_(configured))
        again = chosen.values(
            state=DeliveryState.PENDING, not_before=now, wanted_at=now, settled_at=None, reason="asked for"
        )
        async with self._database.transaction() as connection:
            return list((await connection.execute(again.returning(deliveries.c.channel))).scalars())

    @whole
    async def clock_was_set(self, now: datetime) -> int:
        """Call back what a clock that was wrong has put out of reach; how many deliveries that were.

        No delivery waits for its first try but for quiet hours, and none for longer than `LONGEST_WAIT`.
        """
        first = (deliveries.c.state == DeliveryState.PENDING) & (deliveries.c.reason != "quiet")
        too_far = or_(deliveries.c.not_before > now + LONGEST_WAIT, first & (deliveries.c.not_before > now))
        async with self._database.transaction() as connection:
            moved = await connection.execute(
                update(deliveries)
                .where(deliveries.c.state.in_(CLAIMABLE), too_far)
                .values(not_before=now, wanted_at=func.min(deliveries.c.wanted_at, literal(now, Instant)))
            )
        return moved.rowcount

    @whole
    async def mute(self, watch_id: str, now: datetime, until: datetime | None) -> None:
        """Drop what is to be told of a watch, until a time or, for None, until it is unmuted."""
        row = {"watch_id": watch_id, "muted_at": now, "until": until}
        statement = upsert(mutes).values(row).on_conflict_do_update(index_elements=[mutes.c.watch_id], set_=row)
        async with self._database.transaction() as connection:
            await connection.execute(statement)

    @whole
    async def unmute(self, watch_id: str) -> bool:
        """Tell of the watch again; whether it was muted."""
        async with self._database.transaction() as connection:
            gone = await connection.execute(mutes.delete().where(mutes.c.watch_id == watch_id))
        return gone.rowcount == 1


def next_attempt(delivery: Delivery) -> Delivery:
    """The delivery as it is once it is claimed: one attempt further."""
    return replace(delivery, attempt=delivery.attempt + 1)


async def _muted(connection: AsyncConnection, now: datetime) -> set[str]:
    query = select(mutes.c.watch_id).where(or_(mutes.c.until.is_(None), mutes.c.until > now))
    return set((await connection.execute(query)).scalars())


async def _move(connection: AsyncConnection, ids: Sequence[int], **values: Any) -> None:
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        await connection.execute(
            update(deliveries).where(deliveries.c.id.in_(some), deliveries.c.state.in_(CLAIMABLE)).values(**values)
        )


def _alike(pairs: Iterable[tuple[int, T]]) -> dict[T, list[int]]:
    """The ids by what becomes of them."""
    ids: defaultdict[T, list[int]] = defaultdict(list)
    for delivery_id, what in pairs:
        ids[what].append(delivery_id)
    return ids


def new_delivery(told: Event | Notice, channel: str) -> dict[str, Any]:
    """A row of `deliveries`, due at once."""
    decided_at = told.at if isinstance(told, Notice) else told.transition.observed_at
    return {
        "event_id": told.id if isinstance(told, Event) else None,
        "notice_id": told.id if isinstance(told, Notice) else None,
        "channel": channel,
        "state": DeliveryState.PENDING,
        "attempt": 0,
        "not_before": decided_at,
        "created_at": decided_at,
        "wanted_at": decided_at,
        "reason": "",
    }


_SETTLE = (
    update(deliveries)
    .where(
        deliveries.c.id == bindparam("of_id"),
        deliveries.c.state == DeliveryState.SENDING,
        deliveries.c.attempt == bindparam("of_attempt"),
    )
    .values({name: bindparam(f"new_{name}") for name in ("state", "not_before", "settled_at", "reason")})
)


def _settled_row(attempt: Attempt, settlement: Settlement, now: datetime) -> dict[str, Any]:
    return {
        "of_id": attempt.delivery.id,
        "of_attempt": attempt.delivery.attempt,
        "new_state": settlement.state,
        "new_not_before": settlement.not_before,
        "new_settled_at": None if settlement.state in OPEN else now,
        "new_reason": attempt.outcome.reason,
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
        "together": attempt.together,
    }
