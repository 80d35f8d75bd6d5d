"""Takes up a changed configuration in place: what differs from the running one, and nothing else.

It works in slices, between which polls and lists go on. After each slice everything that is watched is on the schedule,
or will be by a later slice; the watch of a snapshot and its known state always agree.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from datetime import datetime, timedelta
from typing import TypeVar

from notifier.core.snapshot.due_times import Grid, instant, moment
from notifier.core.snapshot.list_comparison import MIN_LISTED, without_baseline
from notifier.core.snapshot.model import AdoptingWatch, DatasetWatch, SnapshotState, Watch
from notifier.core.snapshot.statuses import has_ended
from notifier.polling.dataset_group import DatasetGroup
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.poller import Poller
from notifier.polling.strategy import PollStrategy
from notifier.store.datasets import Datasets

SLICE = 250
"""Watches that are taken up before other tasks run: a few milliseconds."""

T = TypeVar("T")


class Reconciler:
    """One change of the configuration: call `read`, then `take_up`.

    Adopted snapshots are not in it, and go on to their ends; `handed_over` are those that it has watches of.
    """

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        poller: Poller,
        datasets: Datasets,
        strategy: PollStrategy,
        clock: Callable[[], datetime],
    ) -> None:
        """
        Args:
            groups: what is watched.
            poller: knows the state of every snapshot.
            datasets: what is remembered of datasets and their snapshots.
            strategy: schedules polls and lists.
            clock: the time, UTC.
        """
        self._groups = groups
        self._poller = poller
        self._datasets = datasets
        self._strategy = strategy
        self._schedule = strategy.schedule
        self._clock = clock
        self._added: list[Watch] = []
        self._changed: list[Watch] = []
        self._removed: list[str] = []
        self._known: dict[str, SnapshotState] = {}
        self._dataset_watches: Collection[DatasetWatch] = ()
        self._next: datetime | None = None
        self.handed_over: list[Watch] = []

    async def read(self, watches: Collection[Watch], datasets: Collection[DatasetWatch]) -> None:
        """Find what differs, and what the store knows of it; nothing changes yet.

        Raises:
            StoreError: the store cannot be read.
        """
        old = self._groups.watches
        kept: set[str] = set()
        async for some in sliced(watches):
            for watch in some:
                before = old.get(watch.snapshot_id)
                if before is None:
                    self._added.append(watch)
                    continue
                kept.add(watch.snapshot_id)
                if self._groups.hand_over(watch.snapshot_id):
                    self.handed_over.append(watch)
                if before is not watch:
                    (self._same if before == watch else self._changed.append)(watch)
        async for ids in sliced(old):
            removed = (snapshot_id for snapshot_id in ids if snapshot_id not in kept)
            self._removed += [snapshot_id for snapshot_id in removed if snapshot_id not in self._groups.adopted]
        self._dataset_watches = datasets
        unknown = [each.snapshot_id for each in self._added if each.snapshot_id not in self._poller.states]
        self._known = await self._datasets.known(unknown)

    def _same(self, watch: Watch) -> None:
        """Keep the new object, so that the next comparison is by identity."""
        self._groups.set_watch(watch)

    def change_adopted(self, adopting: AdoptingWatch) -> None:
        """Give adopted snapshots these options, and poll them as often."""
        self._groups.adopting = adopting
        for snapshot_id in tuple(self._groups.adopted):
            before, watch = self._groups.watches[snapshot_id], adopting.watch_for(snapshot_id)
            if watch != before:
                self._groups.adopt(watch)
                self._bring_forward(watch, before.every)

    async def take_up(self, *, lists: bool) -> None:
        """Apply what was read.

        Args:
            lists: whether lists may be used for snapshots that have watches of their own.

        Raises:
            StoreError: a baseline could not be deleted; all else is done.
        """
        async for some in sliced(self._changed):
            for watch in some:
                before = self._groups.watches[watch.snapshot_id]
                self._groups.set_watch(watch)
                self._bring_forward(watch, before.every)
        await self._add()
        await self._change_datasets()
        async for ids in sliced(self._removed):
            for snapshot_id in ids:
                self._remove(snapshot_id)
        if lists is not self._groups.lists:
            await self._change_lists(lists)

    def _bring_forward(self, watch: Watch, before: timedelta) -> None:
        """Bring the next poll forward if the watch asks for more frequent polls than before."""
        pause = self._poller.pause(watch)
        if pause is None or watch.every >= before:
            return
        by = self._clock() + pause
        # On its own grid, or all watches with a shorter `every` would be due in one instant.
        self._schedule.advance(
            watch.snapshot_id, moment(Grid.of(watch.snapshot_id, pause).after(instant(self._clock())))
        )
        group = self._groups.of(watch.snapshot_id)
        if group is not None and watch.snapshot_id in group.listed:
            self._schedule.advance(group.key, by)

    # Single watches

    async def _add(self) -> None:
        joined: dict[str, DatasetGroup] = {}
        unassigned = 0
        async for some in sliced(self._added):
            for watch in some:
                id_ = watch.snapshot_id
                found = self._groups.watch_of(id_)
                if id_ not in self._poller.states and (state := self._known.get(id_)) is not None:
                    self._poller.put(without_baseline(state))
                self._groups.set_watch(watch)
                if self._poller.pause(watch) is None:
                    continue
                if found is not None:
                    self._bring_forward(watch, found.every)
                dataset_id = self._poller.state_of(id_).facts.dataset_id
                if self._groups.of(id_) is None and dataset_id is None:
                    self._groups.mark_unassigned(id_)
                    unassigned += 1
                elif self._groups.of(id_) is None and dataset_id is not None:
                    joined[dataset_id] = self._groups.join(id_, dataset_id)
        for group in joined.values():
            self._strategy.list_if_worthwhile(group)
            self._schedule.hasten(group.key)
        if unassigned >= MIN_LISTED:
            for group in self._groups:
                group.request_whole_list()  # it shows which of them belong to the group
        async for some in sliced(self._added):
            await self._ensure([each.snapshot_id for each in some])

    async def _ensure(self, snapshot_ids: Collection[str]) -> None:
        """Poll those of these individually that no list covers."""
        async for ids in sliced(snapshot_ids):
            self._next = self._strategy.poll_individually(
                [each for each in ids if not self._is_listed(each)], self._next
            )

    def _is_listed(self, snapshot_id: str) -> bool:
        """Whether a list that does not fail covers the snapshot, or will soon show that it does not have it."""
        group = self._groups.of(snapshot_id)
        return group is not None and not group.health.failures and group.key in self._schedule

    def _remove(self, snapshot_id: str) -> None:
        """Remove a watch: its snapshot goes back to its dataset's watch, or is dropped."""
        watch = self._groups.remove_watch(snapshot_id)
        state = self._poller.state_of(snapshot_id)
        dataset_id = state.facts.dataset_id
        group = self._groups.of(snapshot_id) or self._groups.of_dataset(dataset_id or "")
        if group is None or group.watch is None or has_ended(state) or snapshot_id not in self._poller.states:
            self._drop(snapshot_id, dataset_id)
            return
        self._groups.join(snapshot_id, group.dataset_id)
        self._bring_forward(group.watch.watch_for(snapshot_id), watch.every)
        if not self._is_listed(snapshot_id):
            self._next = self._strategy.poll_individually([snapshot_id], self._next)

    def _drop(self, snapshot_id: str, dataset_id: str | None) -> None:
        self._groups.forget(snapshot_id, dataset_id)
        self._schedule.remove(snapshot_id)
        self._poller.drop(snapshot_id)

    # Datasets

    async def _change_datasets(self) -> None:
        before = {group.dataset_id: group.watch for group in self._groups if group.watch is not None}
        after = {each.dataset_id: each for each in self._dataset_watches}
        self._groups.set_dataset_watches(self._dataset_watches)
        for dataset_id, watch in before.items():
            if dataset_id not in after:
                await self._renew(dataset_id, None)
            elif watch != after[dataset_id]:
                await self._change_dataset(after[dataset_id], watch.every)
        for dataset_id, watch in after.items():
            if dataset_id not in before:
                await self._renew(dataset_id, watch)
        if before.keys() != after.keys():
            await self._datasets.baselines(before.keys() & after.keys())

    async def _change_dataset(self, watch: DatasetWatch, before: timedelta) -> None:
        group = self._groups.of_dataset(watch.dataset_id)
        assert group is not None
        group.set_watch(watch)
        if watch.every >= before:
            return
        self._schedule.advance(group.key, self._clock() + watch.every)
        async for ids in sliced(group.members):
            for snapshot_id in ids:
                if snapshot_id in self._schedule and snapshot_id not in self._groups.watches:
                    self._bring_forward(watch.watch_for(snapshot_id), before)

    async def _renew(self, dataset_id: str, watch: DatasetWatch | None) -> None:
        """Start or stop watching a dataset; its members that have watches of their own stay."""
        members, seen_at = self._groups.renew(dataset_id, watch)
        group = self._groups.of_dataset(dataset_id)
        assert group is not None
        async for ids in sliced(members):
            for snapshot_id in ids:
                self._poller.confirm(snapshot_id, seen_at(snapshot_id))
                own = self._groups.watches.get(snapshot_id)
                if own is None:
                    self._drop(snapshot_id, None)
                elif self._poller.pause(own) is not None:
                    self._groups.join(snapshot_id, dataset_id)
        if self._groups.is_worth_listing(group):
            self._schedule.add(group.key, pause=self._groups.pause(group), first=self._clock())
            return
        self._schedule.remove(group.key)
        await self._ensure(group.members)
        self._groups.drop_if_empty(group)

    async def _change_lists(self, lists: bool) -> None:
        self._groups.set_lists(lists)
        for group in list(self._groups):
            if lists:
                self._strategy.list_if_worthwhile(group)
                await asyncio.sleep(0)
            elif group.watch is None:
                self._schedule.remove(group.key)
                async for ids in sliced(group.members):
                    for snapshot_id in ids:
                        self._poller.confirm(snapshot_id, group.seen_at(snapshot_id))
                    group.unlist(ids)
                    await self._ensure(ids)


async def sliced(all_: Collection[T]) -> AsyncIterator[tuple[T, ...]]:
    """Yield a copy of all items in slices, and let other tasks run in between."""
    everything = list(all_)
    for start in range(0, len(everything), SLICE):
        yield tuple(everything[start : start + SLICE])
        await asyncio.sleep(0)
