"""Which watched snapshots belong to which dataset: the groups that are looked at through lists, and when that pays."""

from collections.abc import Callable, Collection, Iterator
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from notifier.core.model import DatasetWatch, Listed, SnapshotState, Watch
from notifier.core.snapshot.list_comparison import MARGIN, SETTLES_IN, worth_listing
from notifier.core.snapshot.poll_pauses import pause_at_age
from notifier.core.snapshot.refusals import NONE, Refusals
from notifier.core.snapshot.rotation import BELIEVED, Rotation, Trust, confirm_period
from notifier.core.snapshot.statuses import canonical
from notifier.core.snapshot.transitions import born_at

DATASET = "dataset/"
"""Before a dataset's id, the key under which its list is scheduled. No snapshot's id has a `/` in it."""

PAGE = 5_000
"""The most entries that a page of a list has (documented)."""

LONGEST_PAUSE = timedelta(minutes=5)
"""Between two tries at a list that fails."""

ALL_AGAIN = timedelta(hours=1)
"""A member of unknown age that the whole list did not have is looked for there again after this."""

SHORTEST_TURN = timedelta(milliseconds=1)

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A list's word that is being asked for singly.

    `at` is when the list was asked for that had it first, `seen_at` when one before it last had what is known.
    """

    word: str
    at: datetime
    seen_at: datetime | None


@dataclass(slots=True, eq=False)
class DatasetGroup:
    """The snapshots of one dataset, as far as they are watched.

    `members` are those that have not ended, and those that the list says have come back from their end; `listed` those
    of them that its last list had, asked for at `agreed_at`. All others are looked at singly; `absent` are those of
    them that its last whole list did not have, at `whole_at`. `asked` has what is being asked for singly, `odd` the
    list's words that were not confirmed, and `ended` its last word for each that has ended.

    `watch` is there if the dataset itself is watched, and `baseline_at` says since when. `noted_at` is the last list
    of an earlier run, `looked_through_at` the last whole one that showed what may be forgotten. Of `failures` in a row,
    the first was at `failing_since`; `handed_over` says that its members are therefore looked at singly. `entries` is
    how long the next list will be, and `every` the shortest one among the members.

    `rotation` has the members that are listed in the order in which they were asked singly, `asking` those of them that
    are being asked now because it was their turn, and `turned` says that it was somebody's since the last list. `trust`
    says whether the lists are believed, and `refusals` whether the API refuses them.
    """

    dataset_id: str
    watch: DatasetWatch | None = None
    members: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    asked: dict[str, Asked] = field(default_factory=dict)
    odd: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    baseline_at: datetime | None = None
    noted_at: datetime | None = None
    looked_through_at: datetime | None = None
    agreed_at: datetime | None = None
    whole_at: datetime | None = None
    failing_since: datetime | None = None
    failures: int = 0
    handed_over: bool = False
    entries: int = 0
    every: timedelta = LONGEST_PAUSE
    rotation: Rotation = field(default_factory=Rotation)
    asking: set[str] = field(default_factory=set)
    turned: bool = False
    trust: Trust = BELIEVED
    refusals: Refusals = NONE

    @property
    def key(self) -> str:
        """Under which its list is scheduled."""
        return DATASET + self.dataset_id

    def discard(self, snapshot_id: str) -> None:
        """The snapshot is no member any more."""
        for some in (self.members, self.listed, self.absent):
            some.discard(snapshot_id)
        self.odd.pop(snapshot_id, None)
        self.asked.pop(snapshot_id, None)

    def turn_pause(self) -> timedelta:
        """The pause between two turns, so that each member has one in the time that it may go unconfirmed."""
        period = self.every if self.trust.stale else confirm_period(self.every)
        return max(period / max(len(self.rotation), 1), SHORTEST_TURN)

    def seen_at(self, snapshot_id: str) -> datetime | None:
        """When a list last had what is known of a member, if one had."""
        asked = self.asked.get(snapshot_id)
        if asked is not None:
            return asked.seen_at
        if self.agreed_at is None:
            return self.noted_at
        return self.agreed_at if snapshot_id in self.listed else None

    def since(self, state_of: Callable[[str], SnapshotState], now: datetime) -> date | None:
        """From which day on the next list is wanted: all that is in progress, and what is new since the last list.

        None for the whole list: as long as a member may be older than is known.
        """
        if self.whole_at is None or self.agreed_at is None:
            return None
        looked_for = timedelta(0) <= now - self.whole_at < ALL_AGAIN
        since = min(self.agreed_at, now)
        for snapshot_id in self.members:
            created = state_of(snapshot_id).created_at
            if created is not None:
                since = min(since, created)
            elif not looked_for or snapshot_id not in self.absent:
                return None
        return (since - SETTLES_IN).date()

    def expected(self, entries: Collection[Listed], state_of: Callable[[str], SnapshotState], now: datetime) -> int:
        """How many of a list's entries the next list will have."""
        since = self.since(state_of, now)
        if since is None:
            return len(entries)
        begin = datetime.combine(since, time(), UTC)
        return sum(entry.created is None or entry.created >= begin for entry in entries)


