"""The part of the outbox that knows which watches are muted."""

from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.store.database import Part
from notifier.store.tables import mutes
from notifier.store.whole import whole


class Mutes(Part):
    """Which watches nobody is told of."""

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


async def muted(connection: AsyncConnection, now: datetime) -> set[str]:
    """The ids of the watches that are muted now."""
    query = select(mutes.c.watch_id).where(or_(mutes.c.until.is_(None), mutes.c.until > now))
    return set((await connection.execute(query)).scalars())
