"""Pages of events, the newest first, each with its deliveries; and the bar of a snapshot's statuses."""

from collections.abc import Sequence

from sqlalchemy import Connection, Integer, RowMapping, Select, literal, select, tuple_, type_coerce

from notifier.core.delivery.message_text import message
from notifier.core.resource_parts import AttemptResource, StatusSpanResource
from notifier.core.resources import DeliveryResource, EventResource
from notifier.core.snapshot.model import EXPIRING, STALLED, UNKNOWN
from notifier.store.mapping import event_from_row
from notifier.store.queries import deliveries_with_events, listed
from notifier.store.reading.cursors import decode, encode
from notifier.store.reading.deliveries import attempt_of, resource_of
from notifier.store.reading.filters import EventFilters
from notifier.store.tables import attempts, deliveries, events

LONGEST_BAR = 1_000
"""Events of a snapshot that its bar is made of, the newest."""

_KIND = "events"
_at = type_coerce(events.c.observed_at, Integer)


def page_of(
    connection: Connection, filters: EventFilters, *, with_attempts: bool = False
) -> tuple[list[EventResource], str | None]:
    """Return the events of a page, and the cursor of the next one.

    Args:
        connection: in a transaction.
        filters: which ones.
        with_attempts: fill the attempts of each delivery, too.

    Raises:
        BadCursor: the cursor is none of this list.
    """
    query = _filtered(filters)
    place = decode(_KIND, filters.cursor, (int, str))
    if place is not None:
        query = query.where(_at <= place[0], tuple_(_at, events.c.id) < tuple_(*map(literal, place)))
    query = query.add_columns(_at.label("key_at")).order_by(_at.desc(), events.c.id.desc()).limit(filters.limit + 1)
    rows = connection.execute(query).mappings().all()
    shown = rows[: filters.limit]
    told = _deliveries_of(connection, [row["id"] for row in shown], with_attempts=with_attempts)
    page = [_resource(row, told.get(row["id"], ())) for row in shown]
    more = len(rows) > filters.limit
    return page, encode(_KIND, (shown[-1]["key_at"], shown[-1]["id"])) if more else None


def bar_of(connection: Connection, snapshot_id: str) -> list[StatusSpanResource]:
    """Return the statuses of a snapshot over time, the oldest first."""
    query = select(events.c.previous, events.c.status, events.c.since, events.c.observed_at, events.c.names)
    query = query.where(events.c.snapshot_id == snapshot_id).order_by(events.c.revision.desc()).limit(LONGEST_BAR)
    moves = [row for row in connection.execute(query).all()[::-1] if row.status not in (STALLED, EXPIRING)]
    if not moves:
        return []
    spans = []
    if moves[0].previous != UNKNOWN and moves[0].since is not None:
        spans.append(StatusSpanResource(status=moves[0].previous, begin=moves[0].since, end=moves[0].observed_at))
    for number, row in enumerate(moves, 1):
        end = moves[number].observed_at if number < len(moves) else None
        spans.append(StatusSpanResource(status=row.status, begin=row.observed_at, end=end))
    return spans


def _filtered(filters: EventFilters) -> Select[tuple[str]]:
    query = select(events)
    if filters.watch is not None:
        family, parted, snapshot_id = filters.watch.partition("/")
        query = query.where(events.c.family == family)
        if parted:
            query = query.where(events.c.snapshot_id == snapshot_id, events.c.watch_id == filters.watch)
    if filters.snapshot is not None:
        query = query.where(events.c.snapshot_id == filters.snapshot)
    if filters.since is not None:
        query = query.where(events.c.observed_at >= filters.since)
    if filters.until is not None:
        query = query.where(events.c.observed_at < filters.until)
    return query


def _deliveries_of(
    connection: Connection, event_ids: Sequence[str], *, with_attempts: bool
) -> dict[str, list[DeliveryResource]]:
    of = listed(event_ids)
    query = deliveries_with_events().where(deliveries.c.event_id.in_(select(of.c.value))).order_by(deliveries.c.id)
    rows = connection.execute(query).mappings().all()
    tried: dict[int, list[AttemptResource]] = {row["delivery_id"]: [] for row in rows}
    if with_attempts:
        ids = listed(list(tried))
        of_them = select(attempts).where(attempts.c.delivery_id.in_(select(ids.c.value)))
        for row in connection.execute(of_them.order_by(attempts.c.delivery_id, attempts.c.number)).mappings():
            tried[row["delivery_id"]].append(attempt_of(row))
    found: dict[str, list[DeliveryResource]] = {}
    for row in rows:
        shown = {"attempts": tuple(tried[row["delivery_id"]])} if with_attempts else {}
        found.setdefault(row["event_id"], []).append(resource_of(row, **shown))
    return found


def _resource(row: RowMapping, told: Sequence[DeliveryResource]) -> EventResource:
    event = event_from_row(row)
    return EventResource(
        event_id=event.id,
        watch=event.watch_id,
        name=event.name,
        snapshot=event.transition.snapshot_id,
        at=event.transition.observed_at,
        previous=event.transition.previous,
        status=event.transition.status,
        events=event.transition.names,
        title=message(event).title,
        late_by_s=event.transition.late_by.total_seconds(),
        deliveries=tuple(told),
    )
