"""The selects that the daemon's store and the commands' reader share."""

from typing import Any

from sqlalchemy import Select, func, select, union

from notifier.core.model import OutcomeKind
from notifier.store.tables import attempts, deliveries, downloads, events, looks, notices, snapshots

QUIET = "quiet"
"""The reason of what quiet hours hold back."""


def known(*snapshot_ids: str) -> Select[Any]:
    """What `snapshots` and `looks` know of every snapshot that stands in either, or of these."""
    ids = union(select(snapshots.c.snapshot_id), select(looks.c.snapshot_id)).subquery()
    query = (
        select(
            ids.c.snapshot_id,
            *(column for column in snapshots.c if column.name != "snapshot_id"),
            *(column for column in looks.c if column.name != "snapshot_id"),
        )
        .join_from(ids, snapshots, ids.c.snapshot_id == snapshots.c.snapshot_id, isouter=True)
        .join(looks, ids.c.snapshot_id == looks.c.snapshot_id, isouter=True)
    )
    return query.where(ids.c.snapshot_id.in_(snapshot_ids)) if snapshot_ids else query


def deliveries_with_events() -> Select[Any]:
    """Every delivery joined with its event or notice: its own id as `delivery_id`, theirs as `event_id`, `notice_id`.

    What is fetched for the event stands in columns that begin with `download_`.

    `refusals` counts its attempts whose outcome was `permanent`, since it was wanted.
    """
    refusals = (
        select(func.count())
        .where(
            attempts.c.delivery_id == deliveries.c.id,
            attempts.c.outcome == OutcomeKind.PERMANENT,
            attempts.c.started_at >= deliveries.c.wanted_at,  # what was asked for again starts anew
        )
        .scalar_subquery()
    )
    return (
        select(
            deliveries.c.id.label("delivery_id"),
            refusals.label("refusals"),
            *(column for column in deliveries.c if column.name != "id"),
            *(column for column in events.c if column.name != "id"),
            *(column for column in notices.c if column.name != "id"),
            *(downloads.c[name].label(f"download_{name}") for name in ("state", "folder", "path", "detail")),
        )
        .join_from(deliveries, events, deliveries.c.event_id == events.c.id, isouter=True)
        .join(notices, deliveries.c.notice_id == notices.c.id, isouter=True)
        .join(downloads, deliveries.c.event_id == downloads.c.event_id, isouter=True)
    )
