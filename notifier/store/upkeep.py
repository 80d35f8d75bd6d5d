"""Keeps the database in order: what the auditor asks of it, and the end of what is old."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Delete, and_, delete, exists, func, or_, select, text

from notifier.core.delivery import CLAIMABLE, OPEN
from notifier.core.model import DeliveryState
from notifier.core.severity import DEAD
from notifier.core.statuses import ENDS, canonical
from notifier.failpoints import failpoint
from notifier.store.database import Part
from notifier.store.datasets import remember_past
from notifier.store.rows import WAITING
from notifier.store.tables import attempts, deliveries, downloads, events, looks, mutes, notices, snapshots
from notifier.store.whole import transaction

BATCH = 500
"""Rows of old history that are removed in one transaction."""

DEATHS_TOLD_EVERY = timedelta(hours=1)
"""A channel that loses one delivery after the other is told of at most this often."""

PAGES = 1_000
"""Free pages (of 4 KiB) that are given back to the disk in one transaction."""

_FREE_PAGES = text("PRAGMA freelist_count")


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
class Deaths:
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


class Upkeep(Part):
    """The caretaker of the daemon's database."""

    @transaction
    def audit(
        self, connection: Connection, *, now: datetime, longest_send: timedelta, resending: Collection[str]
    ) -> Audit:
        """Prove that every event has its deliveries, and every delivery an end or a next try.

        Args:
            now: the time.
            longest_send: after this long no send is under way any more.
            resending: the channels that send again by themselves what is uncertain; anywhere else it waits for a
                person, or for its channel to be configured again.
        """
        # Of the channels that were to be told, not of their fallbacks.
        to_tell = func.json_each(events.c.channels).table_valued("value")
        told = exists().where(deliveries.c.event_id == events.c.id, deliveries.c.channel == to_tell.c.value)
        without = exists().select_from(to_tell).where(~told.correlate(events, to_tell))
        untold = select(func.count()).select_from(events).where(without.correlate(events))
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
            untold=connection.execute(untold).scalar_one(),
            stuck=connection.execute(stuck).scalar_one(),
            lingering=connection.execute(lingering).scalar_one(),
            waiting=number,
            oldest=oldest,
        )

    @transaction
    def deaths(self, connection: Connection, now: datetime) -> list[Deaths]:
        """What died since the operators were told of it; not of a channel that they were told of within the hour."""
        last = select(func.max(notices.c.at)).where(notices.c.subject == DEAD + deliveries.c.channel).scalar_subquery()
        dead = and_(deliveries.c.state == DeliveryState.DEAD, deliveries.c.event_id.is_not(None))
        query = (
            select(deliveries.c.channel, func.count(), func.max(deliveries.c.settled_at))
            .where(dead, or_(last.is_(None), and_(deliveries.c.settled_at > last, last < now - DEATHS_TOLD_EVERY)))
            .group_by(deliveries.c.channel)
        )
        found: list[Deaths] = []
        for channel, number, until in connection.execute(query).all():
            of_last = select(deliveries.c.reason).where(
                deliveries.c.channel == channel, dead, deliveries.c.settled_at == until
            )
            reason: str = connection.execute(of_last.order_by(deliveries.c.id.desc()).limit(1)).scalar_one()
            found.append(Deaths(channel=channel, number=number, reason=reason, until=until))
        return found

    async def forget(
        self, *, before: datetime, watched: Collection[str], now: datetime, datasets: Mapping[str, str] | None = None
    ) -> int:
        """Remove what ended before a time, a batch in each transaction, and give its room back to the disk.

        An event goes with its deliveries, once all of them have come to their end; a snapshot's state only when it is
        no longer watched: else a new look would tell its end again. Of one whose dataset is watched it stays known that
        it has ended: its dataset's list may have it for years, without a date.

        Args:
            before: what ended earlier goes.
            watched: the snapshots that are still watched.
            now: for mutes that ran out.
            datasets: the ids of the datasets that are watched, by the ids of their watches.

        Returns:
            How many events, notices and snapshots were removed.
        """
        removed = 0
        while number := await self._forget_events(before):
            removed += number
            failpoint("upkeep.batch_forgotten")
        while number := await self._forget_notices(before):
            removed += number
        removed += await self._forget_snapshots(before, frozenset(watched), now, datasets or {})
        if removed:
            await self._shrink()
        return removed

    @transaction
    def _forget_events(self, connection: Connection, before: datetime) -> int:
        of_it = deliveries.c.event_id == events.c.id
        unfinished = exists().where(of_it, or_(deliveries.c.state.in_(OPEN), deliveries.c.settled_at >= before))
        fetching = exists().where(downloads.c.event_id == events.c.id, downloads.c.state == WAITING)
        query = select(events.c.id).where(events.c.observed_at < before, ~unfinished, ~fetching).limit(BATCH)
        ids = list(connection.execute(query).scalars())
        if ids:
            for statement in _with_deliveries(deliveries.c.event_id, ids):
                connection.execute(statement)
            failpoint("upkeep.half_forgotten")
            connection.execute(delete(downloads).where(downloads.c.event_id.in_(ids)))
            connection.execute(delete(events).where(events.c.id.in_(ids)))
        return len(ids)

    @transaction
    def _forget_notices(self, connection: Connection, before: datetime) -> int:
        of_it = deliveries.c.notice_id == notices.c.id
        unfinished = exists().where(of_it, or_(deliveries.c.state.in_(OPEN), deliveries.c.settled_at >= before))
        newer = notices.alias("newer")
        is_last = ~exists().where(newer.c.subject == notices.c.subject, newer.c.at > notices.c.at)
        query = select(notices.c.id).where(notices.c.at < before, ~unfinished, ~is_last).limit(BATCH)
        ids = list(connection.execute(query).scalars())
        if ids:
            for statement in _with_deliveries(deliveries.c.notice_id, ids):
                connection.execute(statement)
            connection.execute(delete(notices).where(notices.c.id.in_(ids)))
        return len(ids)

    @transaction
    def _forget_snapshots(
        self,
        connection: Connection,
        before: datetime,
        watched: frozenset[str],
        now: datetime,
        datasets: Mapping[str, str],
    ) -> int:
        # While it has an event it keeps its state: from a blank one the next look would make the same event again.
        has_events = exists().where(events.c.snapshot_id == snapshots.c.snapshot_id)
        query = select(snapshots).where(snapshots.c.since < before, ~has_events)
        whole = frozenset(datasets.values())
        old: dict[str, str | None] = {}
        for row in connection.execute(query):
            if row.snapshot_id not in watched and canonical(row.status) in ENDS:
                dataset_id = row.facts.get("dataset_id") or datasets.get(row.watch_id.partition("/")[0])
                old[row.snapshot_id] = dataset_id if dataset_id in whole else None
        ids = list(old)
        for start in range(0, len(ids), BATCH):
            some = ids[start : start + BATCH]
            remember_past(connection, [(dataset_id, each) for each in some if (dataset_id := old[each]) is not None])
            connection.execute(delete(snapshots).where(snapshots.c.snapshot_id.in_(some)))
            connection.execute(delete(looks).where(looks.c.snapshot_id.in_(some)))
        connection.execute(delete(mutes).where(mutes.c.until < now))
        return len(old)

    async def _shrink(self) -> None:
        while await self._free(PAGES):
            pass

    @transaction
    def _free(self, connection: Connection, pages: int) -> bool:
        """Give so many free pages back; whether there may be more."""
        before = connection.execute(_FREE_PAGES).scalar_one()
        # Every step of the statement frees one page, and only a fetch goes all steps: SQLAlchemy makes none.
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
        after = connection.execute(_FREE_PAGES).scalar_one()
        return bool(0 < after < before)


def _with_deliveries(column: ColumnElement[str], ids: list[str]) -> tuple[Delete, Delete]:
    """The statements that remove the deliveries of these events or notices, with their attempts."""
    of_them = select(deliveries.c.id).where(column.in_(ids))
    return (
        delete(attempts).where(attempts.c.delivery_id.in_(of_them)),
        delete(deliveries).where(column.in_(ids)),
    )
