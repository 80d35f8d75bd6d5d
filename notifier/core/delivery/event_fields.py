"""The fields of an event, by the names that a webhook's body and a user's template share."""

from typing import Any

from notifier.core.delivery.model import Event


def words_of(event: Event) -> dict[str, Any]:
    """Return the event's fields under the names promised to users: each keeps its name and meaning for ever."""
    transition = event.transition
    facts = transition.facts
    return {
        "event_id": event.id,
        "name": event.name,
        "snapshot_id": transition.snapshot_id,
        "dataset_id": facts.dataset_id,
        "status": transition.status,
        "previous": transition.previous,
        "events": transition.names,
        "records": facts.records,
        "errors": facts.errors,
        "error_message": facts.error_message,
        "duration_ms": facts.duration_ms,
    }
