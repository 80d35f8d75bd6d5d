"""What somebody did, the newest first."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from notifier.core.resources import ActionResource
from notifier.store.tables import actions

MOST = 100
"""Actions that are shown of one subject."""


def actions_on(connection: Connection, subjects: Collection[str], limit: int = MOST) -> list[ActionResource]:
    """Return what was done about these subjects; about anything, if there is none."""
    query = select(actions).order_by(actions.c.at.desc(), actions.c.id.desc()).limit(limit)
    if subjects:
        query = query.where(actions.c.subject.in_(sorted(subjects)))
    return [
        ActionResource(at=row.at, action=row.action, subject=row.subject, origin=row.origin, detail=row.detail)
        for row in connection.execute(query)
    ]
