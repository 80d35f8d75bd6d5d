"""What follows an attempt to deliver: delivered, tried again after a pause, held, or given up."""

from dataclasses import dataclass
from datetime import datetime

from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain
from notifier.core.delivery.model import Delivery, DeliveryState, Outcome, OutcomeKind
from notifier.core.delivery.retry_pauses import retry_pause

FINAL = frozenset({"http_410"})
"""Reasons that end a delivery at once: the receiver says that it is gone for good (RFC 9110, 15.5.11)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryDecision:
    """The state of a delivery after an attempt, and when it may be sent again.

    `not_before` is None if it has ended, or is held until a person asks for it.
    """

    state: DeliveryState
    not_before: datetime | None


def decide(
    delivery: Delivery, outcome: Outcome, now: datetime, jitter: float, policy: ChannelPolicy | None = None
) -> RetryDecision:
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
        return RetryDecision(state=DeliveryState.DELIVERED, not_before=None)
    if outcome.reason in FINAL:
        return RetryDecision(state=DeliveryState.DEAD, not_before=None)
    uncertain = outcome.kind is OutcomeKind.UNCERTAIN
    if uncertain and policy.on_uncertain is OnUncertain.HOLD:
        return RetryDecision(state=DeliveryState.UNCERTAIN, not_before=None)
    pause = retry_pause(
        kind=outcome.kind,
        attempt=delivery.refusals + 1 if outcome.kind is OutcomeKind.PERMANENT else delivery.attempt,
        age=now - delivery.wanted_at,
        retry_after=outcome.retry_after,
        jitter=jitter,
        give_up_after=policy.give_up_after,
    )
    if pause is None:
        return RetryDecision(state=DeliveryState.DEAD, not_before=None)
    return RetryDecision(state=DeliveryState.UNCERTAIN if uncertain else DeliveryState.RETRYING, not_before=now + pause)
