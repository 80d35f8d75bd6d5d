"""The list of a dataset's snapshots, kept as text, so that 5,000 of them are listed in a few milliseconds.

The entry of a snapshot changes only with its status, so its text is made again only then.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from notifier.brightdata.simulator.life import Life
from notifier.core.times import iso

_MARGIN_S = 1e-6
"""Seconds by which a text is made before its status changes, so that rounding never shows an old one."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(kw_only=True, slots=True)
class Entry:
    """A snapshot in the list. `text` is its entry until the time `until`; None if it is not listed."""

    id: str
    order: int
    created: datetime
    dataset_id: str
    life: Life = field(repr=False)
    began: float
    status: str | None = None
    text: str | None = None
    until: float = float("-inf")

    def refresh(self, now: float, speed: float) -> None:
        """Makes the text for this time."""
        age = (now - self.began) * speed
        self.status = self.life.status_at(age)
        self.until = self.began + self.life.changes_after(age) / speed - _MARGIN_S
        self.text = None if self.status is None else self._listed(self.status)

    def as_at(self, then: float, speed: float) -> "Entry":
        """Returns the entry as of an earlier time, when it may not have existed."""
        past = replace(self, status=None, text=None)
        if self.began <= then:
            past.refresh(then, speed)
        return past

    def _listed(self, status: str) -> str:
        return _encode(
            {
                "id": self.id,
                "created": iso(self.created, "seconds"),
                "status": status,
                "dataset_id": self.dataset_id,
                "dataset_size": self.life.facts.get("records", 0) if status == "ready" else 0,
                "trigger": {"type": "API"},
            }
        )


class Listing:
    """The entries of one dataset, in an arbitrary order."""

    def __init__(self, *, speed: float) -> None:
        self._speed = speed
        self._entries: dict[str, Entry] = {}
        self._sorted: list[Entry] | None = None

    def put(self, entry: Entry) -> None:
        """Adds an entry, or replaces the one with its id."""
        self._entries[entry.id] = entry
        self._sorted = None

    def page(
        self,
        now: float,
        *,
        status: str | None,
        skip: int,
        limit: int,
        from_date: date | None,
        to_date: date | None,
        as_at: float | None = None,
    ) -> list[str]:
        """Returns the texts of at most `limit` matching entries after the first `skip`, as of `as_at` if given."""
        if self._sorted is None:
            self._sorted = sorted(self._entries.values(), key=lambda entry: entry.order)
        entries = self._sorted
        if from_date is not None or to_date is not None:
            first, last = from_date or date.min, to_date or date.max
            entries = [entry for entry in entries if first <= entry.created.date() <= last]
        if as_at is not None:
            entries = [entry.as_at(as_at, self._speed) for entry in entries]
        for entry in entries:
            if as_at is None and now >= entry.until:
                entry.refresh(now, self._speed)
        texts = [
            entry.text for entry in entries if entry.text is not None and (status is None or entry.status == status)
        ]
        return texts[skip : skip + limit]
