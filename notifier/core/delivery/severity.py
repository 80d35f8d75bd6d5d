"""The severity of a message, which services show as a colour, an icon or a priority."""

from collections.abc import Sequence

from notifier.core.delivery.model import Deliverable, Notice, Severity
from notifier.core.snapshot.model import EXPIRING, MISSING, STALLED

_OF_EVENTS = {
    "complete": Severity.SUCCESS,
    "partial": Severity.WARNING,
    "empty": Severity.WARNING,
    STALLED: Severity.WARNING,
    EXPIRING: Severity.WARNING,
    "canceled": Severity.WARNING,  # no results will come, but a person decided so
    "failed": Severity.FAILURE,
    MISSING: Severity.FAILURE,  # no results will come, and no person decided so
}
"""The severity of an event by its most specific name; any other name is information."""

_OVER = frozenset({"ok", "healed"})
"""Kinds of notices about the end of a trouble."""

_LOST = frozenset({"unauthorised", "broken", "full", "failing", "ended"})
"""Kinds of notices about work that has stopped until a person acts."""

DEAD = "dead:"
"""The beginning of the subject of a notice about dead deliveries, before the channel's name."""


def severity_of(deliverables: Sequence[Deliverable]) -> Severity:
    """Return the severity of a message: the worst of the events and notices in it (at least one)."""
    order = list(Severity)
    return max((_of(each) for each in deliverables), key=order.index)


def _of(deliverable: Deliverable) -> Severity:
    if not isinstance(deliverable, Notice):
        return _OF_EVENTS.get(deliverable.transition.names[-1], Severity.INFO)
    if deliverable.kind in _OVER:
        return Severity.SUCCESS
    if deliverable.kind in _LOST or deliverable.subject.startswith(DEAD):
        return Severity.FAILURE
    return Severity.WARNING
