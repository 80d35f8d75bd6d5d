"""The part of the outbox for mutes: watches that send no notifications."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select
from sqlalchemy.dialects.sqlite import insert as upsert

from notifier.store.database import Part
from notifier.store.tables import mutes
from notifier.store.transaction import transaction


class Mutes(Part):
    """The muted watches."""

    @transaction
    def mute(self, connection: Connection, watch_id: str, now: datetime, until: datetime | None) -> None:
        """Drop the deliveries about a watch, until a time or, for None, until it is unmuted."""
        row = {"watch_id": watch_id, "muted_at": now, "until": until}
        statement = upsert(mutes).values(row).on_conflict_do_update(index_elements=[mutes.c.watch_id], set_=row)
        connection.execute(statement)

    @transaction
    def unmute(self, connection: Connection, watch_id: str) -> bool:
        """End the mute of a watch; whether it was muted."""
        gone = connection.execute(mutes.delete().where(mutes.c.watch_id == watch_id))
        return gone.rowcount == 1


def muted(connection: Connection, now: datetime) -> set[str]:
    """Return the ids of the watches that are muted now."""
    return set(connection.execute(_MUTED, {"now": now}).scalars())


_MUTED = select(mutes.c.watch_id).where(or_(mutes.c.until.is_(None), mutes.c.until > bindparam("now")))
