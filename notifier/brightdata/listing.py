"""What a page of the list of a dataset's snapshots says. Pure: bytes in, values out, a slice at a time.

`GET /datasets/v3/snapshots` answers a bare array (documented); of an entry only `id` and `status` are needed.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from notifier.brightdata.answers import count_of, detail_of, status_word
from notifier.brightdata.text import redacted
from notifier.core.ids import flaw_of_id
from notifier.core.model import Listed, Reason, Unclear

LARGEST_PAGE = 8 * 1024 * 1024
"""Bytes. A page of 5,000 entries has one or two millions."""

SLICE = 250
"""How many entries are read in one go: about a millisecond."""


class _Entry(msgspec.Struct):
    """What is read of an entry; optional fields of the wrong kind are left out, not the entry."""

    id: str
    status: str
    created: object = None
    dataset_size: object = None


_page = msgspec.json.Decoder(list[msgspec.Raw])
_entry = msgspec.json.Decoder(_Entry)


def entries_of(body: bytes, secret: str = "") -> list[msgspec.Raw] | Unclear:
    """The entries of a page, unread; why not when it is no array. Never raises.

    Args:
        body: of an answer with status 200.
        secret: masked if the answer repeats it.
    """
    try:
        return _page.decode(body)
    except (ValueError, RecursionError):
        detail = detail_of("HTTP 200, but not a list of snapshots", {}, body[:1_000], secret)
        return Unclear(reason=Reason.NONSENSE, detail=detail)


def listed_of(entries: Sequence[msgspec.Raw], secret: str = "") -> list[Listed]:
    """The entries that make sense, read; the others are left out. Never raises."""
    found = []
    statuses: dict[str, str | None] = {}  # a page has few different ones
    for raw in entries:
        try:
            entry = _entry.decode(raw)
        except (ValueError, RecursionError):
            continue
        if entry.status not in statuses:
            statuses[entry.status] = status_word(entry.status, secret)
        status = statuses[entry.status]
        if status is None or flaw_of_id(entry.id) is not None:
            continue
        if redacted(entry.id, secret) != entry.id:
            continue
        found.append(
            Listed(
                snapshot_id=entry.id,
                status=status,
                created=_instant(entry.created),
                dataset_size=count_of(entry.dataset_size),
            )
        )
    return found


def _instant(value: object) -> datetime | None:
    if not isinstance(value, str) or len(value) < 10:
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is UTC:
            return at
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
