"""Commits of transitions, and single claims and attempts, over a real store."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from notifier.core.delivery.batch import Batch, Waiting, next_batch
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Delivery, Event, Outcome
from notifier.core.delivery.retry_decision import RetryDecision
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Observation, SnapshotState, Watch
from notifier.core.snapshot.transitions import step
from notifier.store.attempts import Attempt
from notifier.store.reader import DeliveryRow, Reader
from notifier.store.store import Store
from support.fakes import DELIVERED, START, seen, watch

PAUSE = timedelta(seconds=30)

APART = ChannelPolicy(merges=False)


def rows(database: Path) -> list[DeliveryRow]:
    """Every delivery, the oldest first."""
    return Reader(database).deliveries()[::-1]


def moved(
    state: SnapshotState, observation: Observation, *, after_s: float = 0, watched: Watch | None = None
) -> tuple[SnapshotState, Event]:
    """The state and the event that an observation leads to."""
    after, (told,) = step(state, observation, START + timedelta(seconds=after_s), PAUSE)
    return after, event_of(told, watched or watch(state.snapshot_id))


async def tell(store: Store, *channels: str, snapshot_id: str = "s_1", after_s: float = 0) -> Event:
    """Commit that the snapshot is ready, for these channels."""
    before = SnapshotState(snapshot_id=snapshot_id)
    after, event = moved(before, seen("ready"), after_s=after_s)
    assert await store.commit(watch=watch(snapshot_id), before=before, after=after, events=[(event, channels)])
    return event


async def claim(store: Store, channel: str, now: datetime) -> Delivery | None:
    """The one that a channel takes that does not merge."""

    def decide(waiting: Sequence[Waiting], muted: Collection[str]) -> Batch:
        return next_batch(waiting, policy=APART, muted=muted, now=now)

    batch = await store.outbox.claim(channel, now, decide)
    assert len(batch.send) <= 1
    return batch.send[0] if batch.send else None


async def take(store: Store, channel: str = "chat", *, after_s: float = 0) -> Delivery:
    delivery = await claim(store, channel, START + timedelta(seconds=after_s))
    assert delivery is not None
    return delivery


async def settled(store: Store, attempt: Attempt, decision: RetryDecision, now: datetime) -> bool:
    return await store.outbox.settle([(attempt, decision)], now)


def attempt(delivery: Delivery, outcome: Outcome = DELIVERED) -> Attempt:
    return Attempt(delivery=delivery, started_at=START, duration=timedelta(milliseconds=250), outcome=outcome)
