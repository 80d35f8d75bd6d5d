"""The part of the outbox for notices to the operators of the notifier's own troubles."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select

from notifier.core.delivery.model import Notice
from notifier.failpoints import failpoint
from notifier.store.attempts import new_delivery
from notifier.store.completion_names import LAST
from notifier.store.database import Part
from notifier.store.tables import deliveries, notices
from notifier.store.transaction import transaction


class Notices(Part):
    """The notices that are no condition's (see `store.conditions`): they report what happened, and have no end."""

    @transaction
    def add_notice(self, connection: Connection, notice: Notice, channels: Sequence[str]) -> bool:
        """Commit a notice with its deliveries, unless the last one about its subject is of the same kind.

        Returns:
            Whether it was committed.
        """
        last = select(notices.c.kind).where(notices.c.subject == notice.subject).order_by(notices.c.at.desc()).limit(1)
        if connection.execute(last).scalar_one_or_none() == notice.kind:
            return False
        add_notice(connection, notice, channels)
        return True

    @transaction
    def notified_subjects(self, connection: Connection, prefix: str) -> set[str]:
        """Return the subjects with this prefix that there ever was a notice about."""
        between = notices.c.subject.between(prefix, prefix + LAST)  # by the index, which a LIKE is not
        return set(connection.execute(select(notices.c.subject).where(between).distinct()).scalars())


def add_notice(connection: Connection, notice: Notice, channels: Sequence[str]) -> datetime:
    """Write a notice and its deliveries.

    Returns:
        The time that it got: later than that of every notice about its subject, even if the clock was set back.
    """
    of_subject = select(notices.c.at).where(notices.c.subject == notice.subject).order_by(notices.c.at.desc())
    last: datetime | None = connection.execute(of_subject.limit(1)).scalar_one_or_none()
    at = notice.at if last is None else max(notice.at, last + timedelta.resolution)
    row = {name: getattr(notice, name) for name in ("id", "kind", "subject", "title", "body")}
    connection.execute(insert(notices).values(row | {"at": at}))
    failpoint("outbox.notice_written")
    if channels:
        connection.execute(insert(deliveries), [new_delivery(notice, channel) for channel in channels])
    return at
