"""One event, or one notice, as a resource with its message and its deliveries."""

from typing import Any

from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Notice
from notifier.core.resource_pages import DeliverableResource
from notifier.core.resource_parts import MessageResource
from notifier.store.reader import Reader
from notifier.store.reading.filters import LONGEST_PAGE, DeliveryFilters
from notifier.store.reading.reading import Reading


def deliverable_resource(reader: Reader, reading: Reading, event_id: str) -> DeliverableResource | None:
    """Return an event or a notice by its id; None if there is none.

    Raises:
        StoreError: the database cannot be read.
    """
    found = reader.told(event_id)
    if found is None:
        return None
    rows = reading.deliveries(DeliveryFilters(event=event_id, limit=LONGEST_PAGE)).deliveries
    text = message(found)
    of_event: dict[str, Any] = {
        "watch": None, "name": None, "snapshot": None, "status": None, "events": None, "notice": None, "subject": None
    }  # fmt: skip
    if isinstance(found, Notice):
        of_event |= {"notice": found.kind, "subject": found.subject}
    else:
        transition = found.transition
        of_event |= {"watch": found.watch_id, "name": found.name, "snapshot": transition.snapshot_id}
        of_event |= {"status": transition.status, "events": transition.names}
    return DeliverableResource(
        event_id=event_id,
        message=MessageResource(title=text.title, body=text.body),
        deliveries=tuple(each for each in reversed(rows) if each.event_id == event_id),
        **of_event,
    )
