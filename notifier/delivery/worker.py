"""A channel's worker: claims what is due, sends it at the channel's pace, and judges how the channel does.

Messages that are never merged go out a few at a time, in parallel; each is settled when its own answer comes. What is
committed meanwhile goes beside them, as far as the pace and the number in flight allow.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from notifier.core.delivery.batch import Batch, Waiting, next_batch
from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.core.health.channel import ChannelHealth, ChannelVerdict, after_message, clock_set, next_turn
from notifier.core.isolation import Faults
from notifier.core.outcomes import DeliveryOutcome
from notifier.core.work_units import INTERNAL_ERROR, Unit
from notifier.delivery.in_flight import InFlight, Messages
from notifier.delivery.message_delivery import DeliveryChannel, MessageDelivery
from notifier.failpoints import failpoint
from notifier.store.outbox import MOST_UNMERGED, MOST_WAITING, Outbox

LONGEST_SLEEP = timedelta(minutes=1)
"""A worker asks for due deliveries at least this often, so that a clock that was set cannot hold one back."""


class DeliveryWorker:
    """Delivers to one channel, the most overdue first."""

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
        verdict: Callable[[str, ChannelVerdict, Outcome], None] = lambda channel, verdict, outcome: None,
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            channel: where messages go.
            policy: pace, merging, quiet hours and retries.
            outbox: the deliveries.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            report: called with the outcome of every delivery in every message.
            dropped: called with the channel, the reason and the number of deliveries that were dropped.
            verdict: called when the channel breaks, and when it works again.
            faults: bounds what a delivery raises.
        """
        self._faults = faults or Faults()
        self._channel = channel
        self._policy = policy
        self._outbox = outbox
        self._clock = clock
        self._jitter = jitter
        self._message = MessageDelivery(
            channel=channel,
            policy=policy,
            outbox=outbox,
            clock=clock,
            jitter=jitter,
            report=report,
            faults=self._faults,
        )
        self._dropped = dropped
        self._verdict = verdict
        self._health = ChannelHealth()
        self._in_flight = InFlight(policy)
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._interrupted = asyncio.Event()
        self._asked = False
        self._due: datetime | None = None

    @property
    def policy(self) -> ChannelPolicy:
        """The channel's policy."""
        return self._policy

    @property
    def holds_uncertain(self) -> bool:
        """Whether uncertain deliveries wait for a person."""
        return self._policy.on_uncertain is OnUncertain.HOLD

    @property
    def is_broken(self) -> bool:
        """Whether the operators were notified that the channel is broken, and not yet that it works again."""
        return self._health.broken

    @property
    def next_try(self) -> datetime | None:
        """When a channel that fails gets its next message; None if it does not fail. It may be read in any thread."""
        health = self._health
        return (next_turn(health) or self._clock()) if health.suspended else None

    def assume_broken(self) -> None:
        """Start as broken: the channel was, when the last daemon ended, and the operators know."""
        self._health = ChannelHealth(broken=True)

    def wake(self) -> None:
        """Ask the outbox now: there is something new to deliver."""
        self._woken.set()
        self._in_flight.wake()

    def got_through(self) -> None:
        """Send the next message at once, however long the channel failed: a test got through, or somebody asks."""
        self._health = replace(self._health, gap=min(self._health.gap, self._policy.pace))
        self._interrupted.set()
        self.wake()

    def recheck(self) -> None:
        """Compute all waits again: the clock was set."""
        self._interrupted.set()
        self.wake()

    def stop(self) -> None:
        """Claim nothing more: `run()` ends after the send in flight."""
        self._stopped.set()
        self._interrupted.set()
        self.wake()

    async def run(self) -> None:
        """Deliver until stopped or cancelled."""
        while not self._stopped.is_set():
            self._woken.clear()
            self._asked = False
            with self._faults.alone(Unit.DELIVERY, self._channel.name) as attempt:
                await self.deliver_due()
                if not self._stopped.is_set():
                    await self._sleep()
            if attempt.pause is not None:
                await self._recover(attempt.pause)

    async def _recover(self, pause: timedelta) -> None:
        """After an exception of the worker itself: leave no delivery in the state `sending`."""
        with self._faults.alone(Unit.DELIVERY, f"{self._channel.name} (recovery)"):
            held = [self._channel.name] if self.holds_uncertain else []
            await self._outbox.recover(self._clock(), held, self._channel.name)
        await _wait(self._stopped, pause)

    async def deliver_due(self) -> None:
        """Send what is due now, as far as the channel's pace allows."""
        while not self._stopped.is_set() and self._turn() is None:
            batch = await self._claim()
            if not batch.send:
                return
            await self._deliver(self._messages_of(batch), full=batch.full)
            if not await self._more_is_due():
                return

    async def _claim(self) -> Batch:
        most = MOST_WAITING if self._policy.merges else MOST_UNMERGED
        batch = await self._outbox.claim(self._channel.name, self._clock(), self._decide, most)
        for reason in {reason for _, reason in batch.drop}:
            self._dropped(self._channel.name, reason, sum(reason == each for _, each in batch.drop))
        if batch.send:
            failpoint("deliver.after_claim")
        if len(batch.send) > 1:
            failpoint("deliver.digest_claimed")
        return batch

    async def _more_is_due(self) -> bool:
        """Whether to claim once more. A question takes no commit, and what it answers `_sleep` need not ask again."""
        due = await self._outbox.next_due(self._channel.name)
        if due is not None and due <= self._clock():
            return True
        self._asked, self._due = True, due
        return False

    async def deliver_all(self) -> None:
        """Send all that is due now, with waits for the channel's pace but not for one that fails."""
        while not self._stopped.is_set():
            await self.deliver_due()
            due, turn = await self._outbox.next_due(self._channel.name), self._turn()
            if due is None or due > self._clock() or turn is None or self._health.suspended:
                return
            await _wait(self._stopped, turn - self._clock())

    def _decide(self, waiting: Sequence[Waiting], muted: Collection[str]) -> Batch:
        return next_batch(
            self._in_flight.beside(waiting),
            policy=self._policy,
            muted=muted,
            now=self._clock(),
            alone=self._health.suspended,
            room=self._in_flight.room,
            batchable=self._channel.batchable,
        )

    def _turn(self) -> datetime | None:
        """Return when the channel may get its next message; None for now."""
        now = self._clock()
        self._health = clock_set(self._health, now)
        turn = next_turn(self._health)
        return None if turn is None or turn <= now else turn

    async def _sleep(self) -> None:
        turn = self._turn()
        asked, self._asked = self._asked, False
        if turn is not None and not (asked and (self._due is None or self._due > turn)):
            # Before the channel's turn only a stop or a set clock matters, not new deliveries.
            await _wait(self._interrupted, turn - self._clock())
            if not self._stopped.is_set():
                self._interrupted.clear()
            return
        due = self._due if asked else await self._outbox.next_due(self._channel.name)
        await _wait(self._woken, LONGEST_SLEEP if due is None else due - self._clock())

    def _messages_of(self, batch: Batch) -> Messages:
        if not batch.send:
            return ()
        return [batch.send] if self._policy.merges else [(each,) for each in batch.send]

    async def _deliver(self, messages: Messages, *, full: bool) -> None:
        await self._in_flight.run(
            messages, send=partial(self._send, full=full), is_more=self._may_send_beside, claim=self._claim_beside
        )
        self._health = replace(self._health, gap=max(self._health.gap, timedelta(seconds=self._in_flight.pause)))

    def _may_send_beside(self) -> bool:
        """Whether something is new, and the channel works."""
        works = not self._health.failures and not self._health.suspended
        return works and self._woken.is_set() and not self._stopped.is_set()

    async def _claim_beside(self) -> Messages:
        self._woken.clear()
        return self._messages_of(await self._claim())

    async def _send(self, messages: Messages, *, full: bool) -> None:
        """Send and settle messages that were claimed together."""
        if len(messages) == 1:
            outcomes = [await self._message.deliver(messages[0])]
        else:
            # An exception must not cancel the other sends: it would leave unknown whether they arrived.
            ended = await asyncio.gather(*(self._message.deliver(each) for each in messages), return_exceptions=True)
            for each in ended:
                if isinstance(each, BaseException):
                    raise each
            outcomes = [each for each in ended if isinstance(each, Outcome)]
        came = [(outcome, each[0].reached) for outcome, each in zip(outcomes, messages, strict=True)]
        await self._update_health(came, full=full)

    async def _update_health(self, came: Sequence[tuple[Outcome, Collection[str]]], *, full: bool) -> None:
        """Update the channel's health once for messages sent in parallel; it works if one of them got through.

        Args:
            came: the outcome of each message, and the targets that had it before.
            full: one message had no room for all that waits.
        """
        now = self._clock()
        pause = len(came) * self._policy.pace
        came = [each for each in came if each[0].reason != INTERNAL_ERROR]
        if not came:  # faults of this program say nothing about the channel
            self._health = replace(self._health, last_at=now, gap=max(self._health.gap, pause))
            return
        outcome, reached_before = next((each for each in came if _got_through(*each)), came[0])
        delivered = _got_through(outcome, reached_before)
        # A channel is not broken by one target that refuses: the others must not wait for it.
        if not delivered and outcome.reached and outcome.kind is OutcomeKind.PERMANENT:
            self._health = replace(self._health, last_at=now, gap=max(self._health.gap, pause))
            return
        was_suspended = self._health.suspended
        health, verdict = after_message(
            self._health, policy=self._policy, delivered=delivered, now=now, jitter=self._jitter(), full=full
        )
        self._health = replace(health, gap=max(health.gap, pause))
        if delivered and was_suspended:
            await self._outbox.retry_now(self._channel.name, now)
        if verdict is not None:
            self._verdict(self._channel.name, verdict, outcome)


def _got_through(outcome: Outcome, reached_before: Collection[str]) -> bool:
    return outcome.kind is OutcomeKind.DELIVERED or not outcome.reached.issubset(reached_before)


async def _wait(event: asyncio.Event, longest: timedelta) -> None:
    try:
        async with asyncio.timeout(min(max(longest, timedelta(0)), LONGEST_SLEEP).total_seconds()):
            await event.wait()
    except TimeoutError:
        return
