"""Deliveries as rows of a table and as JSON, and the ids of their events."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from notifier.cli.arguments import checked_id, quoted
from notifier.cli.output import print_table, when
from notifier.cli.status import STYLES
from notifier.core.errors import NotifierError, UsageError

if TYPE_CHECKING:
    from notifier.core.resources import DeliveryResource
    from notifier.store.reader import Reader

EVENT_ID_PREFIXES = ("evt_", "ntc_")
"""The prefixes of the ids of events and of notices."""


def event_id_given(argument: str, text: str) -> str:
    """Return the id of an event or a notice, or the start of one, as a user gave it.

    Raises:
        UsageError: it is neither.
    """
    checked = checked_id(argument, text.rstrip("\N{HORIZONTAL ELLIPSIS}."))
    if not checked.startswith(EVENT_ID_PREFIXES):
        raise UsageError(f"{argument}: {quoted(text)} is not the id of an event (evt_…) or of a notice (ntc_…)")
    if checked.startswith("evt_test_"):
        raise UsageError(f"{argument}: {checked} is the id of a test message, which is not recorded")
    return checked


def find_event_id(reader: "Reader", beginning: str) -> str:
    """Return the only id of an event or a notice with this start, which may be the whole id.

    Raises:
        NotifierError: there is none, or there are several.
    """
    from notifier.core.suggestions import did_you_mean

    what = "notice" if beginning.startswith("ntc_") else "event"
    found = reader.deliverable_ids(beginning, _MOST_LISTED + 1)
    if len(found) == 1 or beginning in found:
        return beginning if beginning in found else found[0]
    if not found:
        alike = reader.deliverable_ids(beginning[:_TYPO_PREFIX], 1_000) if len(beginning) > _TYPO_PREFIX else []
        near = did_you_mean(beginning, alike) or "; `notifier delivery list --json` shows all ids"
        raise NotifierError(f"there is no {what} {beginning}{near}")
    more = " and more" if len(found) > _MOST_LISTED else ""
    raise NotifierError(f"several {what}s begin with {beginning}: {', '.join(found[:_MOST_LISTED])}{more}")


_MOST_LISTED = 5
_TYPO_PREFIX = len("evt_") + 3
"""An id that shares this many characters with another one may be a misspelling of it."""


def print_rows(rows: "Sequence[DeliveryResource]") -> None:
    """Print a table of deliveries."""
    now = datetime.now(UTC)
    print_table(
        ("id", "state", "channel", "attempts", "created", "next attempt", "message"),
        (
            (
                str(row.id),
                row.state if not row.reason or row.state == "delivered" else f"{row.state} ({row.reason})",
                row.channel,
                str(row.attempts_begun),
                when(row.created_at, now),
                when(row.not_before if row.settled_at is None else None, now),
                row.title,
            )
            for row in rows
        ),
        styles=STYLES,
    )
