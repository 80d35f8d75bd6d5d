"""Sends one message to a channel and settles the deliveries in it, whatever the attempt comes to."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Deliverable, Delivery, Event, Outcome, OutcomeKind
from notifier.core.delivery.retry_decision import decide
from notifier.core.isolation import Faults
from notifier.core.outcomes import DeliveryOutcome
from notifier.core.work_units import INTERNAL_ERROR, Unit
from notifier.failpoints import failpoint, fault
from notifier.store.attempts import Attempt
from notifier.store.outbox import Outbox

MOST_PARTS = 64
"""Parts of a message that raises: it is halved until the delivery is found that makes it raise, or so many are sent."""


class DeliveryChannel(Protocol):
    """A way to people or programs. It answers with a value, never with an exception."""

    @property
    def name(self) -> str:
        """The channel's name in the configuration."""
        ...

    def batchable(self, deliverables: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """Return those of these that fit into one message to the channel; at least one."""
        ...

    async def send(self, deliverables: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Send these as one message, but not to those of the channel's targets that have it already."""
        ...


class MessageDelivery:
    """The attempts of one channel."""

    def __init__(
        self,
        *,
        channel: DeliveryChannel,
        policy: ChannelPolicy,
        outbox: Outbox,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        report: Callable[[DeliveryOutcome], None],
        faults: Faults,
    ) -> None:
        """
        Args:
            channel: where messages go.
            policy: the channel's; when to give up, and what to do with an uncertain attempt.
            outbox: where attempts are recorded.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            report: called with the outcome of every delivery in every message.
            faults: bounds what an attempt raises.
        """
        self._channel = channel
        self._policy = policy
        self._outbox = outbox
        self._clock = clock
        self._jitter = jitter
        self._report = report
        self._faults = faults

    async def deliver(self, batch: Sequence[Delivery]) -> Outcome:
        """Send claimed deliveries as one message and settle them; a message that raises is sent in parts."""
        return await self._deliver(batch, [MOST_PARTS])

    async def _deliver(self, batch: Sequence[Delivery], parts: list[int]) -> Outcome:
        """Send one message and settle it; in parts if it raises. `parts` holds the number that may still be sent."""
        started_at = self._clock()
        try:
            failpoint("deliver.before_send")
            outcome = await self._send(batch)
            failpoint("deliver.after_send")
        except asyncio.CancelledError:
            outcome = Outcome(
                kind=OutcomeKind.UNCERTAIN,
                reason="stopped",
                detail="the notifier was stopped while this was being sent",
            )
            await self._settle(batch, outcome, started_at)
            raise
        parts[0] -= 1
        if outcome.reason == INTERNAL_ERROR and len(batch) > 1 and parts[0] > 0:
            middle = len(batch) // 2
            first = await self._deliver(batch[:middle], parts)
            second = await self._deliver(batch[middle:], parts)
            return first if first.reason != INTERNAL_ERROR else second
        with self._faults.alone(Unit.DELIVERY, f"{self._channel.name} (settling)") as settling:
            await self._settle(batch, outcome, started_at)
        if settling.fault is not None:  # perhaps because of the answer's text, which is not worth a second copy
            await self._settle(batch, replace(outcome, detail=settling.fault.detail, reached=frozenset()), started_at)
        failpoint("deliver.after_settle")
        if outcome.kind is not OutcomeKind.DELIVERED:
            failpoint("deliver.retry_settled")
        return outcome

    async def _send(self, batch: Sequence[Delivery]) -> Outcome:
        subject = f"{self._channel.name} {batch[0].event.id}"
        with self._faults.alone(Unit.DELIVERY, subject) as attempt:
            for delivery in batch:
                fault(Unit.DELIVERY, _subject_of(delivery.event))
            return await self._channel.send([delivery.event for delivery in batch], batch[0].reached)
        assert attempt.fault is not None
        return Outcome(kind=OutcomeKind.RETRY, reason=INTERNAL_ERROR, detail=attempt.fault.detail)

    async def _settle(self, batch: Sequence[Delivery], outcome: Outcome, started_at: datetime) -> None:
        now = self._clock()
        duration = max(now - started_at, timedelta(0))
        jitter = self._jitter()  # one for all: what went out as one message is retried as one
        settled = [
            (
                Attempt(
                    delivery=delivery,
                    started_at=started_at,
                    duration=duration,
                    outcome=outcome,
                    together=len(batch),
                ),
                decide(delivery, outcome, now, jitter, self._policy),
            )
            for delivery in batch
        ]
        if not await self._outbox.settle(settled, now):
            return
        for attempt, decision in settled:
            self._report(
                DeliveryOutcome(
                    delivery=attempt.delivery,
                    outcome=outcome,
                    decision=decision,
                    duration=duration,
                    together=len(batch),
                )
            )


def _subject_of(deliverable: Deliverable) -> str:
    return deliverable.transition.snapshot_id if isinstance(deliverable, Event) else deliverable.subject
