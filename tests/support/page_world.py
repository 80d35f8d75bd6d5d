"""A made-up notifier to look at: resources of every kind, the same each time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.core.resource_parts import AttemptResource, CollectionResource, NotifiedResource, StatusSpanResource
from notifier.core.resources import (
    ActionResource,
    ChannelResource,
    ConditionResource,
    ConfigurationResource,
    DatasetResource,
    DeliveryResource,
    SnapshotResource,
)
from notifier.core.snapshot.statuses import Phase, phase_of

NOW = datetime(2026, 11, 23, 14, 32, tzinfo=UTC)
PRODUCTS, PROFILES = "gd_l1vikfnt1wgvvqz95w", "gd_l7q7dkf244hwjntr0"


def before(**passed: float) -> datetime:
    """A time before now."""
    return NOW - timedelta(**passed)


def after(**to_come: float) -> datetime:
    """A time after now."""
    return NOW + timedelta(**to_come)


def snapshot(watch: str, name: str, status: str, **given: Any) -> SnapshotResource:
    """A watched snapshot; what is not given is as of one that is polled every 30 s."""
    ended = phase_of(status) is Phase.ENDED
    usual: dict[str, Any] = {
        "snapshot": watch.rpartition("/")[2],
        "dataset": PRODUCTS,
        "since": before(minutes=12),
        "started": before(minutes=14),
        "last_poll": before(seconds=9),
        "last_answer": None,
        "next_poll": None if ended else after(seconds=21),
        "deliveries": {},
        "muted": False,
        "muted_until": None,
    }
    return SnapshotResource(watch=watch, name=name, status=status, **{**usual, **given})


def notified(delivery: int, channel: str, state: str = "delivered", **passed: float) -> NotifiedResource:
    """Whom an event notified."""
    return NotifiedResource(delivery=delivery, channel=channel, state=state, at=before(**passed or {"minutes": 3}))


def dataset(watch: str, name: str, dataset_id: str, **given: Any) -> DatasetResource:
    """A watched dataset."""
    usual: dict[str, Any] = {
        "in_progress": 0,
        "statuses": {},
        "last_poll": before(seconds=14),
        "last_answer": "listed",
        "next_poll": after(seconds=46),
        "muted": False,
        "muted_until": None,
    }
    return DatasetResource(watch=watch, name=name, dataset=dataset_id, **{**usual, **given})


def delivery(number: int, title: str, **given: Any) -> DeliveryResource:
    """A delivery of an event to a channel; what is not given is as of one that arrived."""
    usual: dict[str, Any] = {
        "channel": "team-slack",
        "state": "delivered",
        "reason": "",
        "attempts_begun": 1,
        "created_at": before(minutes=3),
        "not_before": None,
        "settled_at": before(minutes=3),
        "event_id": f"evt_{number:020x}",
        "watch": "sd_m4x7enmven8djfqak",
        "name": "Amazon products, nightly",
        "snapshot": "sd_m4x7enmven8djfqak",
        "status": "ready",
        "events": ("ready", "complete"),
    }
    return DeliveryResource(id=number, title=title, **{**usual, **given})


FAILED_TITLE = "❌ Reviews, daily: failed after 4 min 12 s: The input has no valid url"
SNAPSHOTS = (
    snapshot(
        "sd_mu3j5zf4i64vu5aoj", "Reviews, daily", "failed", since=before(minutes=8), records=0,
        error_message="The input has no valid url", deliveries={"delivered": 1, "retrying": 1},
        notified=(notified(41, "team-slack", minutes=8), notified(42, "pipeline", "retrying", minutes=8)),
    ),
    snapshot(
        "sd_missing7ehk2", "Job postings", "missing", since=before(hours=2, minutes=5), started=before(hours=3),
        next_poll=after(minutes=4), last_answer="not_found", notified=(notified(37, "team-slack", hours=2),),
    ),
    snapshot(
        "sd_m9fhqq2dz0v1t4", "Prices, hourly", "running", records=8_412, errors=0, likely_end=after(minutes=6),
        next_poll=after(seconds=4),
    ),
    snapshot(
        "profiles/sd_mb71xw9c4o", "Profiles (sd_mb71xw9c4o)", "collecting", since=before(minutes=41), dataset=PROFILES,
        started=before(minutes=42), likely_end=before(minutes=3), records=120_300, next_poll=after(seconds=12),
    ),
    snapshot(
        "sd_mc02v5wq8e", "News archive", "starting", since=before(seconds=38), started=before(seconds=50),
        next_poll=after(seconds=2), dataset="gd_lnsxoxzi1omrwnka5r",
    ),
    snapshot(
        "sd_new81", "Real estate, first run", "unknown", since=None, started=None, last_poll=None,
        next_poll=after(seconds=1), dataset=None,
    ),
    snapshot(
        "sd_m4x7enmven8djfqak", "Amazon products, nightly", "ready", since=before(minutes=3), records=12_480, errors=0,
        deliveries={"delivered": 2}, notified=(notified(45, "team-slack", minutes=3), notified(46, "ops-mail")),
    ),
    snapshot(
        "sd_m2kk9wq0", "Hotel rates", "ready", since=before(minutes=31), records=310, errors=4,
        notified=(notified(44, "team-slack", minutes=31),), muted=True, muted_until=after(hours=6),
    ),
    snapshot(
        "sd_m1empty3", "Marketplace sellers", "ready", since=before(hours=1, minutes=12), records=0, errors=0,
        notified=(notified(43, "ops-mail", "pending", hours=1),),
    ),
    snapshot(
        "sd_m0cancel", "Photos, one-off", "canceled", since=before(hours=5),
        notified=(notified(39, "team-slack", hours=5),),
    ),
)  # fmt: skip

DATASETS = (
    dataset(
        "profiles", "Profiles", PROFILES, in_progress=3,
        statuses={"ready": 412, "failed": 2, "collecting": 1, "running": 2},
    ),
    dataset("companies", "Companies", "gd_l1viktl72bvl7bjuj0", statuses={"ready": 96}, muted=True),
    dataset("new-one", "Posts, from today", "gd_lk5ns7kz21pck8jpis", last_poll=None, next_poll=None, last_answer=None),
)  # fmt: skip

DELIVERIES = (
    delivery(45, "✅ Amazon products, nightly: ready, 12,480 records after 50 s"),
    delivery(46, "✅ Amazon products, nightly: ready, 12,480 records after 50 s", channel="ops-mail"),
    delivery(
        42, FAILED_TITLE, channel="pipeline", state="retrying", reason="http_503", attempts_begun=3, settled_at=None,
        created_at=before(minutes=8), not_before=after(minutes=2, seconds=10), watch="sd_mu3j5zf4i64vu5aoj",
        name="Reviews, daily", snapshot="sd_mu3j5zf4i64vu5aoj", status="failed", events=("failed",),
    ),
    delivery(
        41, FAILED_TITLE, created_at=before(minutes=8), settled_at=before(minutes=8), watch="sd_mu3j5zf4i64vu5aoj",
        name="Reviews, daily", snapshot="sd_mu3j5zf4i64vu5aoj", status="failed", events=("failed",),
    ),
    delivery(
        44, "⚠️ Hotel rates: ready with errors: 310 records, 4 errors (dead_page × 4) after 1 min 10 s",
        created_at=before(minutes=31), settled_at=before(minutes=31), watch="sd_m2kk9wq0", name="Hotel rates",
        events=("ready", "partial"),
    ),
    delivery(
        43, "⚠️ Marketplace sellers: ready but empty: no records, no errors after 40 s", channel="ops-mail",
        state="pending", reason="quiet", attempts_begun=0, created_at=before(hours=1), settled_at=None,
        not_before=after(hours=16, minutes=28), watch="sd_m1empty3", name="Marketplace sellers",
        events=("ready", "empty"),
    ),
    delivery(
        40, "🔧 The channel pager is broken", channel="team-slack", created_at=before(hours=4),
        settled_at=before(hours=4), event_id="ntc_00000000000000000040", watch=None, name=None, snapshot=None,
        status=None, events=None, notice="broken", subject="channel:pager",
    ),
    delivery(
        38, "❌ Photos, old run: failed", channel="pager", state="dead", reason="http_410", attempts_begun=14,
        created_at=before(days=3, hours=2), settled_at=before(hours=1), watch="sd_m0cancel", name="Photos, one-off",
        status="failed", events=("failed",),
    ),
)  # fmt: skip

CHANNELS = (
    ChannelResource(
        channel="team-slack", service="slack", operators=True, watches=14,
        deliveries={"delivered": 1_204, "dropped": 3},
        last_success=before(minutes=3),
    ),
    ChannelResource(
        channel="ops-mail", service="mailto", operators=True, watches=4, deliveries={"delivered": 88, "pending": 1},
        last_success=before(hours=9), oldest_waiting=before(hours=1), held_until=after(hours=16, minutes=28),
        held_by="quiet",
    ),
    ChannelResource(
        channel="pipeline", service="webhook", watches=11, deliveries={"delivered": 5_011, "retrying": 1},
        last_success=before(minutes=22), oldest_waiting=before(minutes=8), held_until=after(minutes=2, seconds=10),
        held_by="retrying",
    ),
    ChannelResource(
        channel="pager", service="pagerduty", watches=2, deliveries={"delivered": 7, "dead": 1},
        broken_since=before(hours=4), trouble="HTTP 410: the integration key was removed", last_success=before(days=3),
    ),
    ChannelResource(channel="new-room", service="matrix"),
)  # fmt: skip

CONDITIONS = (
    ConditionResource(
        subject="channel:pager", kind="broken", since=before(hours=4),
        sentence="the channel pager is broken: HTTP 410, the integration key was removed",
        cure="Put a valid URL into channels: pager:, then send a test. What waits for it goes out by itself.",
    ),
)  # fmt: skip

ATTEMPTS = (
    AttemptResource(
        number=1, started_at=before(minutes=8), duration_s=0.21, outcome="retry", reason="http_503",
        detail="503 Service Unavailable: upstream connect error", together=1,
    ),
    AttemptResource(
        number=2, started_at=before(minutes=6), duration_s=4.0, outcome="uncertain", reason="read_timeout",
        detail="no answer within 4 s", together=1,
    ),
    AttemptResource(
        number=3, started_at=before(minutes=2), duration_s=0.18, outcome="retry", reason="http_503",
        detail="503 Service Unavailable: upstream connect error", together=1,
    ),
)  # fmt: skip

BODY = """\
Snapshot: sd_mu3j5zf4i64vu5aoj
Dataset: gd_l1vikfnt1wgvvqz95w
Reason: The input has no valid url
Took: 4 min 12 s
Before: running, since 2026-11-23 14:20:10 UTC
Seen: 2026-11-23 14:24:00 UTC
Labels: team=growth
Event: evt_0000000000000000002a"""

STATUSES = (
    StatusSpanResource(status="starting", begin=before(minutes=12, seconds=40), end=before(minutes=12, seconds=10)),
    StatusSpanResource(status="running", begin=before(minutes=12, seconds=10), end=before(minutes=8)),
    StatusSpanResource(status="failed", begin=before(minutes=8), end=None),
)


def collections(number: int = 40) -> tuple[CollectionResource, ...]:
    """The collections of a dataset, a day apart, the oldest first; some have failed or are unlike the others."""
    found = []
    for index in range(number):
        records: int | None = 11_800 + (index * 7_919) % 1_600
        errors, status = 3 if index % 9 == 4 else 0, "ready"
        if index % 17 == 11:
            records, status = None, "failed"
        elif index % 19 == 13:
            records, errors = 2_100, 260
        started = before(days=number - index)
        duration = 46.0 + (index * 13) % 17 + (70 if index % 23 == 9 else 0)
        found.append(
            CollectionResource(
                snapshot=f"sd_col{index:05d}",
                status=status,
                started=started,
                ended=started + timedelta(seconds=duration),
                duration_s=duration,
                records=records,
                errors=errors,
            )
        )
    return tuple(found)


CONFIGURATION = ConfigurationResource(
    effective={
        "api": {"token": "***", "base_url": "https://api.brightdata.com", "requests_per_second": 10, "timeout": "10s"},
        "state": "sqlite:////var/lib/notifier/notifier.db",
        "http": {"listen": "127.0.0.1:8787"},
        "operators": ["team-slack", "ops-mail"],
        "channels": {
            "team-slack": {"url": "slack://***", "on_uncertain": "resend", "give_up_after": "3d"},
            "pipeline": {"webhook": "https://example.com/***", "secret": "***", "allow_private": False},
        },
        "watches": [
            {"snapshot": "sd_m4x7enmven8djfqak", "name": "Amazon products, nightly", "notify": ["team-slack"]},
            {"dataset": PROFILES, "name": "Profiles", "notify": ["team-slack"], "labels": {"team": "growth"}},
        ],
        "keep": "90d",
    },
    files=("/etc/notifier/config.yaml", "/etc/notifier/watches.d/growth.yaml"),
    warnings=("/etc/notifier/config.yaml:14:5: watches[1].every: 100 requests a second are more than the limit",),
    reloaded_at=before(hours=2),
    refused=(),
    runs_of=None,
)  # fmt: skip

SETTINGS: Mapping[str, object] = {
    "snapshot": "sd_mu3j5zf4i64vu5aoj", "notify": ["team-slack", "pipeline"], "on": ["ready", "failed", "stalled"],
    "every": "30s", "labels": {"team": "growth"},
}  # fmt: skip

ACTIONS = (
    ActionResource(
        at=before(minutes=20), action="mute", subject="x", origin="page 127.0.0.1", detail="until 2026-11-24"
    ),
    ActionResource(at=before(minutes=5), action="poll", subject="x", origin="API 10.0.0.4"),
)
