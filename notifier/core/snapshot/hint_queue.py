"""Which snapshot is polled next because of a hint, and when. Pure: times are seconds of a clock that is never set.

A hint asks for one poll of its snapshot at once, and for a few more at growing pauses while the snapshot goes on:
Bright Data may send it early. Hints of one snapshot coalesce; its polls because of them are `REST_S` apart, and none
begins beside a regular poll, which may find the end by itself. All polls because of hints together get at most `SHARE`
of the requests. Snapshots that nobody watches, which have to be confirmed, come last.
"""

import heapq
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

SHARE = 0.5
"""The most of the request rate that goes to polls because of hints; the rest is left to the regular ones."""

BURST_S = 2.0
"""So many seconds of that share may be used at once, after a time without hints."""

REST_S = 1.0
"""The least time between two polls of a snapshot because of hints, and the longest wait for a regular one."""

PAUSES_S = (1.0, 2.0, 4.0)
"""The pauses before the further polls of a snapshot that goes on after its hint."""

MOST_WATCHED = 10_000
MOST_UNCONFIRMED = 100
"""Snapshots that wait because of hints: watched ones, and others."""


class HintResult(StrEnum):
    """What a hint came to, as one word for the log and the metrics."""

    ACCEPTED = "accepted"
    """Its snapshot is polled as soon as the limits allow."""
    COALESCED = "coalesced"
    """A poll of its snapshot is about to be made anyway."""
    ENDED = "ended"
    """Its snapshot had ended before."""
    UNCONFIRMED = "unconfirmed"
    """Nobody watches its snapshot; Bright Data is asked whether there is one."""
    ADOPTED = "adopted"
    """Bright Data has confirmed such a snapshot, and it is watched now."""
    UNKNOWN = "unknown"
    """Nobody watches its snapshot, and nobody will."""
    DROPPED = "dropped"
    """Too many hints wait."""
    NAMELESS = "nameless"
    """No snapshot is named in it."""
    REFUSED = "refused"
    """Its secret is wrong."""


@dataclass(slots=True)
class _Hinted:
    """A snapshot that a hint has named.

    Attributes:
        due: when it is polled.
        watched: whether it is watched; else Bright Data has to confirm it.
        made: how many polls have served the hint.
        running: whether a poll because of it runs.
        again: whether another hint came meanwhile.
    """

    due: float
    watched: bool
    made: int = 0
    running: bool = False
    again: bool = False


