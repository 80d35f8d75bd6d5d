"""The channels at work: a worker for each channel of the configuration, kept, replaced or let go when that changes.

What a channel has not delivered stands in the store and not here. So a channel with another address goes on with what
the old one had left, and what waits for a channel that is gone waits until it is back.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from notifier.config.model import Channel
from notifier.core.delivery.model import Notice, Outcome, OutcomeKind
from notifier.core.health.channel import Verdict
from notifier.core.isolation import Faults
from notifier.core.outcomes import DeliveryOutcome
from notifier.core.units import INTERNAL_ERROR, Unit
from notifier.delivery.senders import MessageSender, WebhookSender, sender_for
from notifier.delivery.worker import DeliveryWorker
from notifier.store.outbox import Outbox


class _Sender:
    """A channel's worker, with its voice and its task."""

    def __init__(self, channel: Channel, voice: MessageSender | WebhookSender, worker: DeliveryWorker) -> None:
        self.channel = channel
        self.voice = voice
        self.worker = worker
        self.task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Deliver until stopped; then nothing is left open."""
        try:
            await self.worker.run()
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close its network."""
        if isinstance(self.voice, WebhookSender):
            await self.voice.aclose()


class Dispatcher:
    """All of them. `configure` them, then `run()`; configure them again at any time."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        clock: Callable[[], datetime],
        jitter: Callable[[], float],
        redact: Callable[[str], str],
        delivered: Callable[[DeliveryOutcome], None],
        dropped: Callable[[str, str, int], None],
        template_failed: Callable[[str, str, str], None],
        verdict: Callable[[str, Verdict, Outcome], None],
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            outbox: what is to be told.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            redact: takes secrets out of what far sides said.
            delivered, dropped, template_failed, verdict: called with outcomes: see `DeliveryWorker` and `sender_for`.
            faults: bounds what a delivery raises.
        """
        self._faults = faults or Faults()
        self._outbox = outbox
        self._clock = clock
        self._jitter = jitter
        self._redact = redact
        self._delivered = delivered
        self._dropped = dropped
        self._template_failed = template_failed
        self._verdict = verdict
        self._senders: dict[str, _Sender] = {}
        self._known_broken: set[str] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    def __len__(self) -> int:
        return len(self._senders)

    def __contains__(self, channel: object) -> bool:
        return channel in self._senders

    @property
    def holding(self) -> list[str]:
        """The channels whose uncertain deliveries wait for a person."""
        return [name for name, sender in self._senders.items() if sender.worker.holds_uncertain]

    @property
    def broken(self) -> dict[str, bool]:
        """Of each channel, whether it is broken."""
        return {name: sender.worker.is_broken for name, sender in self._senders.items()}

    def configure(self, channels: Mapping[str, Channel]) -> None:
        """Have these channels from now on. One that is as it was goes on undisturbed.

        The send that is under way on one that is gone, or another now, comes to its end and is settled.
        """
        before, self._senders = self._senders, {}
        for name, channel in channels.items():
            old = before.get(name)
            if old is not None and old.channel == channel:
                self._senders[name] = before.pop(name)
                continue
            self._senders[name] = sender = self._make(channel)
            if name in self._known_broken or (old is not None and old.worker.is_broken):
                sender.worker.assume_broken()  # that it is better has to be seen, and is told then
                self._known_broken.discard(name)
            if self._tasks is not None:
                self._start(sender)
        for name, sender in before.items():
            if name not in self._senders and sender.worker.is_broken:
                self._known_broken.add(name)
            sender.worker.stop()
            if sender.task is not None:
                self._ending.add(sender.task)
                sender.task.add_done_callback(partial(self._ended, name))

    def wake(self, channels: Collection[str]) -> None:
        """There is something new to deliver; for one that is not configured it waits."""
        for channel in channels:
            if channel in self._senders:
                self._senders[channel].worker.wake()

    def got_through(self, channel: str) -> None:
        """A test message got through to a channel: what waits for it may go at once."""
        if channel in self._senders:
            self._senders[channel].worker.got_through()

    def wake_all(self) -> None:
        """There may be something to deliver for anyone."""
        self.wake(self._senders)

    def recheck(self) -> None:
        """The clock was set: what is waited for may be due."""
        for sender in self._senders.values():
            sender.worker.recheck()

    def assume_broken(self, channel: str) -> None:
        """The channel was broken when the last daemon ended, and the operators know."""
        if channel in self._senders:
            self._senders[channel].worker.assume_broken()
        else:
            self._known_broken.add(channel)  # it may come back

    async def send_past_outbox(self, channel: str, notice: Notice) -> Outcome:
        """Send a notice that cannot be committed first; it is tried once, and nobody remembers it."""
        sender = self._senders.get(channel)
        if sender is None:
            return Outcome(kind=OutcomeKind.RETRY, reason="not_configured", detail="there is no such channel now")
        with self._faults.alone(Unit.DELIVERY, f"{channel} {notice.id}") as attempt:
            return await sender.voice.send([notice])
        detail = "" if attempt.fault is None else attempt.fault.detail
        return Outcome(kind=OutcomeKind.RETRY, reason=INTERNAL_ERROR, detail=detail)

    async def run(self) -> None:
        """Deliver what is due, as it becomes due, until stopped or cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            for sender in self._senders.values():
                self._start(sender)
            await asyncio.Event().wait()

    async def stop(self, grace: timedelta) -> None:
        """Take nothing more, and let the sends in flight end within `grace`; what then has not ended is cancelled."""
        tasks = [*self._ending]
        for sender in self._senders.values():
            sender.worker.stop()
            if sender.task is not None:
                tasks.append(sender.task)
        if tasks:
            await asyncio.wait(tasks, timeout=grace.total_seconds())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def deliver_all(self) -> None:
        """Deliver what is due now, once."""
        async with asyncio.TaskGroup() as tasks:
            for sender in self._senders.values():
                tasks.create_task(sender.worker.deliver_all())

    async def aclose(self) -> None:
        """Close what was never run; what ran closed itself."""
        for sender in self._senders.values():
            await sender.aclose()

    def _start(self, sender: _Sender) -> None:
        assert self._tasks is not None
        sender.task = self._tasks.create_task(sender.run())

    def _ended(self, channel: str, task: asyncio.Task[None]) -> None:
        """What a replaced one left may be due before its successor, which did not see it, would look again."""
        self._ending.discard(task)
        self.wake([channel])

    def _judged(self, voice: MessageSender | WebhookSender, channel: str, verdict: Verdict, outcome: Outcome) -> None:
        """Pass on what was found of a channel as it is: of one that was replaced its successor judges anew."""
        current = self._senders.get(channel)
        if current is not None and current.voice is voice:
            self._verdict(channel, verdict, outcome)

    def _make(self, channel: Channel) -> _Sender:
        voice = sender_for(channel, redact=self._redact, clock=self._clock, template_failed=self._template_failed)
        worker = DeliveryWorker(
            channel=voice,
            policy=channel.policy,
            outbox=self._outbox,
            clock=self._clock,
            jitter=self._jitter,
            report=self._delivered,
            dropped=self._dropped,
            verdict=partial(self._judged, voice),
            faults=self._faults,
        )
        return _Sender(channel, voice, worker)
