"""Which watched snapshots belong to which dataset, and when a dataset's list costs less than individual polls."""

from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from notifier.core.snapshot.list_comparison import MIN_SAVING, saves_requests
from notifier.core.snapshot.model import ADOPTED, AdoptingWatch, DatasetWatch, SnapshotState, Watch, WatchOptions
from notifier.polling.dataset_group import DatasetGroup

PAGE = 5_000
"""The most entries in a page of a list (documented)."""


class DatasetGroups:
    """All groups, and the watches of the configuration."""

    adopting: AdoptingWatch | None = None
    """The options of adopted snapshots."""

    def __init__(self, *, state_of: Callable[[str], SnapshotState], clock: Callable[[], datetime], lists: bool) -> None:
        """
        Args:
            state_of: what is known of a snapshot.
            clock: the time, UTC.
            lists: whether lists may be used for snapshots that have watches of their own (`api.batch: auto`).
        """
        self._state_of = state_of
        self._clock = clock
        self._lists = lists
        self._groups: dict[str, DatasetGroup] = {}
        self._group_of: dict[str, DatasetGroup] = {}
        self._dataset_watches: dict[str, DatasetWatch] = {}
        self._unassigned: set[str] = set()  # watched snapshots whose dataset is not known
        self._watches: dict[str, Watch] = {}
        self._adopted: set[str] = set()

    def __iter__(self) -> Iterator[DatasetGroup]:
        return iter(self._groups.values())

    def load(self, watches: Collection[Watch], datasets: Collection[DatasetWatch]) -> None:
        """Start from what the configuration watches."""
        self._watches.clear()
        self._watches.update((watch.snapshot_id, watch) for watch in watches)
        self._groups = {each.dataset_id: DatasetGroup(each.dataset_id, each) for each in datasets}
        self._dataset_watches = {each.id: each for each in datasets}
        self._group_of.clear()
        self._unassigned.clear()
        self._adopted.clear()

    @property
    def watches(self) -> Mapping[str, Watch]:
        """The watches of single snapshots, by snapshot: those of the configuration, and of adopted snapshots."""
        return self._watches

    @property
    def adopted(self) -> AbstractSet[str]:
        """The snapshots that were adopted and go on."""
        return self._adopted

    def adopt(self, watch: Watch) -> None:
        """Take up the watch of an adopted snapshot, until it ends or the configuration has a watch of it."""
        self._watches[watch.snapshot_id] = watch
        self._adopted.add(watch.snapshot_id)

    @property
    def lists(self) -> bool:
        """Whether lists may be used for snapshots that have watches of their own."""
        return self._lists

    def hand_over(self, snapshot_id: str) -> bool:
        """Count a snapshot as one of the configuration from now on; return whether it was adopted."""
        adopted = snapshot_id in self._adopted
        self._adopted.discard(snapshot_id)
        return adopted

    def set_lists(self, lists: bool) -> None:
        """Allow or forbid lists for snapshots that have watches of their own."""
        self._lists = lists

    def set_watch(self, watch: Watch) -> None:
        """Take up a new watch of the configuration of a single snapshot, or the changed options of one."""
        self._adopted.discard(watch.snapshot_id)
        self._watches[watch.snapshot_id] = watch

    def remove_watch(self, snapshot_id: str) -> Watch:
        """Drop the watch of a single snapshot, and return it."""
        self._adopted.discard(snapshot_id)
        return self._watches.pop(snapshot_id)

    def of_dataset(self, dataset_id: str) -> DatasetGroup | None:
        """Return the group of a dataset, if it has one."""
        return self._groups.get(dataset_id)

    def of(self, snapshot_id: str) -> DatasetGroup | None:
        """Return the group that a snapshot is a member of."""
        return self._group_of.get(snapshot_id)

    def is_watched(self, snapshot_id: str, dataset_id: str | None) -> bool:
        """Whether a snapshot, or the dataset it belongs to, is watched."""
        group = self._groups.get(dataset_id or "")
        return snapshot_id in self._watches or (group is not None and group.watch is not None)

    def watch_of(self, snapshot_id: str) -> Watch | None:
        """Return the watch of a snapshot: its own, or else that of the dataset that it was found in."""
        watch = self._watches.get(snapshot_id)
        if watch is not None:
            return watch
        group = self._group_of.get(snapshot_id)
        return group.watch.watch_for(snapshot_id) if group is not None and group.watch is not None else None

    def watch_by_id(self, watch_id: str, snapshot_id: str) -> Watch | None:
        """Return the watch of a snapshot that is in no group any more, by the watch id of its last event."""
        if snapshot_id in self._watches:
            return self._watches[snapshot_id]
        if self.adopting is not None and watch_id.partition("/")[0] == ADOPTED:
            return self.adopting.watch_for(snapshot_id)
        dataset = self._dataset_watches.get(watch_id.removesuffix(f"/{snapshot_id}"))
        return dataset.watch_for(snapshot_id) if dataset is not None else None

    @property
    def dataset_watches(self) -> Collection[DatasetWatch]:
        """The watches of whole datasets."""
        return self._dataset_watches.values()

    def all_options(self) -> Iterator[WatchOptions]:
        """Yield the options of everything that is watched."""
        yield from self._watches.values()
        yield from self._dataset_watches.values()
        if self.adopting is not None:
            yield self.adopting

    def discovered(self, group: DatasetGroup) -> list[Watch]:
        """Return a watch for each member of a watched dataset that has none of its own."""
        if group.watch is None:
            return []
        return [group.watch.watch_for(id_) for id_ in group.members if id_ not in self._watches]

    def join(self, snapshot_id: str, dataset_id: str) -> DatasetGroup:
        """Make a snapshot a member of its dataset's group."""
        group = self._groups.setdefault(dataset_id, DatasetGroup(dataset_id))
        group.add(snapshot_id)
        self._group_of[snapshot_id] = group
        self._unassigned.discard(snapshot_id)
        return group

    def mark_unassigned(self, snapshot_id: str) -> None:
        """Note that the dataset of a watched snapshot is not known."""
        self._unassigned.add(snapshot_id)

    def assign_members(self, group: DatasetGroup) -> None:
        """Note the group of all members that its list has brought."""
        for snapshot_id in group.members:
            self._group_of.setdefault(snapshot_id, group)
        if self._unassigned:
            self._unassigned -= group.members

    def end(self, snapshot_id: str, status: str) -> None:
        """Take a snapshot that has ended with this status out of its group; an adopted one is not watched any more."""
        self._unassigned.discard(snapshot_id)
        group = self._group_of.pop(snapshot_id, None)
        if group is not None:
            group.end(snapshot_id, status)
        if snapshot_id in self._adopted:
            self.remove_watch(snapshot_id)
            if group is not None and group.watch is None:
                group.forget_end(snapshot_id)

    def forget(self, snapshot_id: str, dataset_id: str | None) -> None:
        """Take out a snapshot that is no longer watched, and its group if that is left empty."""
        self._unassigned.discard(snapshot_id)
        group = self._group_of.pop(snapshot_id, None) or self._groups.get(dataset_id or "")
        if group is None:
            return
        group.remove(snapshot_id)
        if group.watch is None:
            group.forget_end(snapshot_id)
            self.drop_if_empty(group)

    def drop_if_empty(self, group: DatasetGroup) -> None:
        """Drop a group without members, unless its dataset is watched."""
        if group.watch is None and not group.members and self._groups.get(group.dataset_id) is group:
            del self._groups[group.dataset_id]

    def renew(
        self, dataset_id: str, watch: DatasetWatch | None
    ) -> tuple[AbstractSet[str], Callable[[str], datetime | None]]:
        """Replace the group of a dataset that is now watched, or no longer: what its lists said is forgotten.

        Returns:
            The members of the old group, which are to be joined to the new one or let go, and its `seen_at`.
        """
        old = self._groups.get(dataset_id) or DatasetGroup(dataset_id)
        self._groups[dataset_id] = DatasetGroup(dataset_id, watch)
        return old.retire()

    def set_dataset_watches(self, datasets: Collection[DatasetWatch]) -> None:
        """Take up the watches of whole datasets, to be found by their ids."""
        self._dataset_watches = {each.id: each for each in datasets}

    def is_worth_listing(self, group: DatasetGroup) -> bool:
        """Whether a group is to be listed: its dataset is watched, or its list costs less than individual polls."""
        if group.watch is not None:
            return True
        if not self._lists or group.health.failures:
            return False
        if group.listed_at is None and len(self._unassigned) > MIN_SAVING:
            return True  # its first list shows which of those belong to it
        return saves_requests(len(group.members), 1 + group.expected // PAGE)

    def pause(self, group: DatasetGroup) -> timedelta:
        """Return the pause between two lists of a group."""
        return group.poll_pause(self._watches.get, self._state_of, self._clock())
