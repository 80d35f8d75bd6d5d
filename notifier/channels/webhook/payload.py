"""Builds the body of a signed webhook: an event as JSON, the same bytes in every attempt.

Its shape is a promise to receivers: fields are added, never changed. `webhook.schema.json` describes it, and
docs/webhooks.md explains it.
"""

import json
from importlib.resources import files

from notifier.core.delivery.event_fields import words_of
from notifier.core.delivery.model import Event
from notifier.core.times import iso

SCHEMA: str = files("notifier.channels").joinpath("webhook.schema.json").read_text("utf-8")
"""The JSON Schema (draft 2020-12) of the body, as text."""


def body_of(event: Event) -> bytes:
    """Returns the event as compact JSON in ASCII.

    Nothing in it depends on the attempt or its time, and labels are sorted: a receiver may compare a second copy byte
    by byte. The time of the attempt is in the `webhook-timestamp` header.
    """
    transition = event.transition
    observed_at = iso(transition.observed_at, "seconds")  # polls are seconds apart
    return json.dumps(
        {
            "type": f"snapshot.{transition.names[0]}",
            "timestamp": observed_at,
            "data": {
                "event_id": event.id,
                "watch": event.watch_id,
                **words_of(event),
                "error_codes": dict(transition.facts.error_codes),
                "observed_at": observed_at,
                "late_by_s": int(transition.late_by.total_seconds()),
                "labels": dict(sorted(event.labels.items())),
            },
        },
        separators=(",", ":"),
    ).encode("ascii")
