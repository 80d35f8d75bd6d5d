"""Examples for the description of the API: values of the types, so that they cannot be out of date."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.core.action_results import MuteResult, PollResult, RetryResult, TestResult, UnmuteResult
from notifier.core.health.resources import NodeResource
from notifier.core.resource_parts import AttemptResource, MessageResource
from notifier.core.resources import ChannelResource, ConditionResource, DeliveryResource, SnapshotResource
from notifier.core.watch_resources import WatchSettingsResource
from notifier.web.api.problems import Kind, ProblemResource

_AT = datetime(2026, 11, 23, 14, 32, tzinfo=UTC)
_SNAPSHOT = "s_m4x7enmven8djfqak"
_NAME = "Amazon products, nightly"

_SNAPSHOT_RESOURCE = SnapshotResource(
    watch=_SNAPSHOT,
    name=_NAME,
    snapshot=_SNAPSHOT,
    dataset="gd_l1vikfnt1wgvvqz95w",
    status="running",
    since=_AT,
    started=_AT - timedelta(seconds=4),
    last_poll=_AT + timedelta(seconds=30),
    last_answer=None,
    next_poll=_AT + timedelta(seconds=60),
    deliveries={"delivered": 1},
    muted=False,
    muted_until=None,
)
_DELIVERY_RESOURCE = DeliveryResource(
    id=17,
    channel="team-slack",
    state="delivered",
    reason="ok",
    attempts_begun=1,
    created_at=_AT,
    not_before=None,
    settled_at=_AT + timedelta(milliseconds=420),
    event_id="evt_5b0c2a8d1f3e4a67",
    title=f"{_NAME}: ready, 10 records",
    watch=_SNAPSHOT,
    name=_NAME,
    snapshot=_SNAPSHOT,
    status="ready",
    events=("ready", "complete"),
    message=MessageResource(title=f"{_NAME}: ready, 10 records", body="It took 37 s."),
    attempts=(
        AttemptResource(
            number=1, started_at=_AT, duration_s=0.41, outcome="delivered", reason="ok", detail="HTTP 200", together=1
        ),
    ),
)

EXAMPLES: Mapping[str, Any] = {
    "Snapshot": _SNAPSHOT_RESOURCE,
    "Delivery": _DELIVERY_RESOURCE,
    "WatchSettings": WatchSettingsResource(
        watch=_SNAPSHOT,
        name=_NAME,
        snapshot=_SNAPSHOT,
        notify=("team-slack",),
        on=("ready", "failed", "canceled", "stalled", "missing"),
        every="30s",
        stalled_after="1d",
        results_kept="16d",
        expiring_before="1d",
        labels={"team": "growth"},
    ),
    "Channel": ChannelResource(
        channel="team-slack", service="slack", watches=3, deliveries={"delivered": 41}, last_success=_AT
    ),
    "Condition": ConditionResource(
        subject="channel:ops-mail",
        kind="broken",
        since=_AT,
        sentence="The channel ops-mail is broken.",
        cure="Send a test: `notifier channel test ops-mail`.",
    ),
    "Node": NodeResource(node="collector-1", version="0.1.0", configuration="5f1c0e9a77d2", started_at=_AT),
    "MuteResult": MuteResult(muted=_SNAPSHOT, until=_AT + timedelta(hours=2)),
    "UnmuteResult": UnmuteResult(unmuted=_SNAPSHOT, was_muted=True),
    "PollResult": PollResult(polled=_SNAPSHOT, answer="running", text="Polled: still running."),
    "RetryResult": RetryResult(retried=1),
    "TestResult": TestResult(channel="team-slack", outcome="delivered", reason="ok", answer="HTTP 200: ok"),
    "Problem": ProblemResource(
        type=Kind.NOT_FOUND.type,
        title=Kind.NOT_FOUND.title,
        status=404,
        detail="there is no delivery 7; /api/v1/deliveries lists all",
        instance="/api/v1/deliveries/7",
    ),
    "MuteRequest": {"for": "2h"},
    "RetryRequest": {"ids": [17]},
    "RetryDeadRequest": {"channel": "team-slack", "since": _AT - timedelta(days=2)},
    "TestRequest": {"event": "failed"},
}
"""Each schema's example, by the schema's name."""
