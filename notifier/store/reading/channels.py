"""How channels do: what was delivered and what waits, until when and for what."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from notifier.core.delivery.model import DeliveryState
from notifier.core.delivery.states import OPEN
from notifier.core.health.conditions import CHANNEL
from notifier.core.resources import ChannelResource
from notifier.store.queries import QUIET
from notifier.store.tables import conditions, deliveries, is_open

RARE = frozenset(DeliveryState) - {DeliveryState.DELIVERED, DeliveryState.DROPPED}
"""The states of few deliveries: those that are open, or were given up."""

_FEW = 50_000
"""Deliveries that are counted within milliseconds."""

_REMEMBERED = timedelta(seconds=10)
_LAST_DELIVERED = 20
"""Deliveries among which the last success is: they are settled nearly in the order in which they were decided."""


class Tally:
    """Counts the deliveries of each channel by state.

    Of a long history, the many that were delivered or dropped are counted every few seconds only: that reads a whole
    index.
    """

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._many: dict[tuple[str, str], int] = {}

    def count(self, connection: Connection, now: datetime, *, rare: bool = False) -> dict[str, dict[str, int]]:
        """Return the number of deliveries by channel and state; `rare`: only of those in a `RARE` state."""
        counts = _count(connection, RARE)
        if not rare:
            few = sum(self._many.values()) <= _FEW
            if self._at is None or few or not timedelta(0) <= now - self._at < _REMEMBERED:
                self._at, self._many = now, _count(connection, set(DeliveryState) - RARE)
            counts = self._many | counts
        found: dict[str, dict[str, int]] = {}
        for (channel, state), number in counts.items():
            found.setdefault(channel, {})[state] = number
        return found


def _count(connection: Connection, states: Collection[str]) -> dict[tuple[str, str], int]:
    query = select(deliveries.c.channel, deliveries.c.state, func.count().label("number"))
    query = query.where(deliveries.c.state.in_(sorted(states))).group_by(deliveries.c.state, deliveries.c.channel)
    return {(row.channel, row.state): row.number for row in connection.execute(query)}


def channel_resources(
    connection: Connection, configured: Sequence[ChannelResource], tally: Tally, now: datetime, *, rare: bool = False
) -> list[ChannelResource]:
    """Return these channels with what the database knows of them; with `rare`, of deliveries only the `RARE` states."""
    counts = tally.count(connection, now, rare=rare)
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
