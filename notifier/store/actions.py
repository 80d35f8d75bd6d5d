"""The part of the store that records what somebody did: by a command, the API or a page."""

from collections.abc import Sequence

from sqlalchemy import Connection, insert

from notifier.core.resources import ActionResource
from notifier.store.database import Part
from notifier.store.tables import actions
from notifier.store.transaction import transaction


class ActionLog(Part):
    """The actions. They are kept as long as the rest of the history (`keep`)."""

    @transaction
    def note(self, connection: Connection, done: Sequence[ActionResource]) -> None:
        """Record actions."""
        fields = ("at", "action", "subject", "origin", "detail")
        if done:
            connection.execute(insert(actions), [{name: getattr(each, name) for name in fields} for each in done])
