"""Keeps the database in order: what the auditor asks of it, and the end of what is old."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, not_, select

from notifier.core.delivery.model import DeliveryState
from notifier.core.delivery.severity import DEAD
from notifier.core.delivery.states import CLAIMABLE, OPEN
from notifier.store.database import Database
from notifier.store.outbox_recovery import dead_channels
from notifier.store.queries import listed
from notifier.store.retention import BATCH, FIRST, Position, Retention, later_than
from notifier.store.tables import deliveries, events, is_dead, notices
from notifier.store.transaction import transaction

RECENT = timedelta(minutes=5)
SWEPT = 1_000
"""What is audited of the events each time: those observed so lately, and so many of the rest of the history."""

MOST_UNTOLD = 100
"""Findings of one step of the audit that are kept."""

DEATHS_TOLD_EVERY = timedelta(hours=1)
"""A channel that loses one delivery after the other is told of at most this often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What an audit found. The first three must be zero.

    `untold` events lack a delivery to one of their channels; `stuck` deliveries have neither an end nor a next try;
    `lingering` ones have been called sending for longer than a send can take. `waiting` is how many wait, and
    `oldest` since when the oldest has been wanted.
    """

    untold: int
    stuck: int
    lingering: int
    waiting: int
    oldest: datetime | None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.untold or self.stuck or self.lingering)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadDeliveries:
    """The deliveries of events that a channel lost since the operators were told of the last, up to `until`.

    `reason` is that of the last of them.
    """

    channel: str
    number: int
    reason: str
    until: datetime

    @property
    def subject(self) -> str:
        """What the notice is about."""
        return f"{DEAD}{self.channel}"


class StoreMaintenance(Retention):
    """The caretaker of the daemon's database. What it does costs no more for a longer history."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._swept: Position = FIRST
        self._untold: set[str] = set()

    async def audit(self, *, now: datetime, longest_send: timedelta, resending: Collection[str]) -> Audit:
        """Prove that every event has its deliveries, and every delivery an end or a next try.

        Each audit is of all deliveries that have not come to their end, of the events of the last `RECENT`, of those
        that lacked a delivery before, and of `SWEPT` others: one round after the other goes through the whole history.

        Args:
            now: the time.
            longest_send: after this long no send is under way any more.
            resending: the channels that send again by themselves what is uncertain; anywhere else it waits for a
                person, or for its channel to be configured again.
        """
        self._untold = set(await self._still_untold(self._untold))
        after: Position | None = (now - RECENT, "")
        while after is not None:
            after = await self._sweep(after, None)
        self._swept = await self._sweep(self._swept, SWEPT) or FIRST
        return await self._audit(now, longest_send, resending)

    @transaction
    def _still_untold(self, connection: Connection, event_ids: Collection[str]) -> list[str]:
        return list(connection.execute(_untold(events.c.id.in_(select(listed(event_ids).c.value)))).scalars())

    @transaction
    def _sweep(self, connection: Connection, after: Position, most: int | None) -> Position | None:
        """Look for events without one of their deliveries, from a place in the history on; the place to go on from.

        It is None at the end of the history. With `most` so many events are looked at in several steps.
        """
        limit = BATCH if most is None else most
        later = later_than(events.c.observed_at, events.c.id, after)
        place = select(events.c.observed_at, events.c.id).where(later).order_by(events.c.observed_at, events.c.id)
        last = connection.execute(place.limit(1).offset(limit - 1)).one_or_none()
        within = later
        if last is not None:
            end = (last.observed_at, last.id)
            within = and_(later, not_(later_than(events.c.observed_at, events.c.id, end)))
        found = connection.execute(_untold(within).limit(MOST_UNTOLD)).scalars()
        self._untold.update(found)
        return None if last is None else (last.observed_at, last.id)

    @transaction
    def _audit(
        self, connection: Connection, now: datetime, longest_send: timedelta, resending: Collection[str]
    ) -> Audit:
        on_hold = and_(deliveries.c.state == DeliveryState.UNCERTAIN, deliveries.c.channel.not_in(resending))
        stuck = select(func.count()).where(
            deliveries.c.state.in_(CLAIMABLE), deliveries.c.not_before.is_(None), ~on_hold
        )
        lingering = select(func.count()).where(
            deliveries.c.state == DeliveryState.SENDING, deliveries.c.claimed_at < now - longest_send
        )
        waiting = select(func.count(), func.min(deliveries.c.wanted_at)).where(deliveries.c.state.in_(OPEN))
        number, oldest = connection.execute(waiting).one()
        return Audit(
            untold=len(self._untold),
            stuck=connection.execute(stuck).scalar_one(),
            lingering=connection.execute(lingering).scalar_one(),
            waiting=number,
            oldest=oldest,
        )

    @transaction
    def dead_deliveries(self, connection: Connection, now: datetime) -> list[DeadDeliveries]:
        """What died since the operators were told of it; not of a channel that they were told of within the hour."""
        found: list[DeadDeliveries] = []
        for channel in dead_channels(connection):
            of_last = select(func.max(notices.c.at)).where(notices.c.subject == DEAD + channel)
            last: datetime | None = connection.execute(of_last).scalar_one()
            if last is not None and last >= now - DEATHS_TOLD_EVERY:
                continue
            dead = [is_dead, deliveries.c.channel == channel, deliveries.c.event_id.is_not(None)]
            if last is not None:
                dead.append(deliveries.c.settled_at > last)
            query = select(func.count(), func.max(deliveries.c.settled_at)).where(*dead)
            number, until = connection.execute(query).one()
            if not number:
                continue
            newest = select(deliveries.c.reason).where(*dead, deliveries.c.settled_at == until)
            reason: str = connection.execute(newest.order_by(deliveries.c.id.desc()).limit(1)).scalar_one()
            found.append(DeadDeliveries(channel=channel, number=number, reason=reason, until=until))
        return found


def _untold(which: ColumnElement[bool]) -> Select[str]:
    """The ids of such events as lack a delivery to one of the channels that were to be told, not of their fallbacks."""
    to_tell = func.json_each(events.c.channels).table_valued("value")
    told = exists().where(deliveries.c.event_id == events.c.id, deliveries.c.channel == to_tell.c.value)
    without = exists().select_from(to_tell).where(~told.correlate(events, to_tell))
    return select(events.c.id).where(which, without.correlate(events))
