"""How channels do: what was delivered and what waits, until when and for what."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from notifier.core.delivery.model import DeliveryState
from notifier.core.delivery.states import OPEN
from notifier.core.health.conditions import CHANNEL
from notifier.core.resources import ChannelResource
from notifier.store.queries import QUIET
from notifier.store.tables import conditions, deliveries, is_open

_LAST_DELIVERED = 20
"""Deliveries among which the last success is: they are settled nearly in the order in which they were decided."""


def channel_resources(
    connection: Connection, configured: Sequence[ChannelResource], now: datetime
) -> list[ChannelResource]:
    """Return these channels with what the database knows of them."""
    counts: dict[str, dict[str, int]] = {}
    query = select(deliveries.c.channel, deliveries.c.state, func.count())
    for channel, state, number in connection.execute(query.group_by(deliveries.c.state, deliveries.c.channel)):
        counts.setdefault(channel, {})[state] = number
    of_channels = select(conditions).where(conditions.c.subject.startswith(CHANNEL, autoescape=True))
    broken = {row.subject.removeprefix(CHANNEL): row for row in connection.execute(of_channels)}
    return [
        replace(
            _with_waiting(connection, each, now),
            deliveries=counts.get(each.channel, {}),
            broken_since=broken[each.channel].since if each.channel in broken else None,
            trouble=broken[each.channel].detail if each.channel in broken else "",
            last_success=_last_success(connection, each.channel),
        )
        for each in configured
    ]


def _with_waiting(connection: Connection, channel: ChannelResource, now: datetime) -> ChannelResource:
    of_channel = (deliveries.c.channel == channel.channel, is_open)
    columns = (deliveries.c.not_before, deliveries.c.state, deliveries.c.reason)
    first = connection.execute(select(*columns).where(*of_channel).order_by(deliveries.c.not_before).limit(1)).first()
    if first is None:
        return channel
    oldest = [
        select(func.min(deliveries.c.created_at)).where(
            deliveries.c.state == state, deliveries.c.channel == channel.channel
        )
        for state in OPEN
    ]
    times = [at for query in oldest if (at := connection.execute(query).scalar()) is not None]
    held = first.not_before is not None and first.not_before > now
    by = "quiet" if first.reason == QUIET else "retrying" if first.state != DeliveryState.PENDING else "waiting"
    return replace(
        channel,
        oldest_waiting=min(times, default=None),
        held_until=first.not_before if held else None,
        held_by=by if held else "",
    )


def _last_success(connection: Connection, channel: str) -> datetime | None:
    newest = (
        select(deliveries.c.settled_at)
        .where(deliveries.c.state == DeliveryState.DELIVERED, deliveries.c.channel == channel)
        .order_by(deliveries.c.created_at.desc())
        .limit(_LAST_DELIVERED)
    )
    return max((at for at in connection.execute(newest).scalars() if at is not None), default=None)
