"""Reads a page of a dataset's list of snapshots, a slice at a time. Pure.

`GET /datasets/v3/snapshots` answers with a bare array (documented). An entry needs only `id` and `status`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from notifier.brightdata.datasets.progress import count_of, status_word
from notifier.brightdata.http.answers import detail_of
from notifier.brightdata.http.foreign_text import redacted
from notifier.brightdata.http.lenient_json import elements_of, json_of
from notifier.core.snapshot.ids import flaw_of_id
from notifier.core.snapshot.model import Listed, Reason, Unclear
from notifier.core.snapshot.plausible_dates import believable
from notifier.core.words import one_line

LARGEST_PAGE = 8 * 1024 * 1024
"""Bytes. A page of 5,000 entries has one or two million."""

MOST_COMMAS = 400_000
"""In a page. One of 5,000 entries has a tenth of that. Each value takes memory, and all are split at once."""

SLICE = 250
"""Entries that are read without a pause: about a millisecond."""


class _Entry(msgspec.Struct):
    """The fields of an entry that are read. An optional one of the wrong type counts as absent."""

    id: str
    status: str
    created: object = None
    dataset_size: object = None


_page = msgspec.json.Decoder(list[msgspec.Raw])
_entry = msgspec.json.Decoder(_Entry)

LONGEST_NAME = 120
"""Characters of an unreadable entry, for the log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entries:
    """A slice of a page: the snapshots `found`, and the beginning of each unreadable entry."""

    found: tuple[Listed, ...]
    unreadable: tuple[str, ...] = ()


def quick_entries_of(body: bytes) -> list[msgspec.Raw] | None:
    """Returns the entries of a page, unparsed; None if it is not a valid array. Never raises."""
    if _has_too_much(body):
        return None
    try:
        return _page.decode(body)
    except (ValueError, RecursionError):
        return None


def _has_too_much(body: bytes) -> bool:
    return body.count(b",") > MOST_COMMAS


def entries_of(body: bytes, secret: str = "") -> Sequence[bytes | msgspec.Raw] | Unclear:
    """Returns the entries of a page, unparsed; if it is not an array, why. Never raises.

    A flaw in one entry (`NaN`, a control character, endless nesting) does not affect the others. A large page with a
    flaw takes up to a second: call it in a thread.

    Args:
        body: of an answer with status 200.
        secret: masked if the answer quotes it.
    """
    if _has_too_much(body):
        return Unclear(reason=Reason.NONSENSE, detail="HTTP 200, but far more than a page of snapshots has")
    entries = quick_entries_of(body)
    if entries is not None:
        return entries
    try:
        return list(elements_of(body))
    except ValueError:
        detail = detail_of("HTTP 200, but not a list of snapshots", {}, body[:1_000], secret)
        return Unclear(reason=Reason.NONSENSE, detail=detail)


def read(entries: Sequence[bytes | msgspec.Raw], secret: str = "", now: datetime | None = None) -> Entries:
    """Parses the entries; reports those that cannot be read. Never raises.

    Args:
        entries: as they stand in a page.
        secret: masked if they quote it.
        now: the present, to tell what cannot be the date of a snapshot.
    """
    found, unreadable = [], []
    statuses: dict[str, str | None] = {}  # a page has few different ones
    for raw in entries:
        entry = _entry_of(raw)
        if entry is not None and entry.status not in statuses:
            statuses[entry.status] = status_word(entry.status, secret)
        status = None if entry is None else statuses[entry.status]
        if entry is None or status is None or flaw_of_id(entry.id) or redacted(entry.id, secret) != entry.id:
            name = bytes(raw)[: 4 * LONGEST_NAME].decode("utf-8", "replace")
            unreadable.append(one_line(redacted(name, secret), LONGEST_NAME))
            continue
        found.append(
            Listed(
                snapshot_id=entry.id,
                status=status,
                created=believable(_instant(entry.created), now),
                dataset_size=count_of(entry.dataset_size),
            )
        )
    return Entries(found=tuple(found), unreadable=tuple(unreadable))


def _entry_of(raw: bytes | msgspec.Raw) -> _Entry | None:
    try:
        return _entry.decode(raw)
    except (ValueError, RecursionError):
        pass
    try:
        entry = json_of(bytes(raw))
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict):
        return None
    id_, status = entry.get("id"), entry.get("status")
    if not isinstance(id_, str) or not isinstance(status, str):
        return None
    return _Entry(id=id_, status=status, created=entry.get("created"), dataset_size=entry.get("dataset_size"))


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
