"""The state of the simulated Bright Data: the snapshots of one account, their clock, and its rate limit."""

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from notifier.brightdata.simulator.faults import mixed
from notifier.brightdata.simulator.life import Life, cut_short, random_life
from notifier.brightdata.simulator.listing import Entry, Listing
from notifier.brightdata.simulator.results import Results, ResultsState
from notifier.core.snapshot.statuses import ENDS, canonical

RESULTS_KEPT_S = 16 * 86_400.0
"""Simulated seconds until a snapshot's results are deleted."""

LIFE_POOL = 512
"""The number of random lives, which snapshots share: 100,000 snapshots need fewer lives than that."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A snapshot, and the start of its life in seconds of the account's clock."""

    id: str
    dataset_id: str
    life: Life
    began: float
    order: int


class Account:
    """The state behind the simulated API.

    Args:
        seed: determines ids, lives and the order of listings.
        speed: simulated seconds per real second.
        clock: monotonic seconds.
        wall_clock: the date of a snapshot's creation.
        requests_per_second: the account's limit; None for no limit.
    """

    def __init__(
        self,
        *,
        seed: int,
        speed: float,
        clock: Callable[[], float],
        wall_clock: Callable[[], datetime],
        requests_per_second: float | None = None,
    ) -> None:
        self._seed = seed
        self._speed = speed
        self._clock = clock
        self._wall_clock = wall_clock
        self._interval = 1 / requests_per_second if requests_per_second else 0.0
        self._next_allowed = float("-inf")
        self._snapshots: dict[str, Snapshot] = {}
        self._listings: dict[str, Listing] = {}
        self.refused: set[str] = set()
        self.started: Callable[[Snapshot, Mapping[str, str]], None] = lambda snapshot, query: None
        """Called with each triggered snapshot, and the parameters of its trigger."""
        self._first_listed: dict[str, float] = {}
        self._next_lives: deque[Life] = deque()
        self._lives: tuple[Life, ...] = ()
        self._made = 0

    def __len__(self) -> int:
        return len(self._snapshots)

    def __contains__(self, snapshot_id: object) -> bool:
        return snapshot_id in self._snapshots

    def add(self, snapshot_id: str, life: Life, dataset_id: str) -> Snapshot:
        """Adds a snapshot whose life begins now.

        Raises:
            ValueError: the id is taken.
        """
        if snapshot_id in self._snapshots:
            raise ValueError(f"there is a snapshot {snapshot_id!r} already")
        snapshot = Snapshot(
            id=snapshot_id,
            dataset_id=dataset_id,
            life=life,
            began=self._clock(),
            order=mixed(self._seed, len(self._snapshots)),
        )
        self._list(snapshot)
        return snapshot

    def order_life(self, life: Life) -> None:
        """Queues a life for the next triggered snapshot, after those queued before."""
        self._next_lives.append(life)

    def trigger(self, dataset_id: str) -> Snapshot:
        """Starts a snapshot, with the life queued for it or one that the seed determines."""
        return self.make(dataset_id, self._next_lives.popleft() if self._next_lives else None)

    def cancel(self, snapshot_id: str) -> bool | None:
        """Cancels a snapshot; returns whether it was still running, None if there is none."""
        snapshot = self._snapshots.get(snapshot_id)
        status = None if snapshot is None else snapshot.life.status_at(self._age(snapshot))
        if snapshot is None or status is None:
            return None
        if canonical(status) in ENDS:
            return False
        self._list(replace(snapshot, life=cut_short()))
        return True

    def results(self, snapshot_id: str) -> Results:
        """Returns the results of a snapshot."""
        snapshot = self._snapshots.get(snapshot_id)
        status = None if snapshot is None else snapshot.life.status_at(self._age(snapshot))
        if snapshot is None or status is None:
            return Results(state=ResultsState.NOT_FOUND)
        told = snapshot.life.facts.get("records")
        number = snapshot.life.error_rows + (told if isinstance(told, int) else 0)
        since_end = self._age(snapshot) - snapshot.life.seconds
        if canonical(status) not in ENDS:
            state = ResultsState.NOT_READY
        elif canonical(status) != "ready":
            state = ResultsState.ENDED_WITHOUT
        elif since_end > RESULTS_KEPT_S:
            state = ResultsState.EXPIRED
        elif since_end < snapshot.life.builds_for:
            state = ResultsState.BUILDING
        else:
            state = ResultsState.THERE if number else ResultsState.EMPTY
        return Results(state=state, status=status, records=number, seed=snapshot.order)

    def _list(self, snapshot: Snapshot) -> None:
        self._snapshots[snapshot.id] = snapshot
        life, dataset_id = snapshot.life, snapshot.dataset_id
        entry = Entry(
            id=snapshot.id,
            order=snapshot.order,
            created=self._created(snapshot),
            dataset_id=dataset_id,
            life=life,
            began=snapshot.began,
        )
        self._listings.setdefault(dataset_id, Listing(speed=self._speed)).put(entry)

    def make(self, dataset_id: str, life: Life | None = None) -> Snapshot:
        """Adds a snapshot with an id that the seed determines, and a life too if none is given."""
        if not self._lives:
            rng = random.Random(self._seed)
            self._lives = tuple(random_life(rng) for _ in range(LIFE_POOL))
        self._made += 1
        snapshot_id = f"sd_{_base36(mixed(self._seed, -self._made), mixed(self._seed + 1, self._made))}"
        chosen = self._lives[mixed(self._seed + 2, self._made) % LIFE_POOL]
        return self.add(snapshot_id, life or chosen, dataset_id)

    def progress(self, snapshot_id: str) -> dict[str, object] | None:
        """Returns the progress answer; None for a 404."""
        snapshot = self._snapshots.get(snapshot_id)
        if snapshot is None:
            return None
        answer = snapshot.life.at(self._age(snapshot))
        if answer is None:
            return None
        return {**answer, "snapshot_id": snapshot.id, "dataset_id": snapshot.dataset_id}

    def listing(
        self,
        dataset_id: str,
        *,
        status: str | None,
        skip: int,
        limit: int,
        from_date: date | None,
        to_date: date | None,
        stale: bool = False,
    ) -> list[str]:
        """Returns a page of a dataset's snapshots, each as JSON, in an arbitrary order that is the same for every page.

        A `stale` page shows them as of the first listing of the dataset.
        """
        first = self._first_listed.setdefault(dataset_id, self._clock())
        listing = self._listings.get(dataset_id)
        if listing is None:
            return []
        as_at = first if stale else None
        return listing.page(
            self._clock(), status=status, skip=skip, limit=limit, from_date=from_date, to_date=to_date, as_at=as_at
        )

    def over_limit(self) -> bool:
        """Counts a request against the account's limit; returns whether it exceeds the limit."""
        if not self._interval:
            return False
        now = self._clock()
        if self._next_allowed - now > self._interval:
            return True
        self._next_allowed = max(self._next_allowed, now) + self._interval
        return False

    def _age(self, snapshot: Snapshot) -> float:
        return (self._clock() - snapshot.began) * self._speed

    def _created(self, snapshot: Snapshot) -> datetime:
        return self._wall_clock().astimezone(UTC) - timedelta(seconds=self._clock() - snapshot.began)


def _base36(*numbers: int) -> str:
    """Returns 17 characters, as the API's own ids have after their prefix."""
    bits = 0
    for number in numbers:
        bits = bits * 2**64 + number
    digits = []
    for _ in range(17):
        bits, digit = divmod(bits, 36)
        digits.append(_DIGITS[digit])
    return "".join(digits)
