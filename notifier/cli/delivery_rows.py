"""Deliveries as rows of a table and as JSON, and the ids of what they tell."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from notifier.cli.arguments import checked_id, quoted
from notifier.cli.output import print_table, when
from notifier.cli.status import STYLES
from notifier.core.delivery.message import message
from notifier.core.delivery.model import Deliverable, Notice
from notifier.core.errors import NotifierError, UsageError

if TYPE_CHECKING:
    from notifier.store.reader import DeliveryRow, Reader

EVENT_ID_PREFIXES = ("evt_", "ntc_")
"""How the ids of events and of notices begin."""


def event_id_given(argument: str, text: str) -> str:
    """The id of an event or of a notice, or how one begins, as it was given.

    Raises:
        UsageError: it is neither.
    """
    checked = checked_id(argument, text.rstrip("\N{HORIZONTAL ELLIPSIS}."))
    if not checked.startswith(EVENT_ID_PREFIXES):
        raise UsageError(f"{argument}: {quoted(text)} is no event's id: those begin with evt_, notices' with ntc_")
    if checked.startswith("evt_test_"):
        raise UsageError(f"{argument}: {checked} is the id of a test message, of which nothing is kept")
    return checked


def find_event_id(reader: "Reader", beginning: str) -> str:
    """The one id of an event or of a notice that begins so; the whole id begins so, too.

    Raises:
        NotifierError: none does, or several do.
    """
    from notifier.core.suggestions import did_you_mean

    what = "notice" if beginning.startswith("ntc_") else "event"
    found = reader.deliverable_ids(beginning, _MOST_ALIKE + 1)
    if len(found) == 1 or beginning in found:
        return beginning if beginning in found else found[0]
    if not found:
        alike = reader.deliverable_ids(beginning[:_TELLING], 1_000) if len(beginning) > _TELLING else []
        near = did_you_mean(beginning, alike) or "; `notifier delivery list --json` has the ids of all"
        raise NotifierError(f"there is no {what} {beginning}{near}")
    more = " and more" if len(found) > _MOST_ALIKE else ""
    raise NotifierError(f"several {what}s begin with {beginning}: {', '.join(found[:_MOST_ALIKE])}{more}")


_MOST_ALIKE = 5
_TELLING = len("evt_") + 3
"""An id that has so many characters of another one may be that one, mistyped."""


def print_rows(rows: "Sequence[DeliveryRow]") -> None:
    """Print a table of deliveries."""
    now = datetime.now(UTC)
    print_table(
        ("id", "state", "channel", "attempts", "decided", "next try", "message"),
        (
            (
                str(row.id),
                row.state if not row.reason or row.state == "delivered" else f"{row.state} ({row.reason})",
                row.channel,
                str(row.attempt),
                when(row.created_at, now),
                when(row.not_before if row.settled_at is None else None, now),
                message(row.event).title,
            )
            for row in rows
        ),
        styles=STYLES,
    )


def as_data(row: "DeliveryRow") -> dict[str, Any]:
    """A delivery for JSON."""
    return {
        "id": row.id,
        "channel": row.channel,
        "state": row.state,
        "reason": row.reason,
        "attempts_begun": row.attempt,
        "created_at": row.created_at,
        "not_before": row.not_before,
        "settled_at": row.settled_at,
        "event_id": row.event.id,
    } | about(row.event)


def about(told: Deliverable) -> dict[str, Any]:
    """What an event or a notice is about, for JSON."""
    if isinstance(told, Notice):
        return {"notice": told.kind, "subject": told.subject}
    return {
        "watch": told.watch_id,
        "name": told.name,
        "snapshot": told.transition.snapshot_id,
        "status": told.transition.status,
        "events": list(told.transition.names),
    }
