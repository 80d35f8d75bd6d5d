"""The watched snapshots of one dataset, and what its lists say of them."""

from collections.abc import Callable, Collection, Container, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime, time, timedelta

from notifier.core.snapshot.list_comparison import DATE_TOLERANCE
from notifier.core.snapshot.model import DatasetWatch, Listed, SnapshotState, Watch
from notifier.core.snapshot.poll_pauses import pause_at_age
from notifier.core.snapshot.rotation import confirm_period
from notifier.core.snapshot.statuses import canonical
from notifier.core.snapshot.transitions import born_at
from notifier.polling.list_claims import Claims
from notifier.polling.list_health import LONG_AGO, ListHealth
from notifier.polling.turns import Turns

DATASET = "dataset/"
"""The prefix of a dataset's key in the schedule. No snapshot id contains a `/`."""

LONGEST_PAUSE = timedelta(minutes=5)
"""The longest pause between two lists, unless every member allows a longer one; also after failures."""

WHOLE_LIST_EVERY = timedelta(hours=1)
"""How often the whole list is requested for a member of unknown age that the last whole list did not have."""

PRUNE_EVERY = timedelta(days=1)
"""The least time between two whole lists that are compared with what is remembered, to forget what is gone."""


class DatasetGroup:
    """The members: snapshots of the dataset that are watched and go on, or that a list claims to go on again.

    A member that the last list had is polled through lists, any other one individually. Only the methods of this class
    write its state; the parts below keep their own.

    Attributes:
        dataset_id: the dataset.
        claims: what its lists claim and polls are to confirm.
        health: whether its lists come, and are trusted.
        turns: whose turn it is to be polled individually.
    """

    def __init__(self, dataset_id: str, watch: DatasetWatch | None = None) -> None:
        """
        Args:
            dataset_id: the dataset.
            watch: the watch of the dataset itself, if it has one.
        """
        self.dataset_id = dataset_id
        self.claims = Claims()
        self.health = ListHealth()
        self.turns = Turns()
        self._watch = watch
        self._members: set[str] = set()
        self._listed: set[str] = set()
        self._listed_before: AbstractSet[str] = frozenset()  # members that the list before had
        self._absent: set[str] = set()  # members that the last whole list did not have
        self._ended: dict[str, str] = {}  # the list's last word for each snapshot that has ended
        self._baseline_at: datetime | None = None
        self._restored_at: datetime | None = None  # the last list of an earlier run
        self._listed_at: datetime | None = None  # the last list of this run
        self._whole_listed_at: datetime | None = None
        self._pruned_at: datetime | None = None
        self._expected = 0  # entries of the next list
        self._every = LONGEST_PAUSE  # the shortest `every` of the members

    @property
    def key(self) -> str:
        """The key under which its list is scheduled."""
        return DATASET + self.dataset_id

    @property
    def watch(self) -> DatasetWatch | None:
        """The watch of the dataset itself."""
        return self._watch

    @property
    def members(self) -> AbstractSet[str]:
        """The watched snapshots that have not ended, and those that a list claims to go on again."""
        return self._members

    @property
    def listed(self) -> AbstractSet[str]:
        """The members that the last list had."""
        return self._listed

    @property
    def newly_listed(self) -> AbstractSet[str]:
        """The members that the last list had and the list before had not."""
        return self._listed - self._listed_before

    @property
    def ended(self) -> Mapping[str, str]:
        """The list's last word, in canonical spelling, for each snapshot that has ended."""
        return self._ended

    @property
    def baseline_at(self) -> datetime | None:
        """Since when the dataset itself is watched."""
        return self._baseline_at

    @property
    def listed_at(self) -> datetime | None:
        """When the last list of this run was requested."""
        return self._listed_at

    @property
    def expected(self) -> int:
        """How many entries the next list will have."""
        return self._expected

    def restore(self, *, baseline_at: datetime | None, listed_at: datetime | None) -> None:
        """Take up when an earlier run first and last listed the dataset."""
        self._baseline_at, self._restored_at = baseline_at, listed_at

    def set_watch(self, watch: DatasetWatch) -> None:
        """Take up changed options of the dataset's watch."""
        self._watch = watch

    def set_baseline(self, at: datetime) -> None:
        """Count the dataset as watched since that time."""
        self._baseline_at = at

    def retire(self) -> tuple[AbstractSet[str], Callable[[str], datetime | None]]:
        """Leave this group empty, for a task that is still reading a list of it.

        Returns:
            The members that it had, and its `seen_at` as it was.
        """
        members, seen_at = self._members, {id_: self.seen_at(id_) for id_ in self._members}
        self._watch = None
        self._members, self._listed, self._absent = set(), set(), set()
        self.claims = Claims()
        return members, seen_at.get

    # Members

    def add(self, snapshot_id: str) -> None:
        """Make a snapshot a member."""
        self._members.add(snapshot_id)

    def remove(self, snapshot_id: str) -> None:
        """Drop a member."""
        for some in (self._members, self._listed, self._absent):
            some.discard(snapshot_id)
        self.claims.remove(snapshot_id)

    def end(self, snapshot_id: str, status: str) -> None:
        """Drop a member that has ended with this status; a list that claims another word is not asked about again."""
        claim = self.claims.of(snapshot_id)
        self.remove(snapshot_id)
        self._ended[snapshot_id] = canonical(status if claim is None else claim.word)

    def readmit(self, snapshot_ids: Iterable[str]) -> None:
        """Make snapshots members again that had ended, and that the last list has in another status."""
        for snapshot_id in snapshot_ids:
            if snapshot_id not in self._members:
                self._members.add(snapshot_id)
                self._listed.add(snapshot_id)
                self._ended.pop(snapshot_id, None)

    def forget_end(self, snapshot_id: str) -> None:
        """Forget the end of a snapshot that is no longer watched."""
        self._ended.pop(snapshot_id, None)

    def unlist(self, snapshot_ids: Collection[str]) -> None:
        """Have these members polled individually."""
        self._listed.difference_update(snapshot_ids)

    def polled_by_list_alone(self, schedule: Container[str]) -> int:
        """Return how many listed members have no poll of their own on the schedule."""
        own = {*self.claims, *self.turns}
        return len(self._listed) - sum(each in self._listed and each in schedule for each in own)

    # What lists say

    def agreed_at(self, snapshot_id: str) -> datetime | None:
        """Return when the last list was requested, if it had the known status of this member."""
        return self._listed_at if snapshot_id in self._listed and snapshot_id not in self.claims else None

    def seen_at(self, snapshot_id: str) -> datetime | None:
        """Return when a list last had the known status of a member."""
        claim = self.claims.of(snapshot_id)
        if claim is not None:
            return claim.seen_at
        if self._listed_at is None:
            return self._restored_at
        return self._listed_at if snapshot_id in self._listed else None

    def list_came(
        self, requested_at: datetime, *, whole: bool, has: set[str], ended: dict[str, str], claims: Mapping[str, str]
    ) -> None:
        """Take up a list.

        Args:
            requested_at: when it was requested.
            whole: whether it was to have every snapshot of the dataset.
            has: the members that it has.
            ended: its word for each snapshot that has ended.
            claims: its words that polls are to confirm.
        """
        self.claims.make(claims, requested_at, {id_: self.seen_at(id_) for id_ in claims})
        self._ended = ended
        self._listed_before, self._listed = self._listed, has & self._members
        self.claims.keep_rejected(self._listed)
        if whole:
            self._absent, self._whole_listed_at = self._members - self._listed, requested_at
        self._listed_at = requested_at
        self.health.came()

    def request_whole_list(self) -> None:
        """Make the next list a whole one."""
        self._whole_listed_at = None

    def is_pruning_due(self, whole_list_at: datetime) -> bool:
        """Whether this whole list is to show what can be forgotten; true once per `PRUNE_EVERY`."""
        last = self._pruned_at
        if self._watch is None or (last is not None and timedelta(0) <= whole_list_at - last < PRUNE_EVERY):
            return False
        self._pruned_at = whole_list_at
        return True

    def since(self, state_of: Callable[[str], SnapshotState], now: datetime) -> date | None:
        """Return the first day of the next list: it has all members, and what is new since the last list.

        None for the whole list: as long as a member may be older than is known.
        """
        if self._whole_listed_at is None or self._listed_at is None:
            return None
        searched = timedelta(0) <= now - self._whole_listed_at < WHOLE_LIST_EVERY
        since = min(self._listed_at, now)
        for snapshot_id in self._members:
            created = state_of(snapshot_id).created_at
            if created is not None:
                since = min(since, created)
            elif not searched or snapshot_id not in self._absent:
                return None
        return (since - DATE_TOLERANCE).date()

    def expect(self, entries: Collection[Listed], state_of: Callable[[str], SnapshotState], now: datetime) -> None:
        """Estimate from this list how many entries the next one will have."""
        since = self.since(state_of, now)
        if since is None:
            self._expected = len(entries)
            return
        begin = datetime.combine(since, time(), UTC)
        self._expected = sum(entry.created is None or entry.created >= begin for entry in entries)

    def poll_pause(
        self, watch_of: Callable[[str], Watch | None], state_of: Callable[[str], SnapshotState], now: datetime
    ) -> timedelta:
        """Return the pause between two lists: the shortest that a member, or the dataset's watch, asks for."""
        newest: dict[timedelta, datetime] = {}
        for snapshot_id in self._members:
            watch = watch_of(snapshot_id) or self._watch
            if watch is None:
                continue
            born = born_at(state_of(snapshot_id)) or now  # a date ahead of our clock keeps nothing young for ever
            if born > newest.get(watch.every, LONG_AGO):
                newest[watch.every] = born
        self._every = min(newest, default=LONGEST_PAUSE)
        pauses = [pause_at_age(now - born, every) for every, born in newest.items()]
        if self._watch is not None:
            pauses.append(self._watch.every)  # new snapshots of the dataset are found as soon as that
        return min(pauses, default=LONGEST_PAUSE)

    def turn_pause(self) -> timedelta:
        """Return the pause between two turns, so that no listed member stays unconfirmed for too long."""
        return self.turns.pause(self._every if self.health.trust.stale else confirm_period(self._every))
