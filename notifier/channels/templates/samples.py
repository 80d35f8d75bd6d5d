"""Sample events of every kind, to check templates and channels: each with all facts and with none."""

from datetime import UTC, datetime, timedelta

from notifier.core.delivery.model import Event
from notifier.core.snapshot.model import MISSING, Facts, Transition

_KINDS: tuple[tuple[str, ...], ...] = (
    ("starting",),
    ("running",),
    ("ready", "complete"),
    ("ready", "partial"),
    ("ready", "empty"),
    ("ready",),
    ("failed",),
    ("canceled",),
    (MISSING,),
    ("stalled",),
    ("expiring",),
    ("again",),
    ("a word, not known yet",),
)

_ALL_FACTS = Facts(
    dataset_id="gd_l1vikfnt1wgvvqz95w",
    records=12_345,
    errors=7,
    error_message="The crawler was stopped: 7 pages did not answer",
    error_codes=(("timeout", 5), ("http_503", 2)),
    running_time_ms=36_000,
    collection_duration_ms=36_592,
)


def sample_events() -> tuple[Event, ...]:
    """Returns two events of each kind: one with all facts, labels and a delay, and one without."""
    return tuple(_event(names, bare=bare) for names in _KINDS for bare in (False, True))


def _event(names: tuple[str, ...], *, bare: bool) -> Event:
    return Event(
        id="evt_0123456789abcdef0123",
        watch_id="s_m4x7enmven8djfqak",
        name="Amazon products, nightly",
        labels={} if bare else {"team": "growth", "tier": "1"},
        transition=Transition(
            snapshot_id="s_m4x7enmven8djfqak",
            revision=2,
            previous="unknown" if bare else "running",
            status=names[0],
            names=names,
            facts=Facts() if bare else _ALL_FACTS,
            observed_at=datetime(2026, 11, 23, 14, 32, 0, 123_456, tzinfo=UTC),
            late_by=timedelta(0) if bare else timedelta(minutes=7),
        ),
    )
