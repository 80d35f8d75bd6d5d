"""Keeps the database in order: what the auditor asks of it, and the end of what is old."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Delete, and_, delete, exists, func, or_, select, text

from notifier.core.delivery import CLAIMABLE, OPEN
from notifier.core.model import DeliveryState
from notifier.core.transitions import ENDS, canonical
from notifier.store.database import Database
from notifier.store.tables import attempts, deliveries, events, looks, mutes, notices, snapshots
from notifier.store.whole import whole

BATCH = 500
"""Rows of old history that are removed in one transaction."""


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


class Upkeep:
    """The caretaker of the daemon's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @whole
    async def audit(self, *, now: datetime, longest_send: timedelta, held: Collection[str]) -> Audit:
        """Prove that every event has its deliveries, and every delivery an end or a next try.

        Args:
            now: the time.
            longest_send: after this long no send is under way any more.
            held: the channels whose uncertain deliveries wait for a person.
        """
        made = select(func.count()).where(deliveries.c.event_id == events.c.id).scalar_subquery()
        untold = select(func.count()).select_from(events).where(func.json_array_length(events.c.channels) > made)
        on_hold = and_(deliveries.c.state == DeliveryState.UNCERTAIN, deliveries.c.channel.in_(held))
        stuck = select(func.count()).where(
            deliveries.c.state.in_(CLAIMABLE), deliveries.c.not_before.is_(None), ~on_hold
        )
        lingering = select(func.count()).where(
            deliveries.c.state == DeliveryState.SENDING, deliveries.c.claimed_at < now - longest_send
        )
        waiting = select(func.count(), func.min(deliveries.c.wanted_at)).where(deliveries.c.state.in_(OPEN))
        async with self._database.transaction() as connection:
            number, oldest = (await connection.execute(waiting)).one()
            return Audit(
                untold=(await connection.execute(untold)).scalar_one(),
                stuck=(await connection.execute(stuck)).scalar_one(),
                lingering=(await connection.execute(lingering)).scalar_one(),
                waiting=number,
                oldest=oldest,
            )

    async def forget(self, *, before: datetime, watched: Collection[str], now: datetime) -> int:
        """Remove what ended before a time, a batch in each transaction, and give its room back to the disk.

        An event goes with its deliveries, once all of them have come to their end; a snapshot's state only when it is
        no longer watched: else a new look would tell its end again.

        Args:
            before: what ended earlier goes.
            watched: the snapshots that are still watched.
            now: for mutes that ran out.

        Returns:
            How many events, notices and snapshots were removed.
        """
        removed = 0
        while number := await self._forget_events(before):
            removed += number
        while number := await self._forget_notices(before):
            removed += number
        removed += await self._forget_snapshots(before, frozenset(watched), now)
        if removed:
            await self._shrink()
        return removed

    @whole
    async def _forget_events(self, before: datetime) -> int:
        of_it = deliveries.c.event_id == events.c.id
        unfinished = exists().where(of_it, or_(deliveries.c.state.in_(OPEN), deliveries.c.settled_at >= before))
        query = select(events.c.id).where(events.c.observed_at < before, ~unfinished).limit(BATCH)
        async with self._database.transaction() as connection:
            ids = list((await connection.execute(query)).scalars())
            if ids:
                for statement in _with_deliveries(deliveries.c.event_id, ids):
                    await connection.execute(statement)
                await connection.execute(delete(events).where(events.c.id.in_(ids)))
        return len(ids)

    @whole
    async def _forget_notices(self, before: datetime) -> int:
        of_it = deliveries.c.notice_id == notices.c.id
        unfinished = exists().where(of_it, or_(deliveries.c.state.in_(OPEN), deliveries.c.settled_at >= before))
        newer = notices.alias("newer")
        is_last = ~exists().where(newer.c.subject == notices.c.subject, newer.c.at > notices.c.at)
        query = select(notices.c.id).where(notices.c.at < before, ~unfinished, ~is_last).limit(BATCH)
        async with self._database.transaction() as connection:
            ids = list((await connection.execute(query)).scalars())
            if ids:
                for statement in _with_deliveries(deliveries.c.notice_id, ids):
                    await connection.execute(statement)
                await connection.execute(delete(notices).where(notices.c.id.in_(ids)))
        return len(ids)

    @whole
    async def _forget_snapshots(self, before: datetime, watched: frozenset[str], now: datetime) -> int:
        query = select(snapshots.c.snapshot_id, snapshots.c.status).where(snapshots.c.since < before)
        async with self._database.transaction() as connection:
            old = [
                row.snapshot_id
                for row in await connection.execute(query)
                if row.snapshot_id not in watched and canonical(row.status) in ENDS
            ]
            for start in range(0, len(old), BATCH):
                some = old[start : start + BATCH]
                await connection.execute(delete(snapshots).where(snapshots.c.snapshot_id.in_(some)))
                await connection.execute(delete(looks).where(looks.c.snapshot_id.in_(some)))
            await connection.execute(delete(mutes).where(mutes.c.until < now))
        return len(old)

    @whole
    async def _shrink(self) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(text("PRAGMA incremental_vacuum"))


def _with_deliveries(column: ColumnElement[str], ids: list[str]) -> tuple[Delete, Delete]:
    """The statements that remove the deliveries of these events or notices, with their attempts."""
    of_them = select(deliveries.c.id).where(column.in_(ids))
    return (
        delete(attempts).where(attempts.c.delivery_id.in_(of_them)),
        delete(deliveries).where(column.in_(ids)),
    )
