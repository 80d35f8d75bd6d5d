"""The audit of the outbox, the notices of dead deliveries, and retention."""

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
"""Events that an audit covers: those observed within `RECENT`, and so many of the rest of the history."""

MOST_WITHOUT_DELIVERY = 100
"""Findings that one step of the audit keeps."""

DEATHS_NOTIFIED_EVERY = timedelta(hours=1)
"""The least time between two notices of dead deliveries of one channel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """What an audit found. The first three must be zero.

    Attributes:
        without_delivery: events without a delivery to one of their channels.
        stuck: deliveries with neither an end nor a next try.
        lingering: deliveries that have been `sending` for longer than a send can take.
        waiting: deliveries that wait.
        oldest: when the oldest of these was wanted.
    """

    without_delivery: int
    stuck: int
    lingering: int
    waiting: int
    oldest: datetime | None

    @property
    def sound(self) -> bool:
        """Whether there are no findings."""
        return not (self.without_delivery or self.stuck or self.lingering)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadDeliveries:
    """A channel's dead deliveries of events since the last notice about them, up to `until`.

    `reason` is that of the last one.
    """

    channel: str
    number: int
    reason: str
    until: datetime

    @property
    def subject(self) -> str:
        """The subject of the notice."""
        return f"{DEAD}{self.channel}"


class StoreMaintenance(Retention):
    """Audit and retention of the daemon's database. A longer history makes no step more expensive."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._swept: Position = FIRST
        self._without_delivery: set[str] = set()

    async def audit(self, *, now: datetime, longest_send: timedelta, resending: Collection[str]) -> Audit:
        """Check that every event has its deliveries, and every delivery an end or a next try.

        An audit covers all open deliveries, the events of the last `RECENT`, those that lacked a delivery before, and
        `SWEPT` others, so that successive audits go through the whole history.

        Args:
            now: the time.
            longest_send: how long a send may take.
            resending: the channels that repeat uncertain deliveries by themselves. On all others these wait for a
                person, or for the channel to be configured again.
        """
        self._without_delivery = set(await self._still_without(self._without_delivery))
        after: Position | None = (now - RECENT, "")
        while after is not None:
            after = await self._sweep(after, None)
        self._swept = await self._sweep(self._swept, SWEPT) or FIRST
        return await self._audit(now, longest_send, resending)

    @transaction
    def _still_without(self, connection: Connection, event_ids: Collection[str]) -> list[str]:
        return list(connection.execute(_without_delivery(events.c.id.in_(select(listed(event_ids).c.value)))).scalars())

    @transaction
    def _sweep(self, connection: Connection, after: Position, most: int | None) -> Position | None:
        """Search for events without one of their deliveries, from a position in the history on.

        Returns:
            The position of the next step; None at the end of the history.
        """
        limit = BATCH if most is None else most
        later = later_than(events.c.observed_at, events.c.id, after)
        place = select(events.c.observed_at, events.c.id).where(later).order_by(events.c.observed_at, events.c.id)
        last = connection.execute(place.limit(1).offset(limit - 1)).one_or_none()
        within = later
        if last is not None:
            end = (last.observed_at, last.id)
            within = and_(later, not_(later_than(events.c.observed_at, events.c.id, end)))
        found = connection.execute(_without_delivery(within).limit(MOST_WITHOUT_DELIVERY)).scalars()
        self._without_delivery.update(found)
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
            without_delivery=len(self._without_delivery),
            stuck=connection.execute(stuck).scalar_one(),
            lingering=connection.execute(lingering).scalar_one(),
            waiting=number,
            oldest=oldest,
        )

    @transaction
    def dead_deliveries(self, connection: Connection, now: datetime) -> list[DeadDeliveries]:
        """Return what died since the last notice, for each channel with no such notice within the hour."""
        found: list[DeadDeliveries] = []
        for channel in dead_channels(connection):
            of_last = select(func.max(notices.c.at)).where(notices.c.subject == DEAD + channel)
            last: datetime | None = connection.execute(of_last).scalar_one()
            if last is not None and last >= now - DEATHS_NOTIFIED_EVERY:
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


def _without_delivery(which: ColumnElement[bool]) -> Select[str]:
    """Select the ids of events without a delivery to one of their channels; fallbacks do not count."""
    wanted = func.json_each(events.c.channels).table_valued("value")
    made = exists().where(deliveries.c.event_id == events.c.id, deliveries.c.channel == wanted.c.value)
    without = exists().select_from(wanted).where(~made.correlate(events, wanted))
    return select(events.c.id).where(which, without.correlate(events))
