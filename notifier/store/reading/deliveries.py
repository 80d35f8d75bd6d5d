"""Pages of deliveries, the newest first, and one delivery with its attempts and the words that were sent."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, select

from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Deliverable, Notice
from notifier.core.resource_parts import AttemptResource, DigestResource, MessageResource
from notifier.core.resources import DeliveryResource
from notifier.store.mapping import deliverable_from_row
from notifier.store.queries import deliveries_with_events
from notifier.store.reading.cursors import decode, encode
from notifier.store.reading.delivery_pages import are_few, ids_on_page, order_of
from notifier.store.reading.filters import DeliveryFilters
from notifier.store.tables import attempts, deliveries, in_digest

Render = Callable[[str, Sequence[Deliverable]], MessageResource]
"""Renders the message to a channel about these, in the words in which it is sent."""


def page_of(connection: Connection, filters: DeliveryFilters) -> tuple[list[DeliveryResource], str | None]:
    """Return the deliveries of a page, and the cursor of the next one.

    Raises:
        BadCursor: the cursor is none of this list.
    """
    kind = "deliveries" if filters.watch is None else "deliveries of a watch"
    order = order_of(filters)
    place = decode(kind, filters.cursor, (int, int))
    ids = ids_on_page(filters, place, few=filters.watch is not None and are_few(connection, filters))
    query = deliveries_with_events().add_columns(order[0].label("key_at")).where(deliveries.c.id.in_(ids))
    rows = list(connection.execute(query.order_by(*(key.desc() for key in order))).mappings())
    page = [resource_of(row) for row in rows[: filters.limit]]
    if len(rows) <= filters.limit:
        return page, None
    last = rows[filters.limit - 1]
    return page, encode(kind, (last["key_at"], last["delivery_id"]))


def one(connection: Connection, delivery_id: int, render: Render) -> DeliveryResource | None:
    """Return a delivery with its attempts and its message; None if there is none of that id."""
    query = deliveries_with_events().where(deliveries.c.id == delivery_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    of_it = select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.number)
    tried = [attempt_of(each) for each in connection.execute(of_it).mappings()]
    last = tried[-1] if tried else None
    companions = [row]
    digest = None
    if last is not None and last.together > 1:
        companions = _companions(connection, delivery_id, last.number) or [row]
        ids = tuple(each["delivery_id"] for each in companions)
        titles = tuple(message(deliverable_from_row(each)).title for each in companions)
        digest = DigestResource(at=last.started_at, deliveries=last.together, ids=ids, titles=titles)
    text = render(row["channel"], [deliverable_from_row(each) for each in companions])
    return resource_of(row, message=text, digest=digest, attempts=tuple(tried))


def _companions(connection: Connection, delivery_id: int, number: int) -> list[RowMapping]:
    """Return all deliveries in the message of a delivery's attempt of that number, in the message's order."""
    mine, own, other = attempts.alias("mine"), deliveries.alias("own"), deliveries.alias("other")
    of_message = (
        select(other.c.id)
        .join_from(mine, own, own.c.id == mine.c.delivery_id)
        .join(attempts, and_(in_digest, attempts.c.started_at == mine.c.started_at))
        .join(other, and_(other.c.id == attempts.c.delivery_id, other.c.channel == own.c.channel))
        .where(mine.c.delivery_id == delivery_id, mine.c.number == number, attempts.c.together == mine.c.together)
    )
    query = deliveries_with_events().where(deliveries.c.id.in_(of_message)).order_by(deliveries.c.id)
    return list(connection.execute(query).mappings())


def resource_of(row: RowMapping, **shown: Any) -> DeliveryResource:
    """Return the resource of a delivery's joined row (`queries.deliveries_with_events`).

    Args:
        row: the row.
        shown: what only one delivery shows: `attempts`, `message`, `digest`.
    """
    deliverable = deliverable_from_row(row)
    return DeliveryResource(
        id=row["delivery_id"],
        channel=row["channel"],
        state=row["state"],
        reason=row["reason"],
        attempts_begun=row["attempt"],
        created_at=row["created_at"],
        not_before=row["not_before"],
        settled_at=row["settled_at"],
        event_id=deliverable.id,
        title=message(deliverable).title,
        **subject_of(deliverable),
        **shown,
    )


def subject_of(deliverable: Deliverable) -> dict[str, Any]:
    """Return the fields of a resource that say what an event or a notice is about."""
    if isinstance(deliverable, Notice):
        return {"notice": deliverable.kind, "subject": deliverable.subject}
    return {
        "watch": deliverable.watch_id,
        "name": deliverable.name,
        "snapshot": deliverable.transition.snapshot_id,
        "status": deliverable.transition.status,
        "events": deliverable.transition.names,
    }


def attempt_of(row: RowMapping) -> AttemptResource:
    """Return the resource of a row of `attempts`."""
    return AttemptResource(
        number=row["number"],
        started_at=row["started_at"],
        duration_s=row["duration"].total_seconds(),
        outcome=row["outcome"],
        reason=row["reason"],
        detail=row["detail"],
        together=row["together"],
    )
