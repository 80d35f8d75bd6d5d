"""Runs a worker for each channel of the configuration, and replaces or stops workers when that changes.

Deliveries stand in the store and not here. So a channel with a new address goes on with what the old one left, and what
waits for a channel that is removed waits until it is back.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from notifier.config.model import Channel
from notifier.core.delivery.model import Notice, Outcome, OutcomeKind
from notifier.core.health.channel import ChannelVerdict
from notifier.core.isolation import Faults
from notifier.core.outcomes import DeliveryOutcome
from notifier.core.work_units import INTERNAL_ERROR, Unit
from notifier.delivery.senders import MessageSender, WebhookSender, sender_for
from notifier.delivery.worker import DeliveryWorker
from notifier.store.outbox import Outbox


class _RunningChannel:
    """A channel's worker, with its sender and its task."""

    def __init__(self, channel: Channel, sender: MessageSender | WebhookSender, worker: DeliveryWorker) -> None:
        self.channel = channel
        self.sender = sender
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
        if isinstance(self.sender, WebhookSender):
            await self.sender.aclose()


class Dispatcher:
    """All channels. `configure()` them, then `run()`; configure them again at any time."""

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
        verdict: Callable[[str, ChannelVerdict, Outcome], None],
        faults: Faults | None = None,
    ) -> None:
        """
        Args:
            outbox: the deliveries.
            clock: the time, UTC.
            jitter: numbers in [0, 1), to spread retries.
            redact: takes secrets out of what services answer.
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
        self._running: dict[str, _RunningChannel] = {}
        self._known_broken: set[str] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._tasks: asyncio.TaskGroup | None = None

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, channel: object) -> bool:
        return channel in self._running

    @property
    def holding(self) -> list[str]:
        """The channels whose uncertain deliveries wait for a person."""
        return [name for name, running in self._running.items() if running.worker.holds_uncertain]

    @property
    def broken(self) -> dict[str, bool]:
        """Whether each channel is broken."""
        return {name: running.worker.is_broken for name, running in self._running.items()}

    def next_try(self, channel: str) -> datetime | None:
        """When a channel that fails gets its next message; None if it does not fail. Any thread may call this."""
        running = self._running.get(channel)
        return None if running is None else running.worker.next_try

    def configure(self, channels: Mapping[str, Channel]) -> None:
        """Run these channels from now on. A channel that has not changed goes on undisturbed.

        A send in flight on a channel that is removed or changed is finished and settled.
        """
        before, self._running = self._running, {}
        for name, channel in channels.items():
            old = before.get(name)
            if old is not None and old.channel == channel:
                self._running[name] = before.pop(name)
                continue
            self._running[name] = running = self._make(channel)
            if name in self._known_broken or (old is not None and old.worker.is_broken):
                running.worker.assume_broken()  # until a message gets through
                self._known_broken.discard(name)
            if self._tasks is not None:
                self._start(running)
        for name, running in before.items():
            if name not in self._running and running.worker.is_broken:
                self._known_broken.add(name)
            running.worker.stop()
            if running.task is not None:
                self._ending.add(running.task)
                running.task.add_done_callback(partial(self._ended, name))

    def wake(self, channels: Collection[str]) -> None:
        """Wake the workers of these channels: there is something new to deliver."""
        for channel in channels:
            if channel in self._running:
                self._running[channel].worker.wake()

    def got_through(self, channel: str) -> None:
        """Try a channel at once, however long it failed: a test message got through, or somebody asks for it."""
        if channel in self._running:
            self._running[channel].worker.got_through()

    def wake_all(self) -> None:
        """Wake all workers."""
        self.wake(self._running)

    def recheck(self) -> None:
        """Let all workers compute their waits again: the clock was set."""
        for running in self._running.values():
            running.worker.recheck()

    def assume_broken(self, channel: str) -> None:
        """Treat a channel as broken: it was when the last daemon ended, and the operators know."""
        if channel in self._running:
            self._running[channel].worker.assume_broken()
        else:
            self._known_broken.add(channel)  # it may come back

    async def send_past_outbox(self, channel: str, notice: Notice) -> Outcome:
        """Send a notice that cannot be committed first: once, and without a record of it."""
        running = self._running.get(channel)
        if running is None:
            return Outcome(kind=OutcomeKind.RETRY, reason="not_configured", detail="there is no such channel now")
        with self._faults.alone(Unit.DELIVERY, f"{channel} {notice.id}") as attempt:
            return await running.sender.send([notice])
        detail = "" if attempt.fault is None else attempt.fault.detail
        return Outcome(kind=OutcomeKind.RETRY, reason=INTERNAL_ERROR, detail=detail)

    async def run(self) -> None:
        """Deliver until stopped or cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            for running in self._running.values():
                self._start(running)
            await asyncio.Event().wait()

    async def stop(self, grace: timedelta) -> None:
        """Claim nothing more, let the sends in flight end within `grace`, and cancel those that do not."""
        tasks = [*self._ending]
        for running in self._running.values():
            running.worker.stop()
            if running.task is not None:
                tasks.append(running.task)
        if tasks:
            await asyncio.wait(tasks, timeout=grace.total_seconds())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def deliver_all(self) -> None:
        """Deliver what is due now, once."""
        async with asyncio.TaskGroup() as tasks:
            for running in self._running.values():
                tasks.create_task(running.worker.deliver_all())

    async def aclose(self) -> None:
        """Close channels that were never run; those that ran closed themselves."""
        for running in self._running.values():
            await running.aclose()

    def _start(self, running: _RunningChannel) -> None:
        assert self._tasks is not None
        running.task = self._tasks.create_task(running.run())

    def _ended(self, channel: str, task: asyncio.Task[None]) -> None:
        """Wake the successor of a worker that was replaced: what that one left may be due."""
        self._ending.discard(task)
        self.wake([channel])

    def _judged(
        self, sender: MessageSender | WebhookSender, channel: str, verdict: ChannelVerdict, outcome: Outcome
    ) -> None:
        """Pass a verdict on, unless it is about a channel that was replaced: its successor judges for itself."""
        current = self._running.get(channel)
        if current is not None and current.sender is sender:
            self._verdict(channel, verdict, outcome)

    def _make(self, channel: Channel) -> _RunningChannel:
        sender = sender_for(channel, redact=self._redact, clock=self._clock, template_failed=self._template_failed)
        worker = DeliveryWorker(
            channel=sender,
            policy=channel.policy,
            outbox=self._outbox,
            clock=self._clock,
            jitter=self._jitter,
            report=self._delivered,
            dropped=self._dropped,
            verdict=partial(self._judged, sender),
            faults=self._faults,
        )
        return _RunningChannel(channel, sender, worker)
