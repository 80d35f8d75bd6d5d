"""What goes out together: one event as its own message, many as one digest, the failures first."""

from collections import Counter
from collections.abc import Sequence

from notifier.core.message import emoji_of, headline, message
from notifier.core.model import Event, Message
from notifier.core.words import count

_ORDER = ("failed", "missing", "stalled", "canceled", "empty", "partial", "expiring", "complete")
"""What a reader has to act upon comes first; every other word comes last."""

MOST_LINES = 100
"""A longer digest is not read, whatever the service would take."""


def digest(events: Sequence[Event], *, longest_body: int, where: str) -> Message:
    """One message for these events.

    Args:
        events: at least one; of one snapshot at most one.
        longest_body: what the service takes, in characters.
        where: where all of them can be seen, for those that find no room.
    """
    if len(events) == 1:
        return message(events[0])
    ordered = sorted(events, key=lambda event: (_rank(event), event.transition.observed_at, event.id))
    return Message(title=_title(ordered), body=_body([_line(event) for event in ordered], longest_body, where))


def _kind(event: Event) -> str:
    return event.transition.names[-1]


def _rank(event: Event) -> int:
    kind = _kind(event)
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _title(ordered: Sequence[Event]) -> str:
    kinds = Counter("ready" if _kind(event) == "complete" else _kind(event) for event in ordered)
    tally = ", ".join(f"{number:,} {kind}" for kind, number in kinds.items())
    return f"{emoji_of(ordered[0])} {count(len(ordered), 'snapshot')}: {tally}"


def _line(event: Event) -> str:
    return f"{emoji_of(event)} {headline(event)} · {event.transition.snapshot_id} · {event.id}"


def _body(lines: Sequence[str], longest: int, where: str) -> str:
    room = longest - len(_more(len(lines), where)) - 1
    shown: list[str] = []
    for line in lines[:MOST_LINES]:
        if room < len(line) + 1:
            break
        room -= len(line) + 1
        shown.append(line)
    left = len(lines) - len(shown)
    return "\n".join([*shown, _more(left, where)] if left else shown)


def _more(number: int, where: str) -> str:
    return f"… and {number:,} more: {where}"
