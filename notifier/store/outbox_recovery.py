"""The moves of deliveries that are out of the ordinary.

Recovery of what a killed daemon left, fallbacks, waits that a wrong clock made too long, and retries by hand.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Update, and_, exists, func, insert, literal, or_, select, union_all, update

from notifier.core.delivery.model import DeliveryState, Outcome, OutcomeKind
from notifier.core.delivery.states import CLAIMABLE
from notifier.core.snapshot.download_job import HELD_FOR
from notifier.failpoints import failpoint
from notifier.store.attempts import Attempt, attempt_row
from notifier.store.column_types import Instant
from notifier.store.database import Part
from notifier.store.mapping import WAITING, delivery_from_row
from notifier.store.queries import QUIET, deliveries_with_events, listed, states_and_channels
from notifier.store.tables import attempts, deliveries, downloads, is_dead, is_open
from notifier.store.transaction import transaction

LONGEST_WAIT = timedelta(hours=25)
"""Longer than quiet hours, the longest pause and the longest `Retry-After` that is honoured, which end within a day."""

RETRIED_AT_ONCE = 1_000
"""Dead deliveries that one transaction makes pending."""

_DEATH_IS_NEWS = timedelta(hours=1)


class OutboxRecovery(Part):
    """The part of the outbox for them."""

    @transaction
    def recover(
        self, connection: Connection, now: datetime, held: Collection[str] = (), channel: str | None = None
    ) -> int:
        """Make deliveries that a killed daemon left in the middle of sending uncertain.

        Deliveries held as uncertain become due if their channel no longer holds them.

        Args:
            now: when they are due again.
            held: the channels whose uncertain deliveries wait for a person.
            channel: only of this channel.

        Returns:
            The number of deliveries left in the middle of sending.
        """
        outcome = Outcome(
            kind=OutcomeKind.UNCERTAIN, reason="interrupted", detail="the notifier was ended while this was being sent"
        )
        sending = deliveries.c.state == DeliveryState.SENDING
        if channel is not None:
            sending = and_(sending, deliveries.c.channel == channel)
        found = connection.execute(deliveries_with_events().where(sending)).mappings().all()
        if channel is None:
            connection.execute(_released(now, held))
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
        connection.execute(insert(attempts), [attempt_row(attempt) for attempt in ended])
        failpoint("outbox.recovering")
        uncertain = {"state": DeliveryState.UNCERTAIN, "reason": outcome.reason}
        of_held = deliveries.c.channel.in_(held)
        connection.execute(update(deliveries).where(sending, of_held).values(uncertain | {"not_before": None}))
        connection.execute(update(deliveries).where(sending).values(uncertain | {"not_before": now}))
        return len(found)

    @transaction
    def release(self, connection: Connection, now: datetime, held: Collection[str]) -> None:
        """Make deliveries held as uncertain due, on channels that no longer hold them."""
        connection.execute(_released(now, held))

    @transaction
    def fall_back(
        self,
        connection: Connection,
        channel: str,
        to: str,
        after: timedelta,
        now: datetime,
        *,
        with_notices: bool = True,
    ) -> int:
        """Give the fallback of a channel what has not got through in time, or has died within the last hour.

        What died long ago is no news to a fallback that was configured today. The time of deliveries that quiet hours
        held back begins when these end.

        Args:
            channel: whose deliveries are late.
            to: its fallback.
            after: how long a delivery has time.
            now: the time.
            with_notices: whether the fallback takes notices, too.

        Returns:
            The number of deliveries that the fallback got.
        """
        held = and_(deliveries.c.reason == QUIET, deliveries.c.not_before > now - after)
        late = and_(is_open, deliveries.c.wanted_at <= now - after, ~held)
        died = and_(is_dead, deliveries.c.settled_at > now - _DEATH_IS_NEWS)
        other = deliveries.alias("other")
        same = or_(other.c.event_id == deliveries.c.event_id, other.c.notice_id == deliveries.c.notice_id)
        of_channel = select(
            deliveries.c.event_id,
            deliveries.c.notice_id,
            literal(to),
            literal(DeliveryState.PENDING.value),
            literal(0),
            literal(now, deliveries.c.not_before.type),
            literal(now, deliveries.c.created_at.type),
            literal(now, deliveries.c.wanted_at.type),
            literal(f"fallback of {channel}"),
        ).where(deliveries.c.channel == channel, ~exists().where(other.c.channel == to, same))
        if not with_notices:
            of_channel = of_channel.where(deliveries.c.event_id.is_not(None))
        chosen = union_all(of_channel.where(late), of_channel.where(died))  # each by an index of its own
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
        added = connection.execute(insert(deliveries).from_select(columns, chosen))
        if added.rowcount:
            failpoint("outbox.falling_back")
        return added.rowcount

    @transaction
    def reschedule_after_clock_change(self, connection: Connection, now: datetime) -> int:
        """Make deliveries due that a wrong clock had put too far into the future; return their number.

        A delivery waits for its first try only because of quiet hours or, up to `HELD_FOR`, for a file that is being
        downloaded; none waits for longer than `LONGEST_WAIT`.
        """
        fetching = exists().where(downloads.c.event_id == deliveries.c.event_id, downloads.c.state == WAITING)
        for_file = and_(deliveries.c.not_before <= now + HELD_FOR, fetching)
        first = and_(deliveries.c.state == DeliveryState.PENDING, deliveries.c.reason != QUIET, ~for_file)
        too_far = or_(deliveries.c.not_before > now + LONGEST_WAIT, first & (deliveries.c.not_before > now))
        moved = connection.execute(
            update(deliveries)
            .where(deliveries.c.state.in_(CLAIMABLE), too_far)
            .values(not_before=now, wanted_at=func.min(deliveries.c.wanted_at, literal(now, Instant)))
        )
        return moved.rowcount

    async def retry(
        self,
        now: datetime,
        *,
        ids: Sequence[int] = (),
        channel: str | None = None,
        since: datetime | None = None,
        configured: Collection[str] | None = None,
    ) -> list[str]:
        """Make deliveries pending again: those with these ids, or without ids the dead ones of a channel and time.

        Only deliveries that are dead, held as uncertain or wait for their next try are moved. Dead ones start over with
        all their attempts. They are moved a slice at a time; between two slices others have the database.

        Args:
            now: when they are due.
            ids: which deliveries.
            channel: only those of this channel.
            since: only dead ones that were decided since then.
            configured: only those of these channels.

        Returns:
            The channel of each delivery that was moved.
        """
        if ids:
            return await self._retry_some(now, ids, channel, configured)
        moved: list[str] = []
        for each in await self._dead_channels():
            if channel in (None, each) and (configured is None or each in configured):
                while number := await self._retry_dead(now, each, since):
                    moved += [each] * number
        return moved

    @transaction
    def _retry_some(
        self,
        connection: Connection,
        now: datetime,
        ids: Sequence[int],
        channel: str | None,
        configured: Collection[str] | None,
    ) -> list[str]:
        states = (DeliveryState.DEAD, DeliveryState.UNCERTAIN, DeliveryState.RETRYING)
        chosen = _made_pending(now).where(
            deliveries.c.id.in_(select(listed(ids).c.value)), deliveries.c.state.in_(states)
        )
        if channel is not None:
            chosen = chosen.where(deliveries.c.channel == channel)
        if configured is not None:
            chosen = chosen.where(deliveries.c.channel.in_(configured))
        return list(connection.execute(chosen.returning(deliveries.c.channel)).scalars())

    @transaction
    def _dead_channels(self, connection: Connection) -> list[str]:
        """The channels with dead deliveries."""
        return dead_channels(connection)

    @transaction
    def _retry_dead(self, connection: Connection, now: datetime, channel: str, since: datetime | None) -> int:
        """Make some of a channel's dead deliveries pending; return their number."""
        some = select(deliveries.c.id).where(deliveries.c.channel == channel, deliveries.c.state == DeliveryState.DEAD)
        if since is not None:
            some = some.where(deliveries.c.created_at >= since)
        return connection.execute(_made_pending(now).where(deliveries.c.id.in_(some.limit(RETRIED_AT_ONCE)))).rowcount


def dead_channels(connection: Connection) -> list[str]:
    """Return the channels with dead deliveries, each found by one search of the index."""
    found = states_and_channels([DeliveryState.DEAD])
    return list(connection.execute(select(found.c.channel).where(found.c.channel.is_not(None))).scalars())


def _made_pending(now: datetime) -> Update:
    return update(deliveries).values(
        state=DeliveryState.PENDING, not_before=now, wanted_at=now, settled_at=None, reason="asked for"
    )


def _released(now: datetime, held: Collection[str]) -> Update:
    no_longer_held = and_(
        deliveries.c.state == DeliveryState.UNCERTAIN,
        deliveries.c.not_before.is_(None),
        deliveries.c.channel.not_in(held),
    )
    return update(deliveries).where(no_longer_held).values(not_before=now)
