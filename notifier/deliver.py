"""One delivery: claim -> send -> settle, and what came of it as a value. Each channel has a task of its own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from notifier.core.delivery import Settlement, settle
from notifier.core.message import message
from notifier.core.model import Delivery, Message, Outcome, OutcomeKind
from notifier.failpoints import failpoint
from notifier.store.store import Attempt, Store

LONGEST_SLEEP = timedelta(minutes=1)
"""A channel looks for due deliveries at least this often, so that a clock that was set cannot hold one back."""


class Channel(Protocol):
    """A way to people. It answers with a value, never with an exception."""

    @property
    def name(self) -> str:
        """The channel's name in the configuration."""
        ...

    async def send(self, message: Message) -> Outcome:
        """Send one message."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryOutcome:
    """What came of one attempt: the outcome, what it made of the delivery, and how long the send took."""

    delivery: Delivery
    outcome: Outcome
    settlement: Settlement
    duration: timedelta


class Deliverer:
    """Brings one channel its deliveries, the most overdue first, one at a time."""

    def __init__(
        self,
        *,
        channel: Channel,
        store: Store,
        clock: Callable[[], datetime],
        dice: Callable[[], float],
        report: Callable[[DeliveryOutcome], None],
    ) -> None:
        """
        Args:
            channel: where to.
            store: the outbox.
            clock: the time, UTC.
            dice: numbers in [0, 1), to spread retries.
            report: told of every attempt.
        """
        self._channel = channel
        self._store = store
        self._clock = clock
        self._dice = dice
        self._report = report
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """There is something new to deliver."""
        self._woken.set()

    def stop(self) -> None:
        """Claim nothing more: `run()` ends after the send in flight."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Deliver what is due, as it becomes due, until stopped or cancelled."""
        while not self._stopping:
            self._woken.clear()
            await self.deliver_due()
            if not self._stopping:
                await self._sleep()

    async def deliver_due(self) -> None:
        """Deliver all that is due now, unless stopped."""
        while not self._stopping:
            delivery = await self._store.claim(self._channel.name, self._clock())
            if delivery is None:
                return
            await self._deliver(delivery)

    async def _sleep(self) -> None:
        due = await self._store.next_due(self._channel.name)
        pause = LONGEST_SLEEP if due is None else min(max(due - self._clock(), timedelta(0)), LONGEST_SLEEP)
        try:
            async with asyncio.timeout(pause.total_seconds()):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _deliver(self, delivery: Delivery) -> None:
        started_at = self._clock()
        try:
            failpoint("deliver.before_send")
            outcome = await self._channel.send(message(delivery.event))
            failpoint("deliver.after_send")
        except asyncio.CancelledError:
            outcome = Outcome(
                kind=OutcomeKind.UNCERTAIN,
                reason="stopped",
                detail="the notifier was stopped while this was being sent",
            )
            await self._settle(delivery, outcome, started_at)
            raise
        await self._settle(delivery, outcome, started_at)
        failpoint("deliver.after_settle")

    async def _settle(self, delivery: Delivery, outcome: Outcome, started_at: datetime) -> None:
        now = self._clock()
        settlement = settle(delivery, outcome, now, self._dice())
        duration = max(now - started_at, timedelta(0))
        attempt = Attempt(delivery=delivery, started_at=started_at, duration=duration, outcome=outcome)
        if await self._store.settle(attempt, settlement, now):
            self._report(DeliveryOutcome(delivery=delivery, outcome=outcome, settlement=settlement, duration=duration))
