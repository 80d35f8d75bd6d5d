"""How bad it is: the type under which a message goes out, which services show as a colour, an icon or a priority."""

from collections.abc import Sequence

from notifier.core.delivery.model import Deliverable, Notice, Severity
from notifier.core.model import EXPIRING, MISSING, STALLED

_OF_EVENTS = {
    "complete": Severity.SUCCESS,
    "partial": Severity.WARNING,
    "empty": Severity.WARNING,
    STALLED: Severity.WARNING,
    EXPIRING: Severity.WARNING,
    "canceled": Severity.WARNING,  # no results will come, but somebody decided so
    "failed": Severity.FAILURE,
    MISSING: Severity.FAILURE,  # no results will come, and nobody decided so
}
"""Of an event, by the most specific of its names; any other one is information."""

_OVER = frozenset({"ok", "healed"})
"""The kinds of notices that tell the end of a trouble."""

_LOST = frozenset({"unauthorised", "broken", "full", "failing", "ended"})
"""The kinds of notices that tell that something is not done any more until a person acts."""

DEAD = "dead:"
"""What the subject of a notice about deliveries that were given up begins with."""


def severity_of(told: Sequence[Deliverable]) -> Severity:
    """The severity of a message: the worst of what it tells (at least one)."""
    order = list(Severity)
    return max((_of(each) for each in told), key=order.index)


def _of(told: Deliverable) -> Severity:
    if not isinstance(told, Notice):
        return _OF_EVENTS.get(told.transition.names[-1], Severity.INFO)
    if told.kind in _OVER:
        return Severity.SUCCESS
    if told.kind in _LOST or told.subject.startswith(DEAD):
        return Severity.FAILURE
    return Severity.WARNING
