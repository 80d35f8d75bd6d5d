"""Who is looked at, and how: each watched snapshot singly, or with the others of its dataset through their list.

Which dataset a snapshot belongs to is learned from its first answer; what else of it is watched, from that dataset's
first list. A group is listed when that costs less than looking at its members one by one, and always if the dataset
itself is watched. What a list errs about or does not have is looked at singly, until a list has it again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Protocol

from notifier.brightdata.limiter import Permit
from notifier.core.backoff import pause_at
from notifier.core.budget import Budget, budget
from notifier.core.expiring import due_without_look
from notifier.core.lists import MARGIN, worth_listing
from notifier.core.model import EXPIRING, DatasetWatch, SnapshotState, Watch
from notifier.core.routing import wants
from notifier.core.transitions import canonical, changed_by_list
from notifier.lists import Group, Lister, ListObserver, ListOutcome
from notifier.poll import LookOutcome, Observer, Poller
from notifier.schedule import Schedule
from notifier.store.datasets import DatasetNote
from notifier.store.store import Store

DATASET = "dataset/"
"""Before a dataset's id, the key under which its list is scheduled. No snapshot's id has a `/` in it."""

PAGE = 5_000
FAILURES_BEFORE_SINGLE = 3
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_PAUSE = timedelta(minutes=5)
"""Between two tries at a list that fails."""

ASK_AGAIN = timedelta(seconds=10)


class Api(Observer, ListObserver, Protocol):
    """Looks at snapshots and lists datasets."""


class Lookout:
    """Keeps the schedule: what is on it, and what is done when it is due."""

    def __init__(
        self,
        *,
        api: Api,
        store: Store,
        poller: Poller,
        clock: Callable[[], datetime],
        keep: timedelta,
        gap: timedelta,
        lists: bool,
        looked: Callable[[LookOutcome], None],
        listed: Callable[[ListOutcome], None],
    ) -> None:
        """
        Args:
            api: the door to Bright Data.
            store: what is remembered.
            poller: looks at single snapshots, and commits what changed.
            clock: the time, UTC.
            keep: how long what has ended is remembered.
            gap: the time between two requests at the configured rate.
            lists: whether snapshots that are watched singly may be looked at through lists (`api.batch: auto`).
            looked, listed: told of what came of each look.
        """
        self._store = store
        self._poller = poller
        self._clock = clock
        self._gap = gap
        self._lists = lists
        self._looked = looked
        self._listed = listed
        self._watches: dict[str, Watch] = {}
        self._groups: dict[str, Group] = {}
        self._group_of: dict[str, Group] = {}
        self._strangers: set[str] = set()
        self._notes: dict[str, DatasetNote] = {}
        self._lister = Lister(
            observer=api, poller=poller, datasets=store.datasets, clock=clock, keep=keep, watch_of=self._watches.get
        )
        self._schedule: Schedule | None = None

    @property
    def schedule(self) -> Schedule:
        """What is due when; set by whoever runs it."""
        assert self._schedule is not None
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: Schedule) -> None:
        self._schedule = schedule

    async def load(self, watches: Collection[Watch], datasets: Collection[DatasetWatch]) -> None:
        """Take up what the configuration watches, with what is known of it."""
        self._watches.clear()
        self._watches.update((watch.snapshot_id, watch) for watch in watches)
        self._groups.clear()
        self._group_of.clear()
        await self._poller.load(self._watches)
        baselines = await self._store.datasets.baselines({dataset.dataset_id for dataset in datasets})
        for dataset in datasets:
            group = self._group(dataset.dataset_id)
            group.watch, group.baseline_at = dataset, baselines.get(dataset.dataset_id)
        for snapshot_id in self._poller.open_snapshots():
            dataset_id = self._poller.state_of(snapshot_id).facts.dataset_id
            if dataset_id is not None and (snapshot_id in self._watches or dataset_id in self._groups):
                self._join(snapshot_id, dataset_id)
            if snapshot_id not in self._watches and snapshot_id not in self._group_of:
                self._poller.drop(snapshot_id)  # nobody watches it any more
        self._strangers = {
            watch.snapshot_id
            for watch in watches
            if watch.snapshot_id not in self._group_of and self._poller.pause(watch) is not None
        }

    def begin(self) -> int:
        """Schedule everything that has not ended: the first looks follow each other as fast as requests may.

        Returns:
            How many watches of the configuration are looked at.
        """
        now = self._clock()
        for group in self._groups.values():
            self._consider(group)
        first = now
        looked_at = sum(group.watch is not None for group in self._groups.values())
        for watch in self._watches.values():
            pause = self._poller.pause(watch)
            if pause is None:
                continue
            looked_at += 1
            its = self._group_of.get(watch.snapshot_id)
            if its is None or DATASET + its.dataset_id not in self.schedule:
                self.schedule.add(watch.snapshot_id, pause=pause, first=min(first, now + pause))
                first += self._gap
        return looked_at

    async def look(self, key: str, due: datetime, permit: Permit) -> timedelta | None:
        """What is done when something is due; the pause to the next time, or None."""
        if key.startswith(DATASET):
            group = self._groups.get(key.removeprefix(DATASET))
            return await self._list(group, due, permit) if group is not None else None
        watch = self._watch_of(key)
        if watch is None:
            return None
        group = self._group_of.get(key)
        seen_at = group.agreed_at if group is not None and key in group.listed else None
        outcome = await self._poller.look(watch, due, permit=permit, seen_at=seen_at)
        self._looked(outcome)
        return self._after(watch, outcome)

    def hasten(self, snapshot_id: str) -> bool:
        """Look at a snapshot at once; whether it is watched and has not ended."""
        watch = self._watch_of(snapshot_id)
        if watch is None or self._poller.pause(watch) is None:
            return False
        self._ask(snapshot_id)
        self.schedule.hasten(snapshot_id)
        return True

    async def warn_expiring(self) -> None:
        """Tell of the ready snapshots whose results are about to be deleted, where somebody wants to be told."""
        asking = [each for each in self._all_watches() if wants(each.on, (EXPIRING,))]
        if not asking:
            return
        now = self._clock()
        born_after = now - max(each.results_kept for each in asking)
        for state, watch_id in await self._store.ready_snapshots(born_after):
            watch = self._watches.get(state.snapshot_id) or self._found_by(watch_id, state)
            if watch is None:
                continue
            after, transitions = due_without_look(state, watch, now)
            if transitions:
                self._looked(await self._poller.tell(watch, state, after, transitions))

    async def flush(self) -> None:
        """Note the looks since the last time in the store."""
        notes, self._notes = self._notes, {}
        try:
            await self._store.datasets.note(notes.values())
        except BaseException:
            self._notes = notes | self._notes
            raise
        await self._poller.flush_looks()

    def next_looks(self) -> Mapping[str, datetime]:
        """When each snapshot or dataset is looked at next, by its key in the schedule."""
        return self.schedule.next_looks()

    def budget(self, available: float) -> Budget:
        """How many requests a second all this needs, of those there are."""
        found = (
            group.watch.watch_for(snapshot_id)
            for group in self._groups.values()
            if group.watch is not None
            for snapshot_id in group.members
            if snapshot_id not in self._watches
        )
        return budget(
            chain(self._watches.values(), found),
            [group.watch for group in self._groups.values() if group.watch is not None],
            states=self._poller.states,
            now=self._clock(),
            available=available,
            batches=self._lists,
        )

    def _all_watches(self) -> Iterator[Watch | DatasetWatch]:
        yield from self._watches.values()
        yield from (group.watch for group in self._groups.values() if group.watch is not None)

    # Groups

    def _group(self, dataset_id: str) -> Group:
        return self._groups.setdefault(dataset_id, Group(dataset_id))

    def _join(self, snapshot_id: str, dataset_id: str) -> Group:
        group = self._group(dataset_id)
        group.members.add(snapshot_id)
        self._group_of[snapshot_id] = group
        self._strangers.discard(snapshot_id)
        return group

    def _watch_of(self, snapshot_id: str) -> Watch | None:
        watch = self._watches.get(snapshot_id)
        if watch is not None:
            return watch
        group = self._group_of.get(snapshot_id)
        return group.watch.watch_for(snapshot_id) if group is not None and group.watch is not None else None

    def _found_by(self, watch_id: str, state: SnapshotState) -> Watch | None:
        group = self._groups.get(state.facts.dataset_id or "")
        dataset = group.watch if group is not None else None
        return dataset.watch_for(state.snapshot_id) if dataset and watch_id.startswith(f"{dataset.id}/") else None

    def _after(self, watch: Watch, outcome: LookOutcome) -> timedelta | None:
        """What a single look means for how the snapshot is looked at from now on."""
        snapshot_id = watch.snapshot_id
        state = self._poller.state_of(snapshot_id)
        group = self._group_of.get(snapshot_id)
        if outcome.pause is None:
            self._leave(snapshot_id, state)
            return None
        if group is None and state.facts.dataset_id is not None:
            group = self._join(snapshot_id, state.facts.dataset_id)
        if group is None:
            return outcome.pause
        word = group.asked.pop(snapshot_id, None)
        if snapshot_id in group.listed:
            if word is not None and changed_by_list(state, word):
                group.odd[snapshot_id] = canonical(word)  # the list says otherwise, and may go on to
            return None
        self._consider(group)
        return outcome.pause

    def _leave(self, snapshot_id: str, state: SnapshotState) -> None:
        """A snapshot has ended: it is no longer of the working set."""
        group = self._group_of.pop(snapshot_id, None)
        if group is not None:
            group.members.discard(snapshot_id)
            group.listed.discard(snapshot_id)
            group.odd.pop(snapshot_id, None)
            group.asked.pop(snapshot_id, None)
            group.ended[snapshot_id] = canonical(state.status)
        self._strangers.discard(snapshot_id)
        if snapshot_id not in self._watches:
            self._poller.drop(snapshot_id)

    def _consider(self, group: Group) -> None:
        """List the group from now on, if that is worth it."""
        key = DATASET + group.dataset_id
        if key not in self.schedule and self._worth(group):
            self.schedule.add(key, pause=self._pause(group), first=self._clock())

    def _worth(self, group: Group) -> bool:
        if group.watch is not None:
            return True
        if not self._lists or group.failures:
            return False
        if group.agreed_at is None and len(self._strangers) > MARGIN:
            return True  # its first list tells which of those belong to it
        return worth_listing(len(group.members), self._pages(group))

    @staticmethod
    def _pages(group: Group) -> int:
        return 1 + group.entries // PAGE

    def _pause(self, group: Group) -> timedelta:
        """The pause between two lists of the group: as short as that of the member that is in the greatest hurry."""
        now = self._clock()
        newest: dict[timedelta, datetime] = {}
        for snapshot_id in group.members:
            watch = self._watches.get(snapshot_id) or group.watch
            if watch is None:
                continue
            state = self._poller.state_of(snapshot_id)
            born = state.created_at or state.first_seen_at or now
            if born > newest.get(watch.every, NEVER):
                newest[watch.every] = born
        pauses = [pause_at(now - born, every) for every, born in newest.items()]
        if group.watch is not None:
            pauses.append(group.watch.every)  # what is new in the dataset shows as soon as that
        return min(pauses, default=LONGEST_PAUSE)

    # Lists

    async def _list(self, group: Group, due: datetime, permit: Permit) -> timedelta | None:
        """Look at a group's dataset, and see to what its list did not tell."""
        if not group.members and group.watch is None:
            return None
        before = group.listed
        outcome = await self._lister.look(group, due, permit)
        for taken in outcome.taken:
            self._looked(taken)
        self._listed(outcome)
        pause = self._pause(group)
        if outcome.unclear is not None:
            pause = min(pause * 2 ** min(group.failures - 1, 10), max(LONGEST_PAUSE, pause))
            if group.failures >= FAILURES_BEFORE_SINGLE:
                self._look_singly(group, group.listed)
                group.listed = set()
        else:
            for snapshot_id in group.members:
                self._group_of.setdefault(snapshot_id, group)
            self._strangers -= group.members
            for snapshot_id in group.listed - before:
                self.schedule.remove(snapshot_id)
            for snapshot_id in outcome.ask:
                self._ask_found(group, snapshot_id)
            self._look_singly(group, outcome.missing)
            if not self._worth(group):
                self._look_singly(group, group.listed)
                group.listed = set()
                self._note(group, outcome, None)
                return None
        self._note(group, outcome, pause)
        return pause

    def _ask_found(self, group: Group, snapshot_id: str) -> None:
        """Look at a snapshot alone, once: its list says something new."""
        group.members.add(snapshot_id)
        group.listed.add(snapshot_id)
        self._group_of[snapshot_id] = group
        self._ask(snapshot_id)

    def _ask(self, snapshot_id: str) -> None:
        if snapshot_id not in self.schedule:
            self.schedule.add(snapshot_id, pause=ASK_AGAIN, first=self._clock())

    def _look_singly(self, group: Group, snapshot_ids: Collection[str]) -> None:
        now = first = self._clock()
        for snapshot_id in snapshot_ids:
            watch = self._watch_of(snapshot_id)
            pause = self._poller.pause(watch) if watch is not None else None
            if pause is not None and snapshot_id not in self.schedule:
                self.schedule.add(snapshot_id, pause=pause, first=min(first, now + pause))
                first += self._gap
        group.listed.difference_update(snapshot_ids)

    def _note(self, group: Group, outcome: ListOutcome, pause: timedelta | None) -> None:
        now = self._clock()
        self._notes[group.dataset_id] = DatasetNote(
            dataset_id=group.dataset_id,
            looked_at=now,
            answer="listed" if outcome.unclear is None else outcome.unclear.reason,
            next_look_at=None if pause is None else now + pause,
        )
