"""Short ways to fill an outbox and to see what is in it."""

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from notifier.core.delivery.batch import Batch, Waiting, next_batch
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.delivery.model import Delivery, Event, Outcome
from notifier.core.delivery.retry_decision import decide
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import SnapshotState
from notifier.core.snapshot.transitions import step
from notifier.store.attempts import Attempt
from notifier.store.reader import DeliveryRow, Reader
from notifier.store.store import Store
from support.fakes import DELIVERED, START, seen, watch

USUAL = ChannelPolicy()


async def tell(
    store: Store, *channels: str, snapshot_id: str = "s_1", status: str = "ready", at: datetime = START
) -> Event:
    """Commit that a snapshot has come to a status, for these channels."""
    before = await store.state(snapshot_id)
    after, (changed,) = step(before, seen(status), at, timedelta(0))
    event = event_of(changed, watch(snapshot_id))
    assert await store.commit(watch=watch(snapshot_id), before=before, after=after, events=[(event, channels)])
    return event


async def take(
    store: Store, channel: str = "chat", *, at: datetime = START, policy: ChannelPolicy = USUAL, alone: bool = False
) -> Batch:
    """What a channel of this policy takes."""

    def decide(waiting: Sequence[Waiting], muted: Collection[str]) -> Batch:
        return next_batch(waiting, policy=policy, muted=muted, now=at, alone=alone)

    return await store.outbox.claim(channel, at, decide)


async def settled(
    store: Store,
    deliveries: Sequence[Delivery],
    outcome: Outcome = DELIVERED,
    *,
    at: datetime = START,
    policy: ChannelPolicy = USUAL,
) -> bool:
    """Settle these with one outcome."""
    attempts = [
        Attempt(delivery=each, started_at=at, duration=timedelta(seconds=1), outcome=outcome, together=len(deliveries))
        for each in deliveries
    ]
    return await store.outbox.settle([(each, decide(each.delivery, outcome, at, 0.5, policy)) for each in attempts], at)


def rows(database: Path) -> list[DeliveryRow]:
    """Every delivery, the oldest first."""
    return Reader(database).deliveries(limit=100_000)[::-1]


def states(database: Path) -> list[tuple[str, str, str]]:
    """The channel, state and reason of every delivery, the oldest first."""
    return [(row.channel, row.state, row.reason) for row in rows(database)]


def sql(database: Path, statement: str, *values: Any) -> list[Any]:
    """Do this to the database behind everybody's back."""
    with closing(sqlite3.connect(database, timeout=5)) as connection, connection:
        return connection.execute(statement, values).fetchall()


def micros(moment: datetime) -> int:
    """The moment as the database keeps it."""
    return round((moment - datetime.fromtimestamp(0, START.tzinfo)) / timedelta(microseconds=1))


def blank(snapshot_id: str = "s_1") -> SnapshotState:
    """Nothing known of a snapshot."""
    return SnapshotState(snapshot_id=snapshot_id)
