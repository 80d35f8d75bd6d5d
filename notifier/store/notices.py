"""The part of the outbox that tells the operators of the notifier's own troubles."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection, insert, select

from notifier.core.delivery.model import Notice
from notifier.failpoints import failpoint
from notifier.store.attempts import new_delivery
from notifier.store.database import Part
from notifier.store.queries import distinct
from notifier.store.tables import deliveries, notices
from notifier.store.transaction import transaction


class Notices(Part):
    """What the operators are told, each thing once."""

    @transaction
    def tell(self, connection: Connection, notice: Notice, channels: Sequence[str]) -> bool:
        """Commit a notice with its deliveries, unless the last one of its subject was of the same kind.

        Returns:
            Whether it was news.
        """
        of_subject = select(notices.c.kind, notices.c.at).where(notices.c.subject == notice.subject)
        last = connection.execute(of_subject.order_by(notices.c.at.desc()).limit(1)).one_or_none()
        if last is not None and last.kind == notice.kind:
            return False
        row = {name: getattr(notice, name) for name in ("id", "kind", "subject", "title", "body", "at")}
        if last is not None:  # a clock that was set back must not make this one older than the last
            row["at"] = max(notice.at, last.at + timedelta.resolution)
        connection.execute(insert(notices).values(row))
        failpoint("outbox.notice_written")
        if channels:
            connection.execute(insert(deliveries), [new_delivery(notice, channel) for channel in channels])
        return True

    @transaction
    def last_kinds(self, connection: Connection) -> Mapping[str, str]:
        """The kind of the last notice of each subject."""
        subjects = distinct(notices.c.subject, notices, "subjects")
        last = (
            select(notices.c.kind)
            .where(notices.c.subject == subjects.c.value)
            .order_by(notices.c.at.desc())
            .limit(1)
            .scalar_subquery()
        )
        rows = connection.execute(select(subjects.c.value, last).where(subjects.c.value.is_not(None)))
        return {row[0]: row[1] for row in rows}
