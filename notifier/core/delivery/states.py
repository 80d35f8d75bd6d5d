"""The state machine of a delivery: its moves, and what an attempt's outcome leads to.

docs/architecture.md draws it, and a test compares the two.
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
"""The states that may follow each state."""

CLAIMABLE = tuple(state for state, following in MOVES.items() if DeliveryState.SENDING in following)
"""The states in which a delivery waits for its `not_before` to be sent."""

FINAL = frozenset({"http_410"})
"""Reasons that end a delivery at once: the receiver says that it is gone for good (RFC 9110, 15.5.11)."""

OPEN = (*CLAIMABLE, DeliveryState.SENDING)
"""The states of a delivery that has not ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """The state of a delivery after an attempt, and when it may be sent again.

    `not_before` is None if it has ended, or is held until a person asks for it.
    """

    state: DeliveryState
    not_before: datetime | None


def settle(
    delivery: Delivery, outcome: Outcome, now: datetime, jitter: float, policy: ChannelPolicy | None = None
) -> Settlement:
    """Decide what follows an attempt.

    Args:
        delivery: the delivery; its state is `sending`.
        outcome: the result of the attempt.
        now: when that was known.
        jitter: a number in [0, 1) that spreads the retries.
        policy: the channel's; the default one, unless given.
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
