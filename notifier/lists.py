"""One look at a dataset: its list -> compared with what is known -> taken, or to be asked for singly."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from notifier.brightdata.limiter import Permit
from notifier.core.lists import SETTLES_IN, Verdict, is_news, verdict
from notifier.core.model import DatasetWatch, Facts, Listed, Seen, SnapshotState, Unclear, Watch
from notifier.core.transitions import Phase, canonical, changed_by_list, dated, has_ended, phase_of, stalled_at
from notifier.poll import LookOutcome, Poller
from notifier.store.datasets import Datasets

SLICE = 500
"""Entries that are compared without letting others run: well under a millisecond's work for each hundred."""

COMMITS_AT_ONCE = 200


class ListObserver(Protocol):
    """Whatever can list a dataset. It answers with a value, never with an exception."""

    async def listing(self, dataset_id: str, *, from_date: date | None, permit: Permit) -> tuple[Listed, ...] | Unclear:
        """All of its snapshots that were created on that day (UTC) or later."""
        ...


@dataclass(slots=True, eq=False)
class Group:
    """The snapshots of one dataset, as far as they are watched.

    `members` are those that have not ended; `listed` those of them that its last list had, at `agreed_at`; all others
    are looked at singly. `asked` has the list's words that are being asked for singly, `odd` those that were not
    confirmed, `ended` the ends that its list has and that are known. `watch` is there if the dataset itself is
    watched, and `baseline_at` says since when.
    """

    dataset_id: str
    watch: DatasetWatch | None = None
    members: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    asked: dict[str, str] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    baseline_at: datetime | None = None
    agreed_at: datetime | None = None
    oldest: datetime | None = None
    entries: int = 0
    failures: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ListOutcome:
    """What came of one look at a dataset.

    `unclear` says why there was no list. Otherwise it had `entries`, of which `taken` made transitions by themselves,
    `ask` are to be asked for singly and `found` were new; `baseline` had ended before the dataset was first looked at.
    `missing` are members that it did not have. `lag` is how late the look began, `duration` how long it took.
    """

    dataset_id: str
    unclear: Unclear | None = None
    entries: int = 0
    taken: tuple[LookOutcome, ...] = ()
    ask: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    found: int = 0
    baseline: int = 0
    lag: timedelta
    duration: timedelta


@dataclass(slots=True)
class _Reading:
    """A list on its way through the comparison."""

    asked_at: datetime
    now: datetime
    seen: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    take: list[tuple[Watch, Listed]] = field(default_factory=list)
    ask: dict[str, str] = field(default_factory=dict)
    fresh: list[Listed] = field(default_factory=list)
    oldest: datetime | None = None


