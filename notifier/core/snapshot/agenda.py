"""What is polled, when each is due, and which of those that are due goes next. Pure: times are microseconds.

What is due later waits. What has fallen due is collected into a queue, from which the most overdue goes first. Its
place there is fixed when it falls due, so nobody starves: whatever falls due later than that by `MOST_DEFERRED` comes
after it.
"""

import heapq
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from notifier.core.snapshot.grid import Grid

MOST_DEFERRED = 15_000_000
"""By this much at most may one that fell due later go before another."""


class AgendaEntry:
    """What is polled: due at an instant, queued, or being polled (`due` is None, unless it was put off since).

    It is `hastened` if it was to be polled at once while it was polled: the answer may be from before the reason.
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
    """All that is polled, each under its key and on a grid of its own."""

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
        """How many are due and wait for their turn."""
        return len(self._queue)

    def of(self, key: str) -> AgendaEntry | None:
        """What is polled under the key."""
        return self._entries.get(key)

    def dues(self) -> Iterator[tuple[str, int]]:
        """When each is due, by its key; what is being polled is left out."""
        return ((key, entry.due) for key, entry in self._entries.items() if entry.due is not None)

    def add(self, key: str, grid: Grid, first: int) -> None:
        """Poll what has this key at `first`, then on its grid. What was there under the key is replaced."""
        before = self._entries.get(key)
        if before is not None and before.running:  # never twice at once: its end sees the new grid
            before.grid = grid
            before.due = first
            return
        self._entries[key] = entry = AgendaEntry(key, grid, first)
        self._wait(entry, first)

    def remove(self, key: str) -> None:
        """Poll no more; a poll that is under way comes to its end."""
        self._entries.pop(key, None)

    def hasten(self, key: str, now: int) -> None:
        """Poll now, whenever it was due; at what is being polled once more, unless that is its last poll."""
        entry = self._entries.get(key)
        if entry is None or entry.queued:
            return
        if entry.running:
            entry.hastened = True
        else:
            self._wait(entry, now)

    def advance(self, key: str, by: int) -> None:
        """Poll by then at the latest; what is due earlier, or queued, stays as it is."""
        entry = self._entries.get(key)
        if entry is None or entry.queued or entry.due is None or entry.due <= by:
            return
        if entry.running:  # its end sees the new time
            entry.due = by
        else:
            self._wait(entry, by)

    def earliest(self) -> int | None:
        """When the next one falls due that is not queued yet; None if nothing waits."""
        while self._waiting and not self._waits(*self._waiting[0]):
            heapq.heappop(self._waiting)
        return self._waiting[0][0] if self._waiting else None

    def most_overdue(self) -> int | None:
        """The earliest due time of all that is queued or waits; None if there is none."""
        dues = [entry.due for _, _, entry in self._queue if self._entries.get(entry.key) is entry and entry.due]
        earliest = self.earliest()
        return min(dues if earliest is None else [*dues, earliest], default=None)

    def collect(self, now: int) -> None:
        """Put what is due by now into the queue."""
        while self._waiting and self._waiting[0][0] <= now:
            item = heapq.heappop(self._waiting)
            if not self._waits(*item):
                continue
            due, order, entry = item
            entry.queued = True
            heapq.heappush(self._queue, (due + deferral(entry.grid.interval), order, entry))

    def next(self) -> AgendaEntry | None:
        """Whose turn it is, taken out of the queue; None if it is empty."""
        while self._queue:
            _, _, entry = heapq.heappop(self._queue)
            entry.queued = False
            if self._entries.get(entry.key) is entry:
                return entry
        return None

    def begin(self, entry: AgendaEntry, now: int) -> int:
        """It is polled, until its `polling` is taken back; when it was due."""
        due = now if entry.due is None else entry.due
        entry.running, entry.hastened, entry.due = True, False, None
        return due

    def again(self, entry: AgendaEntry, pause: timedelta | None, after: int) -> None:
        """A poll has ended: the next is on the grid of its pause, after that instant; with None there is none.

        One that was hastened meanwhile is due at that instant.
        """
        if self._entries.get(entry.key) is not entry:
            return
        if entry.due is not None:  # put on another grid meanwhile
            self._wait(entry, entry.due)
        elif pause is None:
            del self._entries[entry.key]
        else:
            entry.grid = Grid.of(entry.key, pause) if pause != entry.grid.span else entry.grid
            self._wait(entry, after if entry.hastened else entry.grid.after(after))

    def realign(self, now: int) -> None:
        """Put on their grids again those that a clock set back has put out of reach."""
        for entry in self._entries.values():
            if entry.due is not None and not entry.queued and entry.due > now + entry.grid.interval:
                self._wait(entry, entry.grid.after(now))

    def _wait(self, entry: AgendaEntry, due: int) -> None:
        entry.due = due
        heapq.heappush(self._waiting, (due, next(self._order), entry))

    def _waits(self, due: int, _order: int, entry: AgendaEntry) -> bool:
        """Whether this place in the heap is still the entry's own: what moved or was removed leaves its old one."""
        idle = not entry.queued and not entry.running
        return idle and entry.due == due and self._entries.get(entry.key) is entry


def deferral(interval: int) -> int:
    """How much later than it is due a poll counts when many wait: half its interval, at most `MOST_DEFERRED`.

    So a young snapshot, polled every 10 s, comes before an old one that is as overdue.
    """
    return min(interval // 2, MOST_DEFERRED)
