"""What goes out together: one event as its own message, many as one digest, the failures first."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from notifier.core.message import emoji_of, message, title_of
from notifier.core.model import Event, Message, Notice, Told
from notifier.core.severity import severity_of
from notifier.core.words import count, one_line

_ORDER = ("notice", "failed", "missing", "stalled", "canceled", "empty", "partial", "expiring", "complete")
"""What a reader has to act upon comes first; every other word comes last."""

MOST_LINES = 100
"""A longer digest is not read, whatever the service would take."""

MOST_KINDS = len(_ORDER)
"""So many kinds are counted apart in the title: the API may have any number of words of its own."""

_LONGEST_KIND = 30


def digest(told: Sequence[Told], *, longest_body: int, where: str) -> Message:
    """One message for all of these.

    Args:
        told: at least one; of one snapshot at most one.
        longest_body: what the service takes, in characters.
        where: where all of them can be seen, for those that find no room.
    """
    if len(told) == 1:
        return message(told[0])
    ordered = sorted(told, key=lambda each: (_rank(each), _time(each), each.id))
    body = _body([_line(each) for each in ordered], longest_body, where)
    return Message(title=_title(ordered), body=body, severity=severity_of(told))


def _kind(told: Told) -> str:
    return "notice" if isinstance(told, Notice) else told.transition.names[-1]


def _time(told: Told) -> datetime:
    return told.at if isinstance(told, Notice) else told.transition.observed_at


def _rank(told: Told) -> int:
    kind = _kind(told)
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _title(ordered: Sequence[Told]) -> str:
    kinds = Counter("ready" if _kind(told) == "complete" else _kind(told) for told in ordered)
    snapshots = sum(isinstance(told, Event) for told in ordered)
    shown = list(kinds.items())[:MOST_KINDS]
    if rest := len(ordered) - sum(number for _, number in shown):
        shown.append(("other", rest))
    tally = ", ".join(f"{number:,} {one_line(kind, _LONGEST_KIND)}" for kind, number in shown)
    what = count(snapshots, "snapshot") if snapshots == len(ordered) else count(len(ordered), "message")
    return f"{emoji_of(ordered[0])} {what}: {tally}"


def _line(told: Told) -> str:
    if isinstance(told, Notice):
        return f"{title_of(told)} · {told.id}"
    return f"{title_of(told)} · {told.transition.snapshot_id} · {told.id}"


def _body(lines: Sequence[str], longest: int, where: str) -> str:
    if len(lines) <= MOST_LINES and len(whole := "\n".join(lines)) <= longest:
        return whole
    room = longest - len(_more(len(lines), where))
    shown: list[str] = []
    for line in lines[:MOST_LINES]:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    return "\n".join([*shown, _more(len(lines) - len(shown), where)])


def _more(number: int, where: str) -> str:
    return f"… and {number:,} more: {where}"