class DatasetGroups:
    """All groups, and the watches of the configuration that are in none."""

    def __init__(self, *, state_of: Callable[[str], SnapshotState], clock: Callable[[], datetime], lists: bool) -> None:
        """
        Args:
            state_of: what is known of a snapshot.
            clock: the time, UTC.
            lists: whether snapshots that are watched singly may be looked at through lists (`api.batch: auto`).
        """
        self._state_of = state_of
        self._clock = clock
        self.lists = lists
        self._groups: dict[str, DatasetGroup] = {}
        self._group_of: dict[str, DatasetGroup] = {}
        self._parents: dict[str, DatasetWatch] = {}
        self._strangers: set[str] = set()
        self.watches: dict[str, Watch] = {}

    def __iter__(self) -> Iterator[DatasetGroup]:
        return iter(self._groups.values())

    def load(self, watches: Collection[Watch], datasets: Collection[DatasetWatch]) -> None:
        """Begin anew with what the configuration watches."""
        self.watches.clear()
        self.watches.update((watch.snapshot_id, watch) for watch in watches)
        self._groups = {each.dataset_id: DatasetGroup(each.dataset_id, each) for each in datasets}
        self._parents = {each.id: each for each in datasets}
        self._group_of.clear()
        self._strangers.clear()

    def of_dataset(self, dataset_id: str) -> DatasetGroup | None:
        """The dataset's group, if it has one."""
        return self._groups.get(dataset_id)

    def of(self, snapshot_id: str) -> DatasetGroup | None:
        """The snapshot's group, if it is a member of one."""
        return self._group_of.get(snapshot_id)

    def is_watched(self, snapshot_id: str, dataset_id: str | None) -> bool:
        """Whether the snapshot, or else the dataset it belongs to, is watched."""
        group = self._groups.get(dataset_id or "")
        return snapshot_id in self.watches or (group is not None and group.watch is not None)

    def watch_of(self, snapshot_id: str) -> Watch | None:
        """Whose the snapshot is: its own watch's, or else that of the dataset that it was found in."""
        watch = self.watches.get(snapshot_id)
        if watch is not None:
            return watch
        group = self._group_of.get(snapshot_id)
        return group.watch.watch_for(snapshot_id) if group is not None and group.watch is not None else None

    def watch_by_id(self, watch_id: str, snapshot_id: str) -> Watch | None:
        """The watch of a snapshot that is in no group any more, by the id under which it was last told."""
        if snapshot_id in self.watches:
            return self.watches[snapshot_id]
        dataset = self._parents.get(watch_id.removesuffix(f"/{snapshot_id}"))
        return dataset.watch_for(snapshot_id) if dataset is not None else None

    @property
    def parents(self) -> Collection[DatasetWatch]:
        """The watches of datasets."""
        return self._parents.values()

    def all_watches(self) -> Iterator[Watch | DatasetWatch]:
        """Every watch of the configuration."""
        yield from self.watches.values()
        yield from self._parents.values()

    def found(self, group: DatasetGroup) -> list[Watch]:
        """How the members of a watched dataset are watched that have no watch of their own."""
        if group.watch is None:
            return []
        return [group.watch.watch_for(id_) for id_ in group.members if id_ not in self.watches]

    def join(self, snapshot_id: str, dataset_id: str) -> DatasetGroup:
        """The snapshot is of this dataset."""
        group = self._groups.setdefault(dataset_id, DatasetGroup(dataset_id))
        group.members.add(snapshot_id)
        self._group_of[snapshot_id] = group
        self._strangers.discard(snapshot_id)
        return group

    def estrange(self, snapshot_id: str) -> None:
        """Nobody knows of what dataset the snapshot is."""
        self._strangers.add(snapshot_id)

    def recognise(self, group: DatasetGroup) -> None:
        """All members that its list brought are of this group."""
        for snapshot_id in group.members:
            self._group_of.setdefault(snapshot_id, group)
        if self._strangers:
            self._strangers -= group.members

    def leave(self, snapshot_id: str, status: str) -> None:
        """A snapshot has ended with this status: it is no longer of the working set."""
        self._strangers.discard(snapshot_id)
        group = self._group_of.pop(snapshot_id, None)
        if group is None:
            return
        asked = group.asked.get(snapshot_id)
        group.discard(snapshot_id)
        group.ended[snapshot_id] = canonical(status if asked is None else asked.word)

    def forget(self, snapshot_id: str, dataset_id: str | None) -> None:
        """Nobody watches the snapshot any more; a group that is left without members goes too."""
        self._strangers.discard(snapshot_id)
        group = self._group_of.pop(snapshot_id, None) or self._groups.get(dataset_id or "")
        if group is None:
            return
        group.discard(snapshot_id)
        if group.watch is None:
            group.ended.pop(snapshot_id, None)
            self.prune(group)

    def prune(self, group: DatasetGroup) -> None:
        """A group that nobody is in goes, unless its dataset is watched."""
        if group.watch is None and not group.members and self._groups.get(group.dataset_id) is group:
            del self._groups[group.dataset_id]

    def renew(self, dataset_id: str, watch: DatasetWatch | None) -> DatasetGroup:
        """Begin anew with a dataset that is now watched, or not any more: nothing is known of its lists.

        The old group is left empty, for whoever still reads a list of it; its members are to be told apart and joined
        to the new one.

        Returns:
            What the old group was.
        """
        old = self._groups.get(dataset_id) or DatasetGroup(dataset_id)
        was = copy(old)
        old.watch = None
        old.members, old.listed, old.absent, old.asked, old.odd = set(), set(), set(), {}, {}
        self._groups[dataset_id] = DatasetGroup(dataset_id, watch)
        return was

    def name_parents(self, datasets: Collection[DatasetWatch]) -> None:
        """These are the watches of datasets, each to be found by its id."""
        self._parents = {each.id: each for each in datasets}

    def worth(self, group: DatasetGroup) -> bool:
        """Whether the group is to be listed: it costs less than one by one, or the dataset itself is watched."""
        if group.watch is not None:
            return True
        if not self.lists or group.failures:
            return False
        if group.agreed_at is None and len(self._strangers) > MARGIN:
            return True  # its first list tells which of those belong to it
        return worth_listing(len(group.members), 1 + group.entries // PAGE)

    def pause(self, group: DatasetGroup) -> timedelta:
        """The pause between two lists of the group: as short as that of the member that is in the greatest hurry.

        The group knows the shortest `every` from then on.
        """
        now = self._clock()
        newest: dict[timedelta, datetime] = {}
        for snapshot_id in group.members:
            watch = self.watches.get(snapshot_id) or group.watch
            if watch is None:
                continue
            state = self._state_of(snapshot_id)
            born = born_at(state) or now  # a date ahead of our clock makes nothing young for ever
            if born > newest.get(watch.every, NEVER):
                newest[watch.every] = born
        pauses = [pause_at_age(now - born, every) for every, born in newest.items()]
        group.every = min(newest, default=LONGEST_PAUSE)
        if group.watch is not None:
            pauses.append(group.watch.every)  # what is new in the dataset shows as soon as that
        return min(pauses, default=LONGEST_PAUSE)
