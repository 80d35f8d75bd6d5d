"""The pages of the deliveries: what was told to whom, when, and in which words."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from notifier.core.delivery.model import DeliveryState
from notifier.core.delivery.states import MOVES
from notifier.core.resource_pages import DeliveryPage
from notifier.core.resources import DeliveryResource
from notifier.core.words import count
from notifier.web.pages.filters import OPEN_STATES, TIMES, SentFilters
from notifier.web.pages.formats import ago
from notifier.web.pages.looks import of_delivery

CAN_RETRY = frozenset(state.value for state, following in MOVES.items() if DeliveryState.PENDING in following)
"""The states from which a delivery can be sent again."""


def context(
    found: DeliveryPage,
    filters: SentFilters,
    channels: Sequence[str],
    watch_names: Sequence[str] = (),
    several: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the template `deliveries` needs.

    Args:
        found: the page of them.
        filters: which were asked for.
        channels: the names to choose from.
        watch_names: the names of watches to suggest.
        several: the names of the watches that may be meant, if that is more than one.
    """
    names = sorted({*channels, *filter(None, [filters.channel])})
    url = filters.url()
    return {
        "path": "/deliveries",
        "rows": found.deliveries,
        "filters": filters,
        "watch_names": watch_names,
        "several": several,
        "channels": [(name, name) for name in names],
        "states": [(OPEN_STATES, "Open"), *((state.value, of_delivery(state).word) for state in DeliveryState)],
        "times": [(key, text) for key, (text, _) in TIMES.items()],
        "first_url": url if filters.after else None,
        "next_url": f"{url}{'&' if '?' in url else '?'}after={found.next_cursor}" if found.next_cursor else None,
    }


def one_context(found: DeliveryResource, now: datetime) -> dict[str, Any]:
    """Return what the template `delivery` needs."""
    return {
        "path": "/deliveries",
        "delivery": found,
        "sentence": sentence(found, now),
        "companions": companions(found),
        "can_retry": found.state in CAN_RETRY,
        "next_try": next_try(found),
        "failure": next((each for each in reversed(found.attempts or ()) if each.outcome != "delivered"), None),
    }


def companions(found: DeliveryResource) -> list[tuple[int, str]]:
    """Return the numbers and titles of the other deliveries in its message."""
    if found.digest is None:
        return []
    titles = found.digest.titles or tuple(f"Delivery {each}" for each in found.digest.ids)
    return [(number, title) for number, title in zip(found.digest.ids, titles, strict=True) if number != found.id]


def next_try(found: DeliveryResource) -> datetime | None:
    """Return when a delivery that waits is sent at the earliest; behind a channel that fails, when that is tried."""
    times = [each for each in (found.not_before, found.channel_next_try) if each is not None]
    return max(times, default=None)


def sentence(found: DeliveryResource, now: datetime) -> str:
    """Say what became of a delivery, and what happens next."""
    tries = count(found.attempts_begun, "attempt")
    when = ago(found.settled_at, now)
    at = next_try(found)
    soon = ago(at, now) if at is not None and at > now else "now"
    if found.channel_next_try is not None and at == found.channel_next_try:
        before = f"It has not arrived in {tries}. " if found.attempts_begun else ""
        return (
            f"{before}It waits behind {found.channel}, which fails: one message is tried {soon}, and the rest follow "
            "once one gets through."
        )
    match found.state:
        case "delivered":
            return f"It arrived at {found.channel} {when}, in {tries}."
        case "pending":
            return f"It waits to be sent to {found.channel}; it is due {soon}."
        case "sending":
            return f"It is being sent to {found.channel} now."
        case "retrying":
            return f"It has not arrived at {found.channel} in {tries}; the next try is {soon}."
        case "uncertain":
            return f"It may have arrived at {found.channel}: the connection broke after it was sent. Next try: {soon}."
        case "dead":
            return f"It did not arrive at {found.channel} in {tries}, and was given up {when}. It can be sent again."
        case "dropped":
            return f"It was not sent to {found.channel}: a newer message replaced it, or its watch is muted."
        case _:
            return f"For {found.channel}."
