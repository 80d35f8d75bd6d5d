"""A scripted Bright Data account: snapshots that change over time, and faults of polls and lists."""

import asyncio
import random
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from notifier.brightdata.limits.permit import Permit
from notifier.core.snapshot.model import Listed, NotFound, Observation, Reason, Seen, Unclear
from support.fakes import OUTAGE, seen

INSTANTLY = timedelta(0)
REFUSED = Unclear(reason=Reason.REFUSED, detail="HTTP 400: snapshot_id is not valid")
"""The answer for what is `refused`: a snapshot, or the list of a dataset."""

HANGS = Unclear(reason=Reason.TIMEOUT, detail="no whole answer within 10 s")
HANGS_FOR = timedelta(seconds=10)
"""The answer to a poll of what is `hung`, and how long it takes: the usual timeout."""

RECORDS = 7
"""The records of every ready snapshot, which only an individual poll shows."""


@dataclass
class Life:
    """The statuses of a snapshot over time; before the first one it does not exist.

    Attributes:
        words: each status, with the time from which on it holds.
        created: its beginning, as lists have it.
        listed_as: the words that lists have instead of its own.
        missed: when lists do not have it.
    """

    dataset: str
    words: Sequence[tuple[datetime, str]]
    created: datetime | None
    listed_as: dict[str, str] = field(default_factory=dict)
    missed: Callable[[datetime], bool] = lambda _: False

    def at(self, now: datetime) -> str | None:
        """Return its status at a time."""
        place = bisect_right([at for at, _ in self.words], now)
        return self.words[place - 1][1] if place else None


class FakeAccount:
    """Answers polls and lists from the lives of its snapshots, after `latency`, and counts requests.

    A list shows the statuses of `lag()` ago by its own `clock`, in random order, in pages of `page`, with the `dates`
    of creation or without. There is no answer while `list_fails` or `poll_fails`.
    """

    def __init__(self, *, seed: int = 1, page: int = 5_000, latency: timedelta = timedelta(milliseconds=100)) -> None:
        self.lives: dict[str, Life] = {}
        self.polls: Counter[str] = Counter()
        self.lists: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.hung: set[str] = set()
        self.from_dates: list[date | None] = []
        self.requests = 0
        self.page = page
        self.latency = latency
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.dates: Callable[[], bool] = lambda: True
        self.lag: Callable[[], timedelta] = lambda: INSTANTLY
        self.list_fails: Callable[[datetime], bool] = lambda _: False
        self.poll_fails: Callable[[datetime], bool] = lambda _: False
        self._dice = random.Random(seed)

    def add(
        self, snapshot_id: str, dataset: str, begun: datetime, *words: tuple[float, str], dated: bool = True
    ) -> Life:
        """Add a snapshot that has each status from so many seconds after `begun` on."""
        moments = [(begun + timedelta(seconds=after), word) for after, word in words]
        life = self.lives[snapshot_id] = Life(dataset, moments, begun if dated else None)
        return life

    def truth(self, snapshot_id: str) -> list[str]:
        """Return all statuses of a snapshot, in their order."""
        return [word for _, word in self.lives[snapshot_id].words]

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """Answer a poll, with the status after half of the latency."""
        self.polls[snapshot_id] += 1
        self.requests += 1
        if snapshot_id in self.hung:
            return await self._hang(permit)
        await asyncio.sleep(self.latency.total_seconds() / 2)
        now = self.clock()
        answer = OUTAGE if self.poll_fails(now) else self._answer(snapshot_id, now)
        if snapshot_id in self.refused:
            answer = REFUSED
        await asyncio.sleep(self.latency.total_seconds() / 2)
        if permit is not None:
            permit.release()
        return answer

    async def _hang(self, permit: Permit | None) -> Observation:
        if permit is not None:
            permit.use()
        await asyncio.sleep(HANGS_FOR.total_seconds())
        if permit is not None:
            permit.release()
        return HANGS

    def _answer(self, snapshot_id: str, now: datetime) -> Observation:
        life = self.lives.get(snapshot_id)
        word = life.at(now) if life is not None else None
        if life is None or word is None:
            return NotFound()
        facts: dict[str, int] = {"records": RECORDS, "errors": 0} if word == "ready" else {}
        answer = seen(word, dataset_id=life.dataset, **facts)
        assert isinstance(answer, Seen)
        return answer

    async def listing(
        self, dataset_id: str, *, from_date: date | None = None, permit: Permit | None = None
    ) -> tuple[Listed, ...] | Unclear:
        """Answer with a list, as of half of the latency later, less the lag."""
        self.from_dates.append(from_date)
        await asyncio.sleep(self.latency.total_seconds() / 2)
        now = self.clock()
        entries = [] if self.list_fails(now) else self._entries(dataset_id, now - self.lag(), now, from_date)
        self._dice.shuffle(entries)
        pages = 1 + len(entries) // self.page
        self.lists[dataset_id] += pages
        self.requests += pages
        await asyncio.sleep(self.latency.total_seconds() * (pages - 0.5))
        if permit is not None:
            permit.release()
        if dataset_id in self.refused:
            return REFUSED
        return OUTAGE if self.list_fails(now) else tuple(entries)

    def _entries(self, dataset_id: str, at: datetime, now: datetime, from_date: date | None) -> list[Listed]:
        found = []
        for snapshot_id, life in self.lives.items():
            word = life.at(at) if life.dataset == dataset_id else None
            early = from_date is not None and life.created is not None and life.created.date() < from_date
            if word is None or early or life.missed(now):
                continue
            listed = life.listed_as.get(word, word)
            created = life.created if self.dates() else None
            found.append(Listed(snapshot_id=snapshot_id, status=listed, created=created))
        return found