class Lister:
    """Looks at datasets."""

    def __init__(
        self,
        *,
        observer: ListObserver,
        poller: Poller,
        datasets: Datasets,
        clock: Callable[[], datetime],
        keep: timedelta,
        watch_of: Callable[[str], Watch | None],
    ) -> None:
        """
        Args:
            observer: the door to the API.
            poller: holds what is known of every snapshot, and commits what changed.
            datasets: what is remembered of datasets.
            clock: the time, UTC.
            keep: how long what has ended is remembered.
            watch_of: the configuration's own watch of a snapshot, if it has one.
        """
        self._observer = observer
        self._poller = poller
        self._datasets = datasets
        self._clock = clock
        self._keep = keep
        self._watch_of = watch_of

    async def look(self, group: Group, due: datetime, permit: Permit) -> ListOutcome:
        """Look once at the group's dataset; the group knows afterwards what the list had.

        Raises:
            StoreError: a change could not be committed; it has not been told, and the next look finds it again.
        """
        asked_at = self._clock()
        entries = await self._observer.listing(group.dataset_id, from_date=self._from_date(group), permit=permit)
        now = self._clock()
        lag, duration = max(asked_at - due, timedelta(0)), now - asked_at
        if isinstance(entries, Unclear):
            group.failures += 1
            return ListOutcome(dataset_id=group.dataset_id, unclear=entries, lag=lag, duration=duration)
        reading = _Reading(asked_at=asked_at, now=now)
        for start in range(0, len(entries), SLICE):
            for entry in entries[start : start + SLICE]:
                self._compare(group, entry, reading)
            await asyncio.sleep(0)
        members, ended = set(group.members), set(group.ended)
        baseline = await self._meet(group, reading)
        taken = await self._take(group, reading)
        # While commits were awaited, a single look may have found that a member has come to its end.
        reading.ended |= {id_: word for id_, word in group.ended.items() if id_ not in ended}
        group.listed = reading.seen & group.members
        group.asked = group.asked | reading.ask
        group.odd = {id_: word for id_, word in group.odd.items() if id_ in group.listed}
        group.ended = reading.ended
        group.agreed_at, group.oldest, group.entries, group.failures = asked_at, reading.oldest, len(entries), 0
        return ListOutcome(
            dataset_id=group.dataset_id,
            entries=len(entries),
            taken=taken,
            ask=tuple(reading.ask),
            missing=tuple(group.members - group.listed),
            found=len(group.members - members),
            baseline=baseline,
            lag=lag,
            duration=duration,
        )

    def _from_date(self, group: Group) -> date | None:
        """From when on the list is wanted: all that is in progress, and what is new since the last list."""
        if group.agreed_at is None or not group.members <= group.listed:
            return None
        since = group.agreed_at if group.oldest is None else min(group.oldest, group.agreed_at)
        return (since - SETTLES_IN).date()

    def _compare(self, group: Group, entry: Listed, reading: _Reading) -> None:
        id_ = entry.snapshot_id
        if id_ not in group.members:
            self._meet_one(group, entry, reading)
            return
        reading.seen.add(id_)
        self._compare_member(group, entry, reading)

    def _compare_member(self, group: Group, entry: Listed, reading: _Reading) -> None:
        id_ = entry.snapshot_id
        state = self._poller.state_of(id_)
        if entry.created is not None:
            if reading.oldest is None or entry.created < reading.oldest:
                reading.oldest = entry.created
            if state.created_at is None:
                self._poller.put(dated(state, entry.created))
        if entry.status == state.status:
            group.odd.pop(id_, None)
            watch = self._owner(group, id_)
            due = stalled_at(state, watch.stalled_after) if watch is not None else None
            if due is not None and due <= reading.now and watch is not None:
                reading.take.append((self._whole(watch, id_), entry))
            return
        match verdict(
            state,
            entry.status,
            asked_at=reading.asked_at,
            now=reading.now,
            agreed_at=group.agreed_at if id_ in group.listed else None,
            odd=group.odd.get(id_),
        ):
            case Verdict.ASK:
                reading.ask[id_] = entry.status
            case Verdict.TAKE:
                owner = self._owner(group, id_)
                if owner is not None:
                    reading.take.append((self._whole(owner, id_), entry))
            case Verdict.SAME:
                pass

    def _meet_one(self, group: Group, entry: Listed, reading: _Reading) -> None:
        """An entry that is no member: one of a known end, one that is watched by itself, a new one, or nobody's."""
        id_, word = entry.snapshot_id, canonical(entry.status)
        known = group.ended.get(id_)
        if known is not None:
            reading.ended[id_] = known
            if word != known:
                reading.fresh.append(entry)  # it came back from its end, or to another
        elif self._watch_of(id_) is not None:
            state = self._poller.state_of(id_)
            if has_ended(state):
                reading.ended[id_] = canonical(state.status)
            else:
                self._join(group, entry, reading)
        elif group.watch is not None:
            reading.fresh.append(entry)

    async def _meet(self, group: Group, reading: _Reading) -> int:
        """Take up what the dataset's own watch has found; how many of them are the silent baseline."""
        known = await self._datasets.known([entry.snapshot_id for entry in reading.fresh])
        first = group.baseline_at is None
        baseline_at = group.baseline_at or reading.asked_at
        kept_since = reading.now - self._keep
        silent: list[SnapshotState] = []
        baseline = 0
        for entry in reading.fresh:
            id_, before = entry.snapshot_id, known.get(entry.snapshot_id)
            if before is not None:
                self._meet_again(group, entry, before, reading)
                continue
            ended = phase_of(entry.status) is Phase.ENDED
            news = is_news(entry.created, ended, baseline_at=baseline_at, kept_since=kept_since)
            if news and not (first and ended):
                self._join(group, entry, reading)
                continue
            baseline += 1
            reading.ended[id_] = canonical(entry.status)
            if news:  # recent: of this one the next list could not tell that it belongs to the baseline
                silent.append(_baseline_state(entry, group.dataset_id, reading.now))
        if first and group.watch is not None:
            await self._datasets.begin(group.dataset_id, baseline_at, silent, group.watch.watch_for)
            group.baseline_at = baseline_at
        return baseline

    def _meet_again(self, group: Group, entry: Listed, before: SnapshotState, reading: _Reading) -> None:
        """An entry that an earlier look knew, and that is not in the working set."""
        if not has_ended(before):
            self._poller.put(before)
            self._join(group, entry, reading)
            return
        reading.ended[entry.snapshot_id] = canonical(before.status)
        if changed_by_list(before, entry.status) and canonical(entry.status) != group.odd.get(entry.snapshot_id):
            self._poller.put(before)
            reading.ask[entry.snapshot_id] = entry.status

    def _join(self, group: Group, entry: Listed, reading: _Reading) -> None:
        group.members.add(entry.snapshot_id)
        reading.seen.add(entry.snapshot_id)
        self._compare_member(group, entry, reading)

    async def _take(self, group: Group, reading: _Reading) -> tuple[LookOutcome, ...]:
        taken: list[LookOutcome] = []
        for start in range(0, len(reading.take), COMMITS_AT_ONCE):
            taken += await asyncio.gather(
                *(
                    self._poller.take(
                        watch,
                        Seen(status=entry.status, facts=Facts(dataset_id=group.dataset_id)),
                        asked_at=reading.asked_at,
                        seen_at=group.agreed_at if watch.snapshot_id in group.listed else None,
                    )
                    for watch, entry in reading.take[start : start + COMMITS_AT_ONCE]
                )
            )
        return tuple(taken)

    def _owner(self, group: Group, snapshot_id: str) -> Watch | DatasetWatch | None:
        return self._watch_of(snapshot_id) or group.watch

    @staticmethod
    def _whole(owner: Watch | DatasetWatch, snapshot_id: str) -> Watch:
        return owner if isinstance(owner, Watch) else owner.watch_for(snapshot_id)


def _baseline_state(entry: Listed, dataset_id: str, now: datetime) -> SnapshotState:
    return SnapshotState(
        snapshot_id=entry.snapshot_id,
        status=entry.status,
        revision=1,
        facts=Facts(dataset_id=dataset_id),
        first_seen_at=now,
        since=now,
        seen_at=now,
        created_at=entry.created,
    )
