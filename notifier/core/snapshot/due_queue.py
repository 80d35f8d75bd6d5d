"""When each poll is due, and which due poll goes next. Pure: times are microseconds.

What falls due is collected into a queue, from which the most overdue entry goes first. Its place is fixed when it falls
due, so none starves: an entry that falls due later by `MOST_DEFERRED` comes after it.
"""

import heapq
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from notifier.core.snapshot.due_times import Grid

MOST_DEFERRED = 15_000_000
"""How much later an entry may fall due and still go first."""


class AgendaEntry:
    """What is polled under one key.

    Attributes:
        due: when it is due; None while it is polled, unless it was scheduled again since.
        queued: whether it is due and waits for its turn.
        running: whether it is being polled.
        hastened: whether it was hastened while it was polled: that answer may be older than the reason for haste.
    """

    __slots__ = ("due", "grid", "hastened", "key", "queued", "running")

    def __init__(self, key: str, grid: Grid, due: int) -> None:
        self.key = key
        self.grid = grid
        self.due: int | None = due
        self.queued = False
        self.running = False
        self.hastened = False


class Agenda:
    """All entries, each under its key and on a grid of its own."""

    def __init__(self) -> None:
        self._entries: dict[str, AgendaEntry] = {}
        self._waiting: list[tuple[int, int, AgendaEntry]] = []
        self._queue: list[tuple[int, int, AgendaEntry]] = []
        self._order = count()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    @property
    def queued(self) -> int:
        """How many entries are due and wait for their turn."""
        return len(self._queue)

    def of(self, key: str) -> AgendaEntry | None:
        """Return the entry of a key."""
        return self._entries.get(key)

    def dues(self) -> Iterator[tuple[str, int]]:
        """Yield each key with the time at which it is due; what is being polled is left out."""
        return ((key, entry.due) for key, entry in self._entries.items() if entry.due is not None)

    def add(self, key: str, grid: Grid, first: int) -> None:
        """Add an entry that is due at `first`, then on its grid. It replaces an earlier one with the key."""
        before = self._entries.get(key)
        if before is not None and before.running:  # never twice at once: `again` goes by the new grid
            before.grid = grid
            before.due = first
            return
        self._entries[key] = entry = AgendaEntry(key, grid, first)
        self._wait(entry, first)

    def remove(self, key: str) -> None:
        """Remove an entry; a poll that runs goes on to its end."""
        self._entries.pop(key, None)

    def hasten(self, key: str, now: int) -> None:
        """Make an entry due now; one that is being polled is polled once more, unless that was its last poll."""
        entry = self._entries.get(key)
        if entry is None or entry.queued:
            return
        if entry.running:
            entry.hastened = True
        else:
            self._wait(entry, now)

    def advance(self, key: str, by: int) -> None:
        """Make an entry due at this time at the latest; one that is due earlier, or queued, stays as it is."""
        entry = self._entries.get(key)
        if entry is None or entry.queued or entry.due is None or entry.due <= by:
            return
        if entry.running:  # `again` goes by the new time
            entry.due = by
        else:
            self._wait(entry, by)

    def earliest(self) -> int | None:
        """Return when the next entry falls due; None if none waits outside the queue."""
        while self._waiting and not self._waits(*self._waiting[0]):
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    def most_overdue(self) -> int | None:
        """Return the earliest due time of all entries, queued or not; None if there is none."""
        dues = [entry.due for _, _, entry in self._queue if self._entries.get(entry.key) is entry and entry.due]
        earliest = self.earliest()
        return min(dues if earliest is None else [*dues, earliest], default=None)

    def collect(self, now: int) -> None:
        """Move what is due by now into the queue."""
        while self._waiting and self._waiting[0][0] <= now:
            item = heapq.heappop(self._waiting)
            if not self._waits(*item):
                continue
            due, order, entry = item
            entry.queued = True
            heapq.heappush(self._queue, (due + deferral(entry.grid.interval), order, entry))

    def next(self) -> AgendaEntry | None:
        """Take the next entry out of the queue; None if it is empty."""
        while self._queue:
            _, _, entry = heapq.heappop(self._queue)
            entry.queued = False
            if self._entries.get(entry.key) is entry:
                return entry
        return None

    def begin(self, entry: AgendaEntry, now: int) -> int:
        """Mark an entry as running, which the caller takes back, and return when it was due."""
        due = now if entry.due is None else entry.due
        entry.running, entry.hastened, entry.due = True, False, None
        return due

    def again(self, entry: AgendaEntry, pause: timedelta | None, after: int) -> None:
        """Schedule the next poll of an entry, on the grid of this pause after this instant; with None there is none.

        An entry that was hastened meanwhile is due at this instant.
        """
        if self._entries.get(entry.key) is not entry:
            return
        if entry.due is not None:  # scheduled again meanwhile
            self._wait(entry, entry.due)
        elif pause is None:
            del self._entries[entry.key]
        else:
            entry.grid = Grid.of(entry.key, pause) if pause != entry.grid.span else entry.grid
            self._wait(entry, after if entry.hastened else entry.grid.after(after))

    def realign(self, now: int) -> None:
        """Bring forward entries that are more than one interval away, because the clock was set back."""
        for entry in self._entries.values():
            if entry.due is not None and not entry.queued and entry.due > now + entry.grid.interval:
                self._wait(entry, entry.grid.after(now))

    def _wait(self, entry: AgendaEntry, due: int) -> None:
        entry.due = due
        heapq.heappush(self._waiting, (due, next(self._order), entry))

    def _waits(self, due: int, _order: int, entry: AgendaEntry) -> bool:
        """Whether an item of the heap is current: an entry that moved or was removed leaves its old item there."""
        idle = not entry.queued and not entry.running
        return idle and entry.due == due and self._entries.get(entry.key) is entry


def deferral(interval: int) -> int:
    """Return what is added to the due time in the queue: half the interval, at most `MOST_DEFERRED`.

    So a young snapshot, polled every 10 s, goes before an old one that is as overdue.
    """
    return min(interval // 2, MOST_DEFERRED)
