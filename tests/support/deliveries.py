"""Short ways to deliveries, for the tests of what is done with many of them."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from notifier.core.delivery.batch import Waiting
from notifier.core.delivery.model import Deliverable, Delivery, Event
from notifier.core.delivery.routing import event_of
from notifier.core.snapshot.model import Facts
from support.fakes import START, transition, watch

SPANS = st.integers(-100, 100).map(lambda seconds: timedelta(seconds=seconds))


def event_about(snapshot_id: str, status: str = "ready", *, revision: int = 1, facts: Facts | None = None) -> Event:
    """What is told of a snapshot; its watch has the snapshot's id."""
    changed = transition(status, facts or Facts(), snapshot_id=snapshot_id, revision=revision)
    return event_of(changed, watch(snapshot_id, name=f"Job {snapshot_id}"))


def delivery_of(number: int, told: Deliverable, *, refusals: int = 0, attempt: int = 1) -> Delivery:
    """A delivery to `chat`."""
    return Delivery(
        id=number,
        channel="chat",
        attempt=attempt,
        refusals=refusals,
        created_at=START,
        wanted_at=START,
        event=told,
    )


def waiting(number: int, told: Deliverable, *, at: datetime = START, refusals: int = 0) -> Waiting:
    """A delivery that may go from a time on."""
    return Waiting(delivery=delivery_of(number, told, refusals=refusals), not_before=at)
