"""A delivery worker of one channel on a real store, with a fake channel, and short ways to events for it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Event
from notifier.core.delivery.routing import event_of
from notifier.core.isolation import Faults
from notifier.core.snapshot.model import SnapshotState
from notifier.core.snapshot.transitions import step
from notifier.delivery.worker import DeliveryWorker
from notifier.store.reader import DeliveryRow, Reader
from notifier.store.store import Store
from support.fakes import START, Clock, Collected, FakeChannel, fixed_jitter, seen, watch


async def tell(store: Store, snapshot_id: str = "s_1", *channels: str, after_s: float = 0) -> None:
    """Commit that the snapshot is ready, for these channels, `chat` unless given."""
    before = SnapshotState(snapshot_id=snapshot_id)
    after, (told,) = step(before, seen("ready"), START + timedelta(seconds=after_s), timedelta(0))
    event = event_of(told, watch(snapshot_id, name=snapshot_id))
    committed = await store.commit(
        watch=watch(snapshot_id), before=before, after=after, events=[(event, channels or ("chat",))]
    )
    assert committed


APART = ChannelPolicy(pace=timedelta(0), stretches=False, merges=False)
"""Each event by itself, as fast as they go."""

ONE_BY_ONE = replace(APART, pace=timedelta(milliseconds=21))
"""The same, with so much time between two that never two are on their way."""


class Bench:
    """A worker with a fake channel and a clock; `attempts` is what it reported.

    What it raises is raised to the test; if `bounded`, it is collected in `faults`.
    """

    def __init__(
        self,
        store: Store,
        channel: FakeChannel,
        clock: Clock | None = None,
        policy: ChannelPolicy = APART,
        *,
        bounded: bool = False,
    ) -> None:
        self.clock, self.channel, self.attempts = clock or Clock(), channel, Collected()
        self.dropped: list[tuple[str, str, int]] = []
        self.verdicts: list[str] = []
        self.faults = Collected()
        self.worker = DeliveryWorker(
            channel=channel,
            policy=policy,
            outbox=store.outbox,
            clock=self.clock,
            jitter=fixed_jitter(),
            report=self.attempts,
            dropped=lambda *dropped: self.dropped.append(dropped),
            verdict=lambda name, verdict, outcome: self.verdicts.append(verdict),
            faults=Faults(self.faults) if bounded else None,
        )

    @property
    def told(self) -> list[list[str]]:
        """The names in each message."""
        return [[each.name for each in sent if isinstance(each, Event)] for sent in self.channel.sent]

    @property
    def states(self) -> list[str]:
        return [each.decision.state for each in self.attempts]


def stored(database: Path) -> DeliveryRow:
    """The only delivery there is, with its attempts."""
    (row,) = Reader(database).deliveries()
    found = Reader(database).delivery(row.id)
    assert found is not None
    return found