class Budget:
    """A token bucket: how many polls hints may have."""

    def __init__(self, requests_per_second: float) -> None:
        self._rate = SHARE * requests_per_second
        self._tokens = self._most
        self._at: float | None = None

    @property
    def _most(self) -> float:
        return max(1.0, BURST_S * self._rate)

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Change the rate of all requests."""
        self._fill(now)
        self._rate = SHARE * requests_per_second
        self._tokens = min(self._tokens, self._most)

    def wait(self, now: float) -> float:
        """Return the seconds until one poll more is allowed."""
        self._fill(now)
        return max(0.0, (1.0 - self._tokens) / self._rate)

    def spend(self, now: float) -> None:
        """Count one poll."""
        self._fill(now)
        self._tokens -= 1.0

    def _fill(self, now: float) -> None:
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        # Rounded up a little, or the last fraction of a token would take a hundred more waits of nothing.
        self._tokens = min(self._most, self._tokens + passed * self._rate + 1e-9)


class HintQueue:
    """The snapshots that hints have named and that are still to be polled because of it."""

    def __init__(self, requests_per_second: float) -> None:
        self._budget = Budget(requests_per_second)
        self._hinted: dict[str, _Hinted] = {}
        self._heaps: dict[bool, list[tuple[float, int, str]]] = {True: [], False: []}  # by `watched`
        self._order = count()
        self._unconfirmed = 0
        self._regular: dict[str, float] = {}  # when the regular polls began that run now
        self._rests: dict[str, float] = {}  # when polls because of hints began, within `REST_S`, the oldest first

    def __len__(self) -> int:
        return len(self._hinted)

    def set_rate(self, requests_per_second: float, now: float) -> None:
        """Change the rate of all requests."""
        self._budget.set_rate(requests_per_second, now)

    def hint(self, snapshot_id: str, now: float, *, watched: bool) -> HintResult:
        """Take up a hint of a snapshot that is watched and goes on, or that nobody watches."""
        hinted = self._hinted.get(snapshot_id)
        if hinted is not None:
            if hinted.running:
                hinted.again = True  # that poll may have been sent before the end
            elif hinted.made:
                hinted.made = 0
                self._wait(snapshot_id, min(hinted.due, self._earliest(snapshot_id, now)))
            return HintResult.COALESCED
        unconfirmed = self._unconfirmed
        if len(self._hinted) - unconfirmed >= MOST_WATCHED if watched else unconfirmed >= MOST_UNCONFIRMED:
            return HintResult.DROPPED
        self._hinted[snapshot_id] = _Hinted(due=now, watched=watched)
        self._unconfirmed += not watched
        self._wait(snapshot_id, self._earliest(snapshot_id, now))
        return HintResult.ACCEPTED if watched else HintResult.UNCONFIRMED

    def wait(self, now: float) -> float | None:
        """Return the seconds until the next poll is due and allowed; None if no snapshot waits."""
        dues = [heap[0][0] for watched, heap in self._heaps.items() if self._trimmed(watched)]
        return max(0.0, min(dues) - now, self._budget.wait(now)) if dues else None

    def next(self, now: float) -> str | None:
        """Take the next snapshot to poll, a watched one first; `ended` or `forget` follows. None if none is due."""
        if self._budget.wait(now) > 0:
            return None
        for watched in (True, False):
            heap = self._trimmed(watched)
            if heap and heap[0][0] <= now:
                _, _, snapshot_id = heapq.heappop(heap)
                self._hinted[snapshot_id].running = True
                self._budget.spend(now)
                self._rest(snapshot_id, now)
                return snapshot_id
        return None

    def ended(self, snapshot_id: str, now: float) -> None:
        """Note that the poll of `next` has ended and the snapshot goes on: it is polled again, a few times."""
        hinted = self._hinted.get(snapshot_id)
        if hinted is None or not hinted.running:
            return
        hinted.running = False
        if hinted.again:
            hinted.again, hinted.made = False, 0
            self._wait(snapshot_id, self._earliest(snapshot_id, now))
        else:
            self._again(snapshot_id, hinted, now)

    def forget(self, snapshot_id: str) -> None:
        """Drop the hint of a snapshot that has ended, or is not watched."""
        hinted = self._hinted.pop(snapshot_id, None)
        self._unconfirmed -= hinted is not None and not hinted.watched

    # Regular polls

    def regular_began(self, snapshot_id: str, now: float) -> None:
        """Note that a regular poll of a snapshot begins: it serves a hint that waits."""
        self._regular[snapshot_id] = now
        hinted = self._hinted.get(snapshot_id)
        if hinted is not None and not hinted.running:
            self._again(snapshot_id, hinted, now)

    def regular_ended(self, snapshot_id: str, now: float) -> None:
        """Note the end of a regular poll; a hint that has come meanwhile asks for another one now."""
        self._regular.pop(snapshot_id, None)
        hinted = self._hinted.get(snapshot_id)
        if hinted is not None and not hinted.running and not hinted.made:
            self._wait(snapshot_id, self._earliest(snapshot_id, now))

    def _again(self, snapshot_id: str, hinted: _Hinted, now: float) -> None:
        if hinted.made >= len(PAUSES_S):
            self.forget(snapshot_id)
            return
        hinted.made += 1
        self._wait(snapshot_id, now + PAUSES_S[hinted.made - 1])

    def _wait(self, snapshot_id: str, due: float) -> None:
        hinted = self._hinted[snapshot_id]
        hinted.due = due
        heapq.heappush(self._heaps[hinted.watched], (due, next(self._order), snapshot_id))

    def _trimmed(self, watched: bool) -> list[tuple[float, int, str]]:
        """Return the heap, which begins with a snapshot that waits: those that moved leave an item behind."""
        heap = self._heaps[watched]
        while heap:
            due, _, snapshot_id = heap[0]
            hinted = self._hinted.get(snapshot_id)
            if hinted is not None and hinted.watched is watched and not hinted.running and hinted.due == due:
                break
            heapq.heappop(heap)
        return heap

    def _earliest(self, snapshot_id: str, now: float) -> float:
        """Return the time from which on the snapshot may be polled because of a hint."""
        begun = (some[snapshot_id] for some in (self._rests, self._regular) if snapshot_id in some)
        return max([now, *(each + REST_S for each in begun)])

    def _rest(self, snapshot_id: str, now: float) -> None:
        self._rests.pop(snapshot_id, None)
        self._rests[snapshot_id] = now
        while self._rests[oldest := next(iter(self._rests))] <= now - REST_S:
            del self._rests[oldest]
