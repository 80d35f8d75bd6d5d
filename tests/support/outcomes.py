"""Short ways to outcomes, as the daemon reports them."""

from datetime import timedelta

from notifier.core.delivery.model import Deliverable
from notifier.core.delivery.retry_decision import decide
from notifier.core.outcomes import CommittedEvent, DeliveryOutcome, ListOutcome, PollOutcome
from notifier.core.snapshot.model import Unclear
from support.deliveries import delivery_of, event_about
from support.fakes import DELIVERED, START, seen, watch

SECOND = timedelta(seconds=1)


def poll_of(snapshot_id: str, *words: str, channels: tuple[str, ...] = ("chat",)) -> PollOutcome:
    """A poll that was told `running`, or that committed events with these names."""
    committed = tuple(CommittedEvent(event=event_about(snapshot_id, word), channels=channels) for word in words)
    return PollOutcome(
        watch=watch(snapshot_id),
        observation=seen(words[-1] if words else "running"),
        committed=committed,
        superseded=False,
        lag=SECOND,
        duration=SECOND,
        pause=30 * SECOND,
    )


def delivered(number: int, told: Deliverable) -> DeliveryOutcome:
    """A delivery that arrived."""
    made = delivery_of(number, told)
    decision = decide(made, DELIVERED, START, 0.5)
    return DeliveryOutcome(delivery=made, outcome=DELIVERED, decision=decision, duration=SECOND)


def list_of(dataset_id: str, *, found: int = 0, unclear: Unclear | None = None) -> ListOutcome:
    """A list of a dataset."""
    return ListOutcome(dataset_id=dataset_id, found=found, unclear=unclear, lag=SECOND, duration=SECOND)
