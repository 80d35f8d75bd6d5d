"""The real parts on a real database, between an API and receivers that do as they are told, and can be killed."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, time, timedelta
from pathlib import Path
from typing import TypeVar

from promise import Promise
from sqlalchemy import Connection
from support.fakes import Clock, fixed_jitter

from notifier.brightdata.limits.permit import Permit
from notifier.core.delivery.channel_policy import ChannelPolicy, OnUncertain, Quiet
from notifier.core.delivery.model import Deliverable, Outcome, OutcomeKind
from notifier.core.health.channel import ChannelVerdict
from notifier.core.health.conditions import CHANNEL, names_of
from notifier.core.snapshot.model import Observation, Watch
from notifier.delivery.maintenance import Maintenance
from notifier.delivery.operator_notices import OperatorNotices
from notifier.delivery.worker import DeliveryWorker
from notifier.polling.poller import Poller
from notifier.store.database import Database
from notifier.store.maintenance import Audit
from notifier.store.store import Store

KEEP = timedelta(days=4)

OPERATORS = ("ops", "mail")

POLICIES = {
    "chat": ChannelPolicy(fallback="mail"),
    "mail": ChannelPolicy(quiet=Quiet(start=time(13), end=time(15), zone=UTC, exceptions=("failed",))),
    "hook": ChannelPolicy(merges=False, stretches=False, pace=timedelta(milliseconds=1), fallback="chat"),
    "held": ChannelPolicy(on_uncertain=OnUncertain.HOLD),
    "ops": ChannelPolicy(),
}

OUTCOMES = {
    "up": Outcome(kind=OutcomeKind.DELIVERED, reason="http_200"),
    "down": Outcome(kind=OutcomeKind.RETRY, reason="http_503"),
    "busy": Outcome(kind=OutcomeKind.RETRY, reason="http_429", retry_after=timedelta(minutes=10)),
    "refusing": Outcome(kind=OutcomeKind.PERMANENT, reason="http_404"),
    "gone": Outcome(kind=OutcomeKind.PERMANENT, reason="http_410"),
    "silent": Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout"),
    "unreachable": Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout"),
}
"""What a receiver can do. A silent one gets the message and does not answer; an unreachable one does not get it."""


T = TypeVar("T")

RUN = Database._run


class Killed(BaseException):
    """The process died here."""


class Api:
    """Answers as it is told. While `trouble` is set, every answer is that."""

    def __init__(self) -> None:
        self.answers: dict[str, Observation] = {}
        self.trouble: Observation | None = None

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """One poll."""
        return self.trouble or self.answers[snapshot_id]


class Receiver:
    """A channel that does as it is told, and shows the model what it gets."""

    def __init__(self, name: str, policy: ChannelPolicy, promise: Promise, clock: Clock) -> None:
        self.name, self.mood = name, "up"
        self._policy, self._promise, self._clock = policy, promise, clock

    def batchable(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """All of them: it takes any message."""
        return told

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Get these, or not."""
        self._promise.sent(self.name, self._policy, told, self._clock())
        if self.mood in ("up", "silent"):
            self._promise.arrived(self.name, told, certain=self.mood == "up")
        return OUTCOMES[self.mood]


@dataclass
class Rig:
    """One life of the process after another. `watches` and `channels` are the configuration."""

    database: Path
    clock: Clock
    api: Api
    receivers: dict[str, Receiver]
    watches: dict[str, Watch]
    channels: set[str] = field(default_factory=lambda: set(POLICIES))

    async def start(self) -> None:
        """Begin a life, as the daemon does."""
        self.store = Store(self.database)
        await self.store.__aenter__()
        await self.build()
        held = [name for name, worker in self.workers.items() if worker.holds_uncertain]
        await self.store.outbox.recover(self.clock(), held)

    async def build(self) -> None:
        """Make all parts from the configuration."""
        outbox, clock = self.store.outbox, self.clock
        self.verdicts: list[tuple[str, ChannelVerdict, Outcome]] = []
        self.audits: list[Audit] = []
        self.poller = Poller(observer=self.api, store=self.store, clock=clock, committed=_nobody)
        await self.poller.load(self.watches)
        self.workers = {
            name: DeliveryWorker(
                channel=self.receivers[name],
                policy=policy,
                outbox=outbox,
                clock=clock,
                jitter=fixed_jitter(),
                report=_nobody,
                verdict=lambda *news: self.verdicts.append(news),
            )
            for name, policy in self.policies().items()
        }
        for channel in names_of(await self.store.conditions.standing(), CHANNEL):
            if channel in self.workers:
                self.workers[channel].assume_broken()
        self.operators = OperatorNotices(
            channels=OPERATORS, outbox=outbox, conditions=self.store.conditions, clock=clock, committed=_nobody
        )
        self.maintenance = Maintenance(
            store=self.store,
            clock=clock,
            policies=self.policies(),
            keep=KEEP,
            watched=lambda: list(self.watches),
            committed=_nobody,
            audited=self._audited,
        )

    def policies(self) -> dict[str, ChannelPolicy]:
        """Of the channels that are configured; a fallback that is not is none."""
        return {
            name: replace(policy, fallback=policy.fallback if policy.fallback in self.channels else None)
            for name, policy in POLICIES.items()
            if name in self.channels
        }

    async def reload(self) -> None:
        """Take up a changed configuration."""
        await self.poller.flush_polls()
        await self.tell_operators()
        await self.build()

    async def end(self) -> None:
        """End this life. What only memory knew is gone, unless somebody saved it before."""
        await self.store.__aexit__(None, None, None)

    async def deliver(self, channel: str) -> None:
        """What a channel's task does when it wakes, and what follows from it."""
        await self.workers[channel].deliver_due()
        await self.tell_operators()

    async def tell_operators(self) -> None:
        """Tell them what is new about channels."""
        while self.verdicts:
            await self.operators.channel_changed(*self.verdicts.pop(0))

    async def _audited(self, audit: Audit) -> None:
        self.audits.append(audit)
        await self.operators.audited(audit)


def _nobody(_: object) -> None:
    """Nobody waits to be woken."""


class Failpoints:
    """A `failpoint` that raises where it is armed. From then on nothing is done that the dead could not do."""

    def __init__(self) -> None:
        self.armed, self.dead = "", False

    def __call__(self, name: str) -> None:
        """Die here, if this is where to die, or if that has happened."""
        if self.dead or name == self.armed:
            self.dead = True
            raise Killed(name)

    def transaction(self, database: Database, body: Callable[[Connection], T]) -> T:
        """Run it, unless dead."""
        if self.dead:
            raise Killed
        return RUN(database, body)


def is_death(error: BaseException) -> bool:
    """Whether nothing but a death raised it: of one task, or of several side by side."""
    return isinstance(error, Killed) or (isinstance(error, BaseExceptionGroup) and error.split(Killed)[1] is None)
