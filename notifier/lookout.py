"""Who is looked at, and how: each watched snapshot singly, or with the others of its dataset through their list.

Which dataset a snapshot belongs to is learned from its first answer; what else of it is watched, from that dataset's
first list. A group is listed when that costs less than looking at its members one by one, and always if the dataset
itself is watched. What a list errs about or does not have is looked at singly, until a list has it again.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from notifier.brightdata.limiter import Permit
from notifier.core.budget import Budget, Needs
from notifier.core.expiring import due_without_look
from notifier.core.lists import at_first_sight
from notifier.core.model import EXPIRING, DatasetWatch, NotFound, SnapshotState, Unclear, Watch
from notifier.core.routing import wants
from notifier.core.transitions import ENDS, canonical, changed_by_list
from notifier.groups import DATASET as DATASET
from notifier.groups import LONGEST_PAUSE, Group, Groups
from notifier.lists import Lister, ListObserver, ListOutcome
from notifier.poll import LookOutcome, Observer, Poller
from notifier.rewatch import Rewatch, sliced
from notifier.schedule import Schedule
from notifier.store.datasets import LISTED, DatasetNote
from notifier.store.store import Store

FAILURES_BEFORE_SINGLE = 3

ASK_AGAIN = timedelta(seconds=10)
"""Between two looks at a snapshot of which its list says something new, until one is answered."""


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
        self._looked = looked
        self._listed = listed
        self._groups = Groups(state_of=poller.state_of, clock=clock, lists=lists)
        self._answered_at: datetime | None = None
        self._changes = 0
        self._notes: dict[str, DatasetNote] = {}
        self._lister = Lister(
            observer=api,
            poller=poller,
            datasets=store.datasets,
            clock=clock,
            keep=keep,
            watch_of=self._groups.watches.get,
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
        groups = self._groups
        groups.load(watches, datasets)
        await self._poller.load(groups.watches)
        for snapshot_id in groups.watches:
            state = self._poller.states.get(snapshot_id)
            if state is not None:
                self._poller.put(at_first_sight(state))
        for snapshot_id in self._poller.open_snapshots():
            dataset_id = self._poller.state_of(snapshot_id).facts.dataset_id
            if not groups.is_watched(snapshot_id, dataset_id):
                self._poller.drop(snapshot_id)  # nobody watches it any more
            elif dataset_id is not None:
                groups.join(snapshot_id, dataset_id)
        for watch in watches:
            if groups.of(watch.snapshot_id) is None and self._poller.pause(watch) is not None:
                groups.estrange(watch.snapshot_id)
        baselines = await self._store.datasets.baselines({dataset.dataset_id for dataset in datasets})
        listed = await self._store.datasets.last_listed()
        for group in groups:
            group.baseline_at = baselines.get(group.dataset_id)
            group.noted_at = listed.get(group.dataset_id)

    async def reload(
        self,
        watches: Collection[Watch],
        datasets: Collection[DatasetWatch],
        *,
        lists: bool | None = None,
        gap: timedelta | None = None,
        keep: timedelta | None = None,
    ) -> None:
        """Take up a changed configuration after `begin`, while looks go on; only what differs is touched.

        Nothing is told by it. Others run every few milliseconds, and what they meet is whole. One call at a time.

        Args:
            watches, datasets: all that is watched from now on; what has not changed may be the same objects.
            lists, gap, keep: as for `Lookout`, if they have changed.

        Raises:
            StoreError: nothing has changed, unless the baseline of a dataset that is no longer watched could not be
                forgotten: then the new configuration runs, and the next reload or start forgets it.
        """
        rewatch = Rewatch(
            groups=self._groups,
            poller=self._poller,
            datasets=self._store.datasets,
            schedule=self.schedule,
            clock=self._clock,
            consider=self._consider,
            look_singly=self._look_singly,
        )
        await self.flush()  # what comes back into the working set is read from there
        await rewatch.read(watches, datasets)
        self._gap = gap or self._gap
        self._lister.keep = keep or self._lister.keep
        self._changes += 1
        try:
            await rewatch.take_up(lists=self._groups.lists if lists is None else lists)
        finally:
            self._changes += 1

    def begin(self) -> int:
        """Schedule everything that has not ended: the first looks follow each other as fast as requests may.

        Returns:
            How many watches of the configuration are looked at.
        """
        for group in self._groups:
            self._consider(group)
        datasets = sum(group.watch is not None for group in self._groups)
        going_on = [id_ for id_, watch in self._groups.watches.items() if self._poller.pause(watch) is not None]
        self._look_singly([snapshot_id for snapshot_id in going_on if not self._is_listed(snapshot_id)])
        return datasets + len(going_on)

    @property
    def in_progress(self) -> int:
        """How many snapshots are watched that have not ended, looked at singly or in lists."""
        listed = sum(len(group.listed) - sum(each in group.listed for each in group.asked) for group in self._groups)
        return len(self.schedule) - sum(group.key in self.schedule for group in self._groups) + listed

    async def look(self, key: str, due: datetime, permit: Permit) -> timedelta | None:
        """What is done when something is due; the pause to the next time, or None."""
        if key.startswith(DATASET):
            group = self._groups.of_dataset(key.removeprefix(DATASET))
            return await self._list(group, due, permit) if group is not None else None
        watch = self._groups.watch_of(key)
        if watch is None:
            return None
        group = self._groups.of(key)
        began = self._clock()
        seen_at = group.seen_at(key) if group is not None else None
        outcome = await self._poller.look(watch, due, permit=permit, seen_at=seen_at, owner=self._groups.watch_of)
        self._looked(outcome)
        watch = self._groups.watch_of(key)
        if watch is None:  # taken out of the configuration meanwhile
            self._poller.drop(key)
            return None
        pause = self._after(watch, outcome, began)
        if pause is not None and watch.every < outcome.watch.every:
            pause = min(pause, self._poller.pause(watch) or pause)
        if pause is not None and key not in self.schedule:  # a list took it over while it was being looked at
            self.schedule.add(key, pause=pause, first=self._clock() + pause)
        return pause

    def hasten(self, snapshot_id: str) -> bool:
        """Look at a snapshot at once; whether it is watched and has not ended."""
        watch = self._groups.watch_of(snapshot_id)
        if watch is None or self._poller.pause(watch) is None:
            return False
        self._ask(snapshot_id, at_once=True)
        return True

    async def warn_expiring(self) -> None:
        """Tell of the ready snapshots whose results are about to be deleted, where somebody wants to be told."""
        asking = [each for each in self._groups.all_watches() if wants(each.on, (EXPIRING,))]
        if not asking:
            return
        now = self._clock()
        born_after = now - max(each.results_kept for each in asking)
        for state, watch_id in await self._store.ready_snapshots(born_after):
            watch = self._groups.watch_by_id(watch_id, state.snapshot_id)
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

    @property
    def states(self) -> Mapping[str, SnapshotState]:
        """The working set, by snapshot id."""
        return self._poller.states

    def next_looks(self) -> Mapping[str, datetime]:
        """When each snapshot or dataset is looked at next, by its key in the schedule."""
        return self.schedule.next_looks()

    async def budget(self, available: float) -> Budget:
        """How many requests a second all this needs, of those there are; others run while it is added up."""
        needs = Needs(states=self._poller.states, now=self._clock(), batches=self._groups.lists)
        async for some in sliced(self._groups.watches.values()):
            needs.add(some)
        for group in list(self._groups):
            async for found in sliced(self._groups.found(group)):
                needs.add(found)
        return needs.budget(self._groups.parents, available)

    # Single looks

    def _after(self, watch: Watch, outcome: LookOutcome, began: datetime) -> timedelta | None:
        """How the snapshot is looked at from now on: the pause to its next look of its own, or None."""
        id_ = watch.snapshot_id
        state = self._poller.state_of(id_)
        group = self._groups.of(id_)
        clear = not isinstance(outcome.observation, Unclear)
        if clear:
            self._answered_at = self._clock()
            if group is not None and group.failures >= FAILURES_BEFORE_SINGLE:
                self._hand_over(group)
        asked = group.asked.get(id_) if group is not None else None
        if asked is not None and (not clear or began < asked.at <= self._clock()):
            return min(outcome.pause or ASK_AGAIN, ASK_AGAIN)  # the list's word is newer than this answer
        if outcome.pause is None:
            self._groups.leave(id_, state.status)
            if id_ not in self._groups.watches:
                self._poller.drop(id_)
            return None
        if group is None and state.facts.dataset_id is not None:
            group = self._groups.join(id_, state.facts.dataset_id)
        if group is None:
            return outcome.pause
        if id_ not in group.listed:
            group.asked.pop(id_, None)
            self._consider(group)
            return outcome.pause
        if isinstance(outcome.observation, NotFound):
            return outcome.pause  # whatever its list says: it may be missing
        if asked is None or not changed_by_list(state, asked.word):
            group.asked.pop(id_, None)
            return None
        if canonical(asked.word) in ENDS:
            return outcome.pause  # its end is near, or the list is wrong: looks of its own tell
        del group.asked[id_]
        group.odd[id_] = canonical(asked.word)  # they differ in their words, and may go on to
        return None

    def _ask(self, snapshot_id: str, *, at_once: bool) -> None:
        """Look at a snapshot alone; `at_once` even if a look of its own is due some time."""
        if snapshot_id not in self.schedule:
            self.schedule.add(snapshot_id, pause=ASK_AGAIN, first=self._clock())
        elif at_once:
            self.schedule.hasten(snapshot_id)

    def _look_singly(self, snapshot_ids: Collection[str], begin: datetime | None = None) -> datetime:
        """Look at these one by one from now on, as fast as requests may follow each other; when the next one may.

        Args:
            snapshot_ids: which.
            begin: when the first one may, if that is not yet.
        """
        now = self._clock()
        first = max(begin or now, now)
        for snapshot_id in snapshot_ids:
            watch = self._groups.watch_of(snapshot_id)
            pause = self._poller.pause(watch) if watch is not None else None
            if pause is not None and snapshot_id not in self.schedule:
                self.schedule.add(snapshot_id, pause=pause, first=min(first, now + pause))
                first += self._gap
        return first

    # Lists

    def _consider(self, group: Group) -> None:
        """List the group from now on, if that is worth it."""
        key = group.key
        if key not in self.schedule and self._groups.worth(group):
            self.schedule.add(key, pause=self._groups.pause(group), first=self._clock())

    def _is_listed(self, snapshot_id: str) -> bool:
        group = self._groups.of(snapshot_id)
        return group is not None and group.key in self.schedule

    async def _list(self, group: Group, due: datetime, permit: Permit) -> timedelta | None:
        """Look at a group's dataset, and see to what its list did not tell."""
        if not group.members and group.watch is None:
            return None
        before, changes = group.listed, self._changes
        outcome = await self._lister.look(group, due, permit)
        for taken in outcome.taken:
            self._looked(taken)
        self._listed(outcome)
        if changes != self._changes or changes % 2:
            outcome = self._let_go(group, outcome)
        if self._groups.of_dataset(group.dataset_id) is not group:
            return self._pause_of_next(group.dataset_id)
        pause: timedelta | None
        if outcome.unclear is not None:
            pause = self._groups.pause(group)
            pause = min(pause * 2 ** min(group.failures - 1, 10), max(LONGEST_PAUSE, pause))
            if group.failures >= FAILURES_BEFORE_SINGLE:
                self._hand_over(group)
        else:
            pause = self._go_by_list(group, outcome, before)
        now = self._clock()
        self._notes[group.dataset_id] = DatasetNote(
            dataset_id=group.dataset_id,
            looked_at=now,
            answer=LISTED if outcome.unclear is None else outcome.unclear.reason,
            next_look_at=None if pause is None else now + pause,
        )
        return pause

    def _let_go(self, group: Group, outcome: ListOutcome) -> ListOutcome:
        """Of what a list brought while the configuration changed, keep what is still watched."""
        brought = {*group.members, *outcome.ask, *(taken.watch.snapshot_id for taken in outcome.taken)}
        for snapshot_id in brought:
            if not self._groups.is_watched(snapshot_id, group.dataset_id):
                group.discard(snapshot_id)
                self._groups.forget(snapshot_id, group.dataset_id)
                self._poller.drop(snapshot_id)
        return replace(outcome, ask=tuple(id_ for id_ in outcome.ask if id_ in group.asked))

    def _pause_of_next(self, dataset_id: str) -> timedelta | None:
        """The pause to the list of the group that has come in another's place meanwhile; None if it needs none."""
        group = self._groups.of_dataset(dataset_id)
        return self._groups.pause(group) if group is not None and self._groups.worth(group) else None

    def _go_by_list(self, group: Group, outcome: ListOutcome, before: Collection[str]) -> timedelta | None:
        """Look singly at what the list did not tell, and at nothing else."""
        for snapshot_id in outcome.ask:
            if snapshot_id not in group.members:  # it had ended
                group.members.add(snapshot_id)
                group.listed.add(snapshot_id)
                group.ended.pop(snapshot_id, None)
        self._groups.recognise(group)
        for snapshot_id in outcome.ask:
            self._ask(snapshot_id, at_once=group.asked[snapshot_id].at == group.agreed_at)
        if not self._groups.worth(group):
            self._unlist(group, group.members)
            return None
        for snapshot_id in group.listed.difference(before, outcome.ask):
            self.schedule.remove(snapshot_id)
        self._look_singly(outcome.missing)
        return self._groups.pause(group)

    def _hand_over(self, group: Group) -> None:
        """Look singly at the members of a group whose list goes on failing.

        But as long as nothing at all is answered, that would only put everything else off once it is: then one member
        is looked at, and the others follow if it is answered.
        """
        if group.handed_over:
            return
        alone = self._answered_at is None or (
            group.failing_since is not None and self._answered_at < group.failing_since
        )
        group.handed_over = not alone
        self._unlist(group, list(group.members)[: 1 if alone else None])

    def _unlist(self, group: Group, members: Collection[str]) -> None:
        for snapshot_id in members:
            self._poller.seen(snapshot_id, group.seen_at(snapshot_id))
        group.listed.difference_update(members)
        self._look_singly(members)
