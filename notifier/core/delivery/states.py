"""The life of a delivery: the table of its states, and what one attempt's outcome makes of it.

The table is drawn in docs/architecture.md, and a test holds the drawing against it.
"""

from dataclasses import dataclass
from datetime import datetime

from notifier.core.delivery.model import Delivery, DeliveryState, Outcome, OutcomeKind
from notifier.core.delivery.policy import ChannelPolicy, OnUncertain
from notifier.core.delivery.retry_pauses import retry_pause

MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.PENDING: frozenset({DeliveryState.SENDING, DeliveryState.DROPPED}),
    DeliveryState.SENDING: frozenset(
        {DeliveryState.DELIVERED, DeliveryState.RETRYING, DeliveryState.UNCERTAIN, DeliveryState.DEAD}
    ),
    DeliveryState.RETRYING: frozenset({DeliveryState.SENDING, DeliveryState.DROPPED, DeliveryState.PENDING}),
    DeliveryState.UNCERTAIN: frozenset({DeliveryState.SENDING, DeliveryState.DROPPED, DeliveryState.PENDING}),
    DeliveryState.DELIVERED: frozenset(),
    DeliveryState.DEAD: frozenset({DeliveryState.PENDING}),
    DeliveryState.DROPPED: frozenset(),
}
"""From each state, the states that may follow."""

CLAIMABLE = tuple(state for state, following in MOVES.items() if DeliveryState.SENDING in following)
"""The states in which a delivery waits for its `not_before` to be sent."""

FINAL = frozenset({"http_410"})
"""The reasons after which nothing is tried again: the far side says that it is gone for good (RFC 9110, 15.5.11)."""

OPEN = (*CLAIMABLE, DeliveryState.SENDING)
"""The states in which a delivery has not come to its end."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """What an attempt made of its delivery: the state, and when it may be sent again.

    `not_before` is None at an end, and for what is held until somebody asks for it.
    """

    state: DeliveryState
    not_before: datetime | None


def settle(
    delivery: Delivery, outcome: Outcome, now: datetime, jitter: float, policy: ChannelPolicy | None = None
) -> Settlement:
    """Decide what follows an attempt.

    Args:
        delivery: what was sent; its state is `sending`.
        outcome: what became of it.
        now: when that was known.
        jitter: a number in [0, 1) that spreads the retries.
        policy: its channel's; the usual one, unless given.
    """
    policy = policy or ChannelPolicy()
    if outcome.kind is OutcomeKind.DELIVERED:
        return Settlement(state=DeliveryState.DELIVERED, not_before=None)
    if outcome.reason in FINAL:
        return Settlement(state=DeliveryState.DEAD, not_before=None)
    uncertain = outcome.kind is OutcomeKind.UNCERTAIN
    if uncertain and policy.on_uncertain is OnUncertain.HOLD:
        return Settlement(state=DeliveryState.UNCERTAIN, not_before=None)
    pause = retry_pause(
        kind=outcome.kind,
        attempt=delivery.refusals + 1 if outcome.kind is OutcomeKind.PERMANENT else delivery.attempt,
        age=now - delivery.wanted_at,
        retry_after=outcome.retry_after,
        jitter=jitter,
        give_up_after=policy.give_up_after,
    )
    if pause is None:
        return Settlement(state=DeliveryState.DEAD, not_before=None)
    return Settlement(state=DeliveryState.UNCERTAIN if uncertain else DeliveryState.RETRYING, not_before=now + pause)
