"""Digests: several events in one message, the failures first.

Each event has its line in full, or waits for the next digest: nothing that counts as delivered was left out.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from notifier.core.delivery.message_text import Fits, emoji_of, fitted, title_of
from notifier.core.delivery.model import Deliverable, Event, Message, Notice
from notifier.core.delivery.severity import severity_of
from notifier.core.words import count, one_line

_ORDER = ("notice", "failed", "missing", "stalled", "canceled", "empty", "partial", "expiring", "complete")
"""Kinds that need action come first; words that are not listed come last."""

MOST_LINES = 250
"""A longer digest is not read, even if the service would take it."""

MOST_KINDS = len(_ORDER)
"""Kinds that the title counts separately: the API may have any number of words of its own."""

_LONGEST_KIND = 30


def digest(deliverables: Sequence[Deliverable], fits: Fits) -> Message:
    """Return one message for all of these: the plain message of a single one, or a line for each of several.

    Args:
        deliverables: at least one; of a snapshot at most one. Several are chosen by `batchable`.
        fits: whether the channel takes a message uncut.
    """
    return fitted(deliverables[0], fits) if len(deliverables) == 1 else _several(_ordered(deliverables))


def batchable(deliverables: Sequence[Deliverable], fits: Fits) -> list[Deliverable]:
    """Return those that go out as one message: as many lines as the channel takes uncut, those that need action first.

    At least one is returned; a single one goes as a message of its own.
    """
    ordered = _ordered(deliverables)[:MOST_LINES]
    fitting, too_many = 1, len(ordered) + 1
    trial = len(ordered)  # mostly all of them fit
    while too_many - fitting > 1:
        if fits(_several(ordered[:trial])):
            fitting = trial
        else:
            too_many = trial
        trial = (fitting + too_many) // 2
    return ordered[:fitting]


def _several(ordered: Sequence[Deliverable]) -> Message:
    body = "\n".join(map(_line, ordered))
    return Message(title=_title(ordered), body=body, severity=severity_of(ordered))


def _ordered(deliverables: Sequence[Deliverable]) -> list[Deliverable]:
    return sorted(deliverables, key=lambda each: (_rank(each), _time(each), each.id))


def _kind(deliverable: Deliverable) -> str:
    return "notice" if isinstance(deliverable, Notice) else deliverable.transition.names[-1]


def _time(deliverable: Deliverable) -> datetime:
    return deliverable.at if isinstance(deliverable, Notice) else deliverable.transition.observed_at


def _rank(deliverable: Deliverable) -> int:
    kind = _kind(deliverable)
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _title(ordered: Sequence[Deliverable]) -> str:
    kinds = Counter("ready" if _kind(deliverable) == "complete" else _kind(deliverable) for deliverable in ordered)
    snapshots = sum(isinstance(deliverable, Event) for deliverable in ordered)
    shown = list(kinds.items())[:MOST_KINDS]
    if rest := len(ordered) - sum(number for _, number in shown):
        shown.append(("other", rest))
    tally = ", ".join(f"{number:,} {one_line(kind, _LONGEST_KIND)}" for kind, number in shown)
    what = count(snapshots, "snapshot") if snapshots == len(ordered) else count(len(ordered), "message")
    return f"{emoji_of(ordered[0])} {what}: {tally}"


def _line(deliverable: Deliverable) -> str:
    if isinstance(deliverable, Notice):
        return f"{title_of(deliverable)} · {deliverable.id}"
    return f"{title_of(deliverable)} · {deliverable.transition.snapshot_id} · {deliverable.id}"
