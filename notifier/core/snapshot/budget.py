"""How many requests a second the watches need, and how often they are polled when there are fewer.

The figures are averages for snapshots that are no longer young; a start, or many new snapshots, take more.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.core.snapshot.model import DatasetWatch, SnapshotState, Watch
from notifier.core.snapshot.poll_pauses import YOUNG_FOR, poll_pause
from notifier.core.snapshot.rotation import RESERVED_SHARE, confirm_period
from notifier.core.words import count, span

LONGEST_LIST = 5_000
"""The most snapshots that one request for a dataset's list answers (`limit` of GET /datasets/v3/snapshots)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """What the watches need of the configured rate, in requests a second.

    Attributes:
        watches: how many are polled; a snapshot that has ended needs nothing.
        every: what most of them ask for.
        unbatched: snapshots whose dataset is not known yet, and which count individually.
        listed: snapshots that are polled through lists.
        confirming: how many more requests their rotation takes, if requests are left.
    """

    watches: int
    needed: float
    available: float
    every: timedelta
    unbatched: int = 0
    listed: int = 0
    confirming: float = 0.0

    @property
    def fits(self) -> bool:
        """Whether every watch can be polled as often as it asks for."""
        return self.needed <= self.available

    @property
    def freshness(self) -> timedelta:
        """How often a watch that asks for `every` is really polled: all are slowed down alike."""
        return self.every * max(self.needed / self.available, 1.0)

    def sentence(self) -> str:
        """Return the figures for people: "these 3,400 watches need 4.1 requests/s of 10"."""
        if not self.watches:
            return "nothing is polled, so no requests are needed"
        which = "this watch needs" if self.watches == 1 else f"these {count(self.watches, 'watch', 'watches')} need"
        rate = _rate(self.needed)
        return f"{which} {rate} {'request' if rate == '1' else 'requests'}/s of {_rate(self.available)}"

    def rotation(self) -> str | None:
        """Return what the rotation costs, and how often it polls each listed snapshot; None without lists."""
        if not self.listed:
            return None
        left = min(self.confirming, max(self.available * (1 - RESERVED_SHARE) - self.needed, 0.0))
        if left <= 0:
            return "no requests are left to confirm listed snapshots, beyond one for each list"
        rate = _rate(left)
        which = f"{rate} more of what is left" if left < self.confirming else f"up to {rate} more"
        which += " confirms lists" if rate == "1" else " confirm lists"
        every = span(timedelta(seconds=self.listed / left))
        return (
            f"{which}: each of {count(self.listed, 'snapshot')} that a list covers is polled individually every {every}"
        )

    def warning(self) -> str | None:
        """Return what happens if they need more than the configured rate; None if they do not."""
        if self.fits:
            return None
        which = "it" if self.watches == 1 else "each"
        text = f"{which} will be polled every {span(self.freshness)} instead of {span(self.every)}"
        if self.unbatched:
            return (
                f"{text}; less will be needed when their datasets are known, because one request lists a whole dataset"
            )
        return f"{text}; a longer `every:` needs less"

    def fields(self) -> dict[str, object]:
        """Return the figures for programs and for the log; durations in seconds."""
        return {
            "watches": self.watches,
            "requests_per_second_needed": round(self.needed, 4),
            "requests_per_second_available": self.available,
            "fits": self.fits,
            "every_s": self.every.total_seconds(),
            "freshness_s": round(self.freshness.total_seconds(), 3),
            "requests_per_second_confirming": round(self.confirming, 4),
        }


class Needs:
    """Adds up what watches need, some at a time: `add` them all, then call `budget`.

    The snapshots of a dataset cost one request for each page of its list, in the shortest pause among them, where that
    is less than one request for each snapshot. The list of a watched dataset is requested in any case, to find new
    snapshots. With each list, one of its snapshots is polled individually.
    """

    def __init__(self, *, states: Mapping[str, SnapshotState], now: datetime, batches: bool = True) -> None:
        """
        Args:
            states: what is known of the snapshots, by id; one that is not known counts as in progress.
            now: the time, for the age of snapshots.
            batches: whether lists may be used.
        """
        self._states = states
        self._now = now
        self._batches = batches
        self._asked: Counter[timedelta] = Counter()
        self._pauses: defaultdict[str | None, list[timedelta]] = defaultdict(list)
        self._every: dict[str | None, timedelta] = {}

    def add(self, watches: Iterable[Watch]) -> None:
        """Add watches of snapshots, also of those that were found in datasets."""
        for watch in watches:
            state = self._states.get(watch.snapshot_id) or SnapshotState(snapshot_id=watch.snapshot_id)
            # As if no snapshot were young: the pauses of a start do not last.
            pause = poll_pause(state, watch.every, max(self._now, (state.first_seen_at or self._now) + YOUNG_FOR))
            if pause is not None:
                self._asked[watch.every] += 1
                self._every[state.facts.dataset_id] = min(
                    watch.every, self._every.get(state.facts.dataset_id, watch.every)
                )
                self._pauses[state.facts.dataset_id].append(watch.every if state.first_seen_at is None else pause)

    def budget(self, datasets: Iterable[DatasetWatch], available: float) -> Budget:
        """Return what all of them need.

        Args:
            datasets: those that are watched as a whole.
            available: requests a second.
        """
        asked, pauses = self._asked.copy(), dict(self._pauses)
        needed = 0.0
        listed: list[str | None] = []
        for dataset in datasets:
            asked[dataset.every] += 1
            members = pauses.pop(dataset.dataset_id, []) if self._batches else []
            needed += _listed([dataset.every, *members], len(members))
            listed += [dataset.dataset_id] * bool(members)
        unbatched = len(pauses.get(None, ()))
        for dataset_id, members in pauses.items():
            individually = sum(1 / pause.total_seconds() for pause in members)
            by_list = _listed(members, len(members)) if self._batches and dataset_id is not None else individually
            needed += min(individually, by_list)
            listed += [dataset_id] * (by_list < individually)
        sizes = {dataset_id: len(self._pauses[dataset_id]) for dataset_id in listed}
        return Budget(
            watches=asked.total(),
            needed=needed,
            available=available,
            every=asked.most_common(1)[0][0] if asked else timedelta(0),
            unbatched=unbatched if self._batches else 0,
            listed=sum(sizes.values()),
            confirming=sum(
                (size / confirm_period(self._every[dataset_id]).total_seconds() for dataset_id, size in sizes.items()),
                start=0.0,
            ),
        )


def budget(
    watches: Iterable[Watch],
    datasets: Iterable[DatasetWatch] = (),
    *,
    states: Mapping[str, SnapshotState],
    now: datetime,
    available: float,
    batches: bool = True,
) -> Budget:
    """Return what these watches need; see `Needs`."""
    needs = Needs(states=states, now=now, batches=batches)
    needs.add(watches)
    return needs.budget(datasets, available)


def _listed(pauses: Iterable[timedelta], snapshots: int) -> float:
    """Return the requests a second for a list, and for the snapshot that is polled with it."""
    return (max(math.ceil(snapshots / LONGEST_LIST), 1) + bool(snapshots)) / min(pauses).total_seconds()


def _rate(rate: float) -> str:
    if rate < 0.01:
        return "less than 0.01"
    if rate < 1:
        return f"{rate:.2g}"
    return f"{rate:,.0f}" if rate >= 100 or rate == int(rate) else f"{rate:.1f}"
