"""The part of the store that knows what is in trouble now. A condition changes in the transaction of its notice."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert as upsert

from notifier.core.delivery.model import Notice
from notifier.core.health.conditions import Condition
from notifier.store.database import Part
from notifier.store.notices import add_notice
from notifier.store.tables import conditions
from notifier.store.transaction import transaction


class Conditions(Part):
    """The conditions that hold, at most one for each subject."""

    @transaction
    def begin(self, connection: Connection, notice: Notice, detail: str, channels: Sequence[str]) -> bool:
        """Set the condition of a subject, and commit the notice of it.

        A condition of the same kind that holds already stays, with the new detail, and there is no notice.

        Args:
            notice: its subject and kind are the condition's.
            detail: one line that says why.
            channels: who is notified.

        Returns:
            Whether the condition is new.
        """
        of_subject = select(conditions.c.kind, conditions.c.since).where(conditions.c.subject == notice.subject)
        known = connection.execute(of_subject).one_or_none()
        if known is not None and known.kind == notice.kind:
            since = known.since
            is_new = False
        else:
            since = add_notice(connection, notice, channels)
            is_new = True
        values = {"kind": notice.kind, "since": since, "detail": detail}
        statement = upsert(conditions).values(subject=notice.subject, **values)
        connection.execute(statement.on_conflict_do_update(index_elements=[conditions.c.subject], set_=values))
        return is_new

    @transaction
    def end(self, connection: Connection, notice: Notice, channels: Sequence[str]) -> bool:
        """Clear the condition of a subject, and commit the notice of its end.

        Returns:
            Whether there was one; if not, there is no notice.
        """
        of_subject = conditions.c.subject == notice.subject
        # Asked first: this is called every minute, also while the database cannot be written.
        if connection.execute(select(conditions.c.kind).where(of_subject)).one_or_none() is None:
            return False
        connection.execute(delete(conditions).where(of_subject))
        add_notice(connection, notice, channels)
        return True

    @transaction
    def standing(self, connection: Connection, prefix: str = "") -> list[Condition]:
        """Return the conditions that hold, by subject; with a prefix, those whose subject begins with it."""
        query = select(conditions).order_by(conditions.c.subject)
        if prefix:
            query = query.where(conditions.c.subject.startswith(prefix, autoescape=True))
        return [Condition(**row) for row in connection.execute(query).mappings()]
