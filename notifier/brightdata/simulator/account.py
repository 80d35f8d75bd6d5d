"""What the simulated Bright Data knows: the snapshots of one account, their clock, and how fast it may be asked."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from notifier.brightdata.simulator.faults import mixed
from notifier.brightdata.simulator.life import Life, random_life

LIFE_POOL = 512
"""Lives that chance deals out are shared: 100,000 snapshots need no 100,000 of them."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """A snapshot and when its life began, in seconds of the account's clock."""

    id: str
    dataset_id: str
    life: Life
    began: float
    order: int


class Account:
    """The state behind the simulated API.

    Args:
        seed: decides ids, lives and the order of listings.
        speed: simulated seconds in a real one.
        clock: monotonic seconds.
        wall_clock: the date of a snapshot's creation.
        requests_per_second: what the account may ask; None for no limit.
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
        self._datasets: dict[str, list[Snapshot]] = {}
        self._unsorted: set[str] = set()
        self._lives: tuple[Life, ...] = ()
        self._made = 0

    def __len__(self) -> int:
        return len(self._snapshots)

    def __contains__(self, snapshot_id: object) -> bool:
        return snapshot_id in self._snapshots

    def add(self, snapshot_id: str, life: Life, dataset_id: str) -> Snapshot:
        """A snapshot whose life begins now.

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
        self._snapshots[snapshot_id] = snapshot
        self._datasets.setdefault(dataset_id, []).append(snapshot)
        self._unsorted.add(dataset_id)
        return snapshot

    def make(self, dataset_id: str, life: Life | None = None) -> Snapshot:
        """A snapshot with an id, and if none is given a life, that the seed chooses."""
        if not self._lives:
            dice = random.Random(self._seed)
            self._lives = tuple(random_life(dice) for _ in range(LIFE_POOL))
        self._made += 1
        snapshot_id = f"sd_{_base36(mixed(self._seed, -self._made), mixed(self._seed + 1, self._made))}"
        chosen = self._lives[mixed(self._seed + 2, self._made) % LIFE_POOL]
        return self.add(snapshot_id, life or chosen, dataset_id)

    def progress(self, snapshot_id: str) -> dict[str, object] | None:
        """The progress answer; None for a 404."""
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
    ) -> list[dict[str, object]]:
        """A page of a dataset's snapshots, in an order that means nothing but is the same for every page."""
        if dataset_id in self._unsorted:
            self._datasets[dataset_id].sort(key=lambda snapshot: snapshot.order)
            self._unsorted.discard(dataset_id)
        page: list[dict[str, object]] = []
        for snapshot in self._datasets.get(dataset_id, ()):
            present = snapshot.life.status_at(self._age(snapshot))
            created = self._created(snapshot)
            if present is None or (status is not None and present != status):
                continue
            if (from_date and created.date() < from_date) or (to_date and created.date() > to_date):
                continue
            if skip > 0:
                skip -= 1
                continue
            if len(page) >= limit:
                break
            page.append(_listed(snapshot, present, created))
        return page

    def over_limit(self) -> bool:
        """Count one request against the account's own rate; whether it is one too many."""
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


def _listed(snapshot: Snapshot, status: str, created: datetime) -> dict[str, object]:
    return {
        "id": snapshot.id,
        "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "status": status,
        "dataset_id": snapshot.dataset_id,
        "dataset_size": snapshot.life.facts.get("records", 0) if status == "ready" else 0,
        "trigger": {"type": "API"},
    }


def _base36(*numbers: int) -> str:
    """17 characters, as the API's own ids have after their prefix."""
    bits = 0
    for number in numbers:
        bits = bits * 2**64 + number
    digits = []
    for _ in range(17):
        bits, digit = divmod(bits, 36)
        digits.append(_DIGITS[digit])
    return "".join(digits)
