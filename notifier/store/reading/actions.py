"""What somebody did, the newest first."""

from collections.abc import Collection

from sqlalchemy import Connection, Select, and_, or_, select

from notifier.core.resources import ActionResource
from notifier.store.tables import actions

MOST = 100
"""Actions that are shown of one subject."""

RETRY, TEST = "retry", "test"
"""The actions about a delivery, or a channel; all others are about a watch."""


def last_actions(connection: Connection, limit: int = MOST) -> list[ActionResource]:
    """Return what was done last."""
    return _read(connection, select(actions), limit)


def actions_on(connection: Connection, watches: Collection[str], delivery_ids: Collection[int]) -> list[ActionResource]:
    """Return what was done about these watches or deliveries: a delivery's id is the subject of `retry` alone."""
    about = or_(
        and_(actions.c.subject.in_(sorted(watches)), actions.c.action.not_in((RETRY, TEST))),
        and_(actions.c.subject.in_(sorted(map(str, delivery_ids))), actions.c.action == RETRY),
    )
    return _read(connection, select(actions).where(about), MOST)


def _read(connection: Connection, query: Select[tuple[int]], limit: int) -> list[ActionResource]:
    newest = query.order_by(actions.c.at.desc(), actions.c.id.desc()).limit(limit)
    return [
        ActionResource(at=row.at, action=row.action, subject=row.subject, origin=row.origin, detail=row.detail)
        for row in connection.execute(newest)
    ]
