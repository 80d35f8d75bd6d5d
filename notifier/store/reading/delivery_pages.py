"""Which deliveries are on a page, by the index that finds them with the least reading.

The newest come first: by the time when the delivery was decided; among those of one watch by the time of their event,
which is the same but for fallbacks.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    false,
    func,
    literal,
    or_,
    select,
    tuple_,
    type_coerce,
)

from notifier.core.delivery.model import DeliveryState
from notifier.store.completion_names import LAST
from notifier.store.queries import states_and_channels
from notifier.store.reading.cursors import Place
from notifier.store.reading.filters import DeliveryFilters
from notifier.store.tables import deliveries, events

_FEW = 10_000
"""Deliveries of some states and of one channel that are looked through one by one for those of a watch."""

_SHORT = len("evt_")
"""The beginnings of ids that are no longer than this are those of all events, or of all notices."""


def order_of(filters: DeliveryFilters) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return what a page of these is sorted by, both descending."""
    at = deliveries.c.created_at if filters.watch is None else events.c.observed_at
    return type_coerce(at, Integer), deliveries.c.id


def are_few(connection: Connection, filters: DeliveryFilters) -> bool:
    """Whether the states and the channel of a filter have few deliveries, so that the rest of it is tried on each."""
    if not filters.states and filters.channel is None:
        return False
    states = filters.states or [state.value for state in DeliveryState]
    query = select(literal(1)).where(deliveries.c.state.in_(sorted(states)))
    if filters.channel is not None:
        query = query.where(deliveries.c.channel == filters.channel)
    some = query.select_from(deliveries).limit(_FEW + 1).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one() <= _FEW


def ids_on_page(filters: DeliveryFilters, place: Place | None, *, few: bool = False) -> Select[Any]:
    """Select the ids of the deliveries of a page, and of one more if there is one.

    Args:
        filters: which ones.
        few: the states and the channel have few deliveries; without it those of the watch are read in order.
        place: the keys (`order_of`) of the last one before them.
    """
    if filters.watch is None and filters.snapshot is None and (filters.event is None or len(filters.event) <= _SHORT):
        return _newest(filters, place)
    query = select(deliveries.c.id).join_from(deliveries, events, deliveries.c.event_id == events.c.id, isouter=True)
    if filters.watch is not None:
        family, parted, snapshot_id = filters.watch.partition("/")
        query = query.where(events.c.family == family)
        if parted:
            query = query.where(events.c.snapshot_id == snapshot_id, events.c.watch_id == filters.watch)
    if filters.snapshot is not None:
        query = query.where(events.c.snapshot_id == filters.snapshot)
    if filters.event is not None:
        query = query.where(_begins(filters.event))
    query = query.where(*_of_kind(filters, by_index=few))
    query = query.where(*_within(filters, deliveries.c.created_at, deliveries.c.created_at))
    return _after(query, order_of(filters), place).limit(filters.limit + 1)


def _newest(filters: DeliveryFilters, place: Place | None) -> Select[Any]:
    """Select from all deliveries: the newest of those that the index finds for each channel and state."""
    pairs = states_and_channels(filters.states or [state.value for state in DeliveryState])
    delivery, found = deliveries.alias("delivery"), deliveries.alias("found")
    newest = select(delivery.c.id).where(delivery.c.channel == pairs.c.channel, delivery.c.state == pairs.c.state)
    if filters.channel is not None:
        newest = newest.where(pairs.c.channel == filters.channel)
    if filters.event is not None:
        newest = newest.where(_kind_of(filters.event, delivery.c.event_id, delivery.c.notice_id))
    newest = newest.where(*_within(filters, delivery.c.created_at, delivery.c.created_at))
    newest = _after(newest, (type_coerce(delivery.c.created_at, Integer), delivery.c.id), place)
    newest = newest.limit(filters.limit + 1)
    return (
        select(found.c.id)
        .join_from(pairs, found, found.c.id.in_(newest.correlate(pairs)))
        .order_by(found.c.created_at.desc(), found.c.id.desc())
        .limit(filters.limit + 1)
    )


def _of_kind(filters: DeliveryFilters, *, by_index: bool) -> list[ColumnElement[bool]]:
    """The conditions on state and channel; SQLite does not search the index of an expression like `state || ''`."""
    state: ColumnElement[str] = deliveries.c.state
    channel: ColumnElement[str] = deliveries.c.channel
    if not by_index:
        state, channel = state.concat(""), channel.concat("")
    states = filters.states or ([each.value for each in DeliveryState] if by_index else ())
    return [
        *([state.in_(sorted(states))] if states else []),
        *([] if filters.channel is None else [channel == filters.channel]),
    ]


def _after(
    query: Select[Any], order: tuple[ColumnElement[Any], ColumnElement[Any]], place: Place | None
) -> Select[Any]:
    if place is not None:
        # The first condition is part of the second one: SQLite searches an index by it.
        query = query.where(order[0] <= place[0], tuple_(*order) < tuple_(*map(literal, place)))
    return query.order_by(*(key.desc() for key in order))


def _within(
    filters: DeliveryFilters, since: ColumnElement[Any], until: ColumnElement[Any]
) -> list[ColumnElement[bool]]:
    return [
        *([] if filters.since is None else [since >= filters.since]),
        *([] if filters.until is None else [until < filters.until]),
    ]


def _begins(beginning: str) -> ColumnElement[bool]:
    """The condition that the id of a delivery's event or notice has this beginning, by the indexes of these."""
    column = deliveries.c.notice_id if beginning.startswith("ntc_") else deliveries.c.event_id
    return and_(column >= beginning, column < beginning + LAST)


def _kind_of(beginning: str, event_id: ColumnElement[Any], notice_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """The condition that there is an event, or a notice, whose ids all begin so."""
    if not beginning:
        return or_(event_id.is_not(None), notice_id.is_not(None))
    if "evt_".startswith(beginning):
        return event_id.is_not(None)
    return notice_id.is_not(None) if "ntc_".startswith(beginning) else false()
