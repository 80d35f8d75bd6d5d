"""Attempts, and the rows that are written for attempts and deliveries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from notifier.core.delivery.model import Delivery, DeliveryState, Event, Notice, Outcome
from notifier.core.delivery.retry_decision import RetryDecision
from notifier.core.delivery.states import OPEN


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """An attempt to send that has ended. `together` deliveries went out as one message."""

    delivery: Delivery
    started_at: datetime
    duration: timedelta
    outcome: Outcome
    together: int = 1


def new_delivery(deliverable: Event | Notice, channel: str) -> dict[str, Any]:
    """Return a row of `deliveries`, due at once."""
    decided_at = deliverable.at if isinstance(deliverable, Notice) else deliverable.transition.observed_at
    return {
        "event_id": deliverable.id if isinstance(deliverable, Event) else None,
        "notice_id": deliverable.id if isinstance(deliverable, Notice) else None,
        "channel": channel,
        "state": DeliveryState.PENDING,
        "attempt": 0,
        "not_before": decided_at,
        "created_at": decided_at,
        "wanted_at": decided_at,
        "reason": "",
    }


def settled_row(attempt: Attempt, decision: RetryDecision, now: datetime) -> dict[str, Any]:
    """Return the values for the statement that settles a delivery if it is still in this attempt."""
    return {
        "of_id": attempt.delivery.id,
        "of_attempt": attempt.delivery.attempt,
        "new_state": decision.state,
        "new_not_before": decision.not_before,
        "new_settled_at": None if decision.state in OPEN else now,
        "new_reason": attempt.outcome.reason,
        "new_reached": sorted(attempt.outcome.reached | attempt.delivery.reached) or None,
    }


def attempt_row(attempt: Attempt) -> dict[str, Any]:
    """Return a row of `attempts`."""
    return {
        "delivery_id": attempt.delivery.id,
        "number": attempt.delivery.attempt,
        "started_at": attempt.started_at,
        "duration": attempt.duration,
        "outcome": attempt.outcome.kind,
        "reason": attempt.outcome.reason,
        "detail": attempt.outcome.detail,
        "together": attempt.together,
    }
