"""The part of the store for adopted snapshots: which of them go on, and who watches them from now on.

An adopted snapshot is known by the id of its watch, `hooks/SNAPSHOT`, in the row of its state.
"""

from collections.abc import Collection

from sqlalchemy import Connection, bindparam, update

from notifier.core.snapshot.model import ADOPTED, Watch
from notifier.store.database import Database
from notifier.store.queries import found_by
from notifier.store.tables import snapshots
from notifier.store.transaction import transaction


class Adoptions:
    """The adopted snapshots. Every method may raise `StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @transaction
    def in_progress(self, connection: Connection) -> list[str]:
        """Return the adopted snapshots that have not ended."""
        return [row["snapshot_id"] for row in connection.execute(found_by([ADOPTED])).mappings()]

    @transaction
    def hand_over(self, connection: Connection, watches: Collection[Watch]) -> None:
        """Note that these snapshots have watches in the configuration now: without those they are not adopted again."""
        if watches:
            statement = update(snapshots).where(snapshots.c.snapshot_id == bindparam("id"))
            connection.execute(
                statement.values(watch_id=bindparam("watch")),
                [{"id": each.snapshot_id, "watch": each.id} for each in watches],
            )
