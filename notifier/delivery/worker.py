"""One channel's messages: take -> send -> settle, and what came of each delivery, as a value. A task each.

What is never merged goes out a few at a time, side by side; each is settled as its own answer comes.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from notifier.core.delivery.batch import Batch, Waiting, next_batch
from notifier.core.delivery.model import Deliverable, Delivery, Event, Outcome, OutcomeKind
from notifier.core.delivery.policy import ChannelPolicy, OnUncertain
from notifier.core.delivery.states import settle
from notifier.core.health.channel import ChannelHealth, Verdict, after_message, clock_set, next_turn
from notifier.core.isolation import Faults
from notifier.core.outcomes import DeliveryOutcome
from notifier.core.units import INTERNAL_ERROR, Unit
from notifier.failpoints import failpoint, fault
from notifier.store.attempts import Attempt
from notifier.store.outbox import MOST_APART, MOST_WAITING, Outbox

LONGEST_SLEEP = timedelta(minutes=1)
"""A channel looks for due deliveries at least this often, so that a clock that was set cannot hold one back."""


MOST_PARTS = 64
"""A message that cannot be made is sent in parts, until the delivery is found that is to blame; so many at most."""


class DeliveryChannel(Protocol):
    """A way to people or programs. It answers with a value, never with an exception."""

    @property
    def name(self) -> str:
        """The channel's name in the configuration."""
        ...

    def going_together(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """Of these, those that one message to the channel has room for; at least one."""
        ...

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Send these as one message, but not to those of the channel's targets that have it already."""
        ...


class DeliveryWorker:
    """Brings one channel its messages, at its pace, the most overdue first."""

    def __init__(
        self,
        *,
        channel: DeliveryChannel,
        policy: ChannelPolicy,
        outbox: Outbox,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        report: Callable[[DeliveryOutcome], None],
        dropped: Callable[[str, str, int], None] = lambda channel, reason, number: None,
        verdict: Callable[[str, Verdict, Outcome], None] = lambda channel, verdict, outcome: None,
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            channel: where to.
            policy: how it wants its messages.
            outbox: what is to be told.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            report: told of every delivery in every message.
            dropped: told how many deliveries were dropped for which reason.
            verdict: told when the channel broke, and when it works again.
            faults: bounds what a delivery raises.
        """
        self._faults = faults or Faults()
        self._channel = channel
        self._policy = policy
        self._outbox = outbox
        self._clock = clock
        self._jitter = jitter
        self._report = report
        self._dropped = dropped
        self._verdict = verdict
        self._health = ChannelHealth()
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._interrupted = asyncio.Event()

    @property
    def policy(self) -> ChannelPolicy:
        """How the channel wants its messages."""
        return self._policy

    @property
    def holds_uncertain(self) -> bool:
        """Whether what is uncertain waits for a person."""
        return self._policy.on_uncertain is OnUncertain.HOLD

    @property
    def is_broken(self) -> bool:
        """Whether the operators have been told that the channel is broken, and not yet that it works again."""
        return self._health.broken

    def assume_broken(self) -> None:
        """The channel was broken when the last daemon ended, and the operators know."""
        self._health = ChannelHealth(broken=True)

    def wake(self) -> None:
        """There is something new to deliver."""
        self._woken.set()

    def got_through(self) -> None:
        """The channel took a message that was not ours: give it the next one at once, however long it failed."""
        self._health = replace(self._health, gap=min(self._health.gap, self._policy.pace))
        self._interrupted.set()
        self._woken.set()

    def reconsider(self) -> None:
        """The clock was set: what is waited for may be due."""
        self._interrupted.set()
        self._woken.set()

    def stop(self) -> None:
        """Take nothing more: `run()` ends after the send in flight."""
        self._stopped.set()
        self._interrupted.set()
        self._woken.set()

    async def run(self) -> None:
        """Deliver what is due, as it becomes due, until stopped or cancelled."""
        while not self._stopped.is_set():
            self._woken.clear()
            with self._faults.alone(Unit.DELIVERY, self._channel.name) as attempt:
                await self.deliver_due()
                if not self._stopped.is_set():
                    await self._sleep()
            if attempt.pause is not None:
                await self._go_on(attempt.pause)

    async def _go_on(self, pause: timedelta) -> None:
        """After the channel's own round has raised: nothing of it may stay behind as being sent."""
        with self._faults.alone(Unit.DELIVERY, f"{self._channel.name} (what was left)"):
            held = [self._channel.name] if self.holds_uncertain else []
            await self._outbox.recover(self._clock(), held, self._channel.name)
        await _wait(self._stopped, pause)

    async def deliver_due(self) -> None:
        """Send what is due now, as far as the channel's pace allows."""
        while not self._stopped.is_set() and self._turn() is None:
            now = self._clock()
            most = MOST_WAITING if self._policy.merges else MOST_APART
            batch = await self._outbox.take(self._channel.name, now, self._decide, most)
            for reason in {reason for _, reason in batch.drop}:
                self._dropped(self._channel.name, reason, sum(reason == each for _, each in batch.drop))
            if not batch.send:
                return
            failpoint("deliver.after_claim")
            if len(batch.send) > 1:
                failpoint("deliver.digest_claimed")
            messages = [batch.send] if self._policy.merges else [(each,) for each in batch.send]
            await self._deliver(messages, full=batch.full)

    async def deliver_all(self) -> None:
        """Send what is due now, waiting for the channel's pace where that is all there is to wait for."""
        while not self._stopped.is_set():
            await self.deliver_due()
            due, turn = await self._outbox.next_due(self._channel.name), self._turn()
            if due is None or due > self._clock() or turn is None or self._health.suspended:
                return
            await _wait(self._stopped, turn - self._clock())

    def _decide(self, waiting: Sequence[Waiting], muted: Collection[str]) -> Batch:
        return next_batch(
            waiting,
            policy=self._policy,
            muted=muted,
            now=self._clock(),
            alone=self._health.suspended,
            going_together=self._channel.going_together,
        )

    def _turn(self) -> datetime | None:
        """When the channel may be given its next message; None for now."""
        now = self._clock()
        self._health = clock_set(self._health, now)
        turn = next_turn(self._health)
        return None if turn is None or turn <= now else turn

    async def _sleep(self) -> None:
        turn = self._turn()
        if turn is not None:
            # Before its turn nothing can be done, whatever wakes it, but stopping and looking at the clock again.
            await _wait(self._interrupted, turn - self._clock())
            if not self._stopped.is_set():
                self._interrupted.clear()
            return
        due = await self._outbox.next_due(self._channel.name)
        await _wait(self._woken, LONGEST_SLEEP if due is None else due - self._clock())

    async def _deliver(self, messages: Sequence[Sequence[Delivery]], *, full: bool) -> None:
        parts = [MOST_PARTS]
        if len(messages) == 1:
            outcomes = [await self._deliver_one(messages[0], parts)]
        else:
            # One that raises must not cancel the others, which would leave open whether they arrived.
            ended = await asyncio.gather(*(self._deliver_one(each, parts) for each in messages), return_exceptions=True)
            for each in ended:
                if isinstance(each, BaseException):
                    raise each
            outcomes = [each for each in ended if isinstance(each, Outcome)]
        came = [(outcome, each[0].reached) for outcome, each in zip(outcomes, messages, strict=True)]
        await self._judge(came, full=full)

    async def _deliver_one(self, batch: Sequence[Delivery], parts: list[int]) -> Outcome:
        """Send one message and settle it; in parts, if it cannot be made. What stands in `parts` may still be tried."""
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
            first = await self._deliver_one(batch[:middle], parts)
            second = await self._deliver_one(batch[middle:], parts)
            return first if first.reason != INTERNAL_ERROR else second
        with self._faults.alone(Unit.DELIVERY, f"{self._channel.name} (settling)") as settling:
            await self._settle(batch, outcome, started_at)
        if settling.fault is not None:  # what the far side said is perhaps to blame, and not worth a second copy
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
        jitter = self._jitter()  # one throw: what went together stays together
        settled = [
            (
                Attempt(
                    delivery=delivery,
                    started_at=started_at,
                    duration=duration,
                    outcome=outcome,
                    together=len(batch),
                ),
                settle(delivery, outcome, now, jitter, self._policy),
            )
            for delivery in batch
        ]
        if not await self._outbox.settle(settled, now):
            return
        for attempt, settlement in settled:
            self._report(
                DeliveryOutcome(
                    delivery=attempt.delivery,
                    outcome=outcome,
                    settlement=settlement,
                    duration=duration,
                    together=len(batch),
                )
            )

    async def _judge(self, came: Sequence[tuple[Outcome, Collection[str]]], *, full: bool) -> None:
        """Given what came of the messages that went side by side, and who had each before: together they say once
        how the channel does. It works if one got through; for as many the pause is as much longer."""
        now = self._clock()
        pause = len(came) * self._policy.pace
        came = [each for each in came if each[0].reason != INTERNAL_ERROR]
        if not came:  # that says nothing of the channel: what waits beside it goes on
            self._health = replace(self._health, last_at=now, gap=max(self._health.gap, pause))
            return
        outcome, reached_before = next((each for each in came if _got_through(*each)), came[0])
        delivered = _got_through(outcome, reached_before)
        # One target that refuses is not the channel: the others must not wait for it.
        if not delivered and outcome.reached and outcome.kind is OutcomeKind.PERMANENT:
            self._health = replace(self._health, last_at=now, gap=max(self._health.gap, pause))
            return
        was_suspended = self._health.suspended
        health, verdict = after_message(
            self._health, policy=self._policy, delivered=delivered, now=now, jitter=self._jitter(), full=full
        )
        self._health = replace(health, gap=max(health.gap, pause))
        if delivered and was_suspended:
            await self._outbox.hasten(self._channel.name, now)
        if verdict is not None:
            self._verdict(self._channel.name, verdict, outcome)


def _subject_of(told: Deliverable) -> str:
    return told.transition.snapshot_id if isinstance(told, Event) else told.subject


def _got_through(outcome: Outcome, reached_before: Collection[str]) -> bool:
    return outcome.kind is OutcomeKind.DELIVERED or not outcome.reached.issubset(reached_before)


async def _wait(event: asyncio.Event, longest: timedelta) -> None:
    try:
        async with asyncio.timeout(min(max(longest, timedelta(0)), LONGEST_SLEEP).total_seconds()):
            await event.wait()
    except TimeoutError:
        return
