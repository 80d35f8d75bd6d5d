"""The two ways to look at a snapshot, singly or by its dataset's list, and how it comes from one to the other."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from notifier.groups import Group, Groups
from notifier.poll import Poller
from notifier.schedule import Schedule

FAILURES_BEFORE_SINGLE = 3

ASK_AGAIN = timedelta(seconds=10)
"""Between two looks at a snapshot of which its list says something new, until one is answered."""


class Ways:
    """Puts on the schedule, and takes off it, what is to be looked at singly or listed from now on."""

    def __init__(self, *, groups: Groups, poller: Poller, clock: Callable[[], datetime], gap: timedelta) -> None:
        """
        Args:
            groups: which snapshots belong to which dataset.
            poller: holds what is known of every snapshot.
            clock: the time, UTC.
            gap: the time between two requests at the configured rate.
        """
        self._groups = groups
        self._poller = poller
        self._clock = clock
        self._schedule: Schedule | None = None
        self._answered_at: datetime | None = None
        self.gap = gap

    @property
    def schedule(self) -> Schedule:
        """What is due when; set by whoever runs it."""
        assert self._schedule is not None
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: Schedule) -> None:
        self._schedule = schedule

    def answered(self) -> None:
        """Learn that a single look was answered just now."""
        self._answered_at = self._clock()

    def ask(self, snapshot_id: str, *, at_once: bool) -> None:
        """Look at a snapshot alone; `at_once` even if a look of its own is due some time."""
        if snapshot_id not in self.schedule:
            self.schedule.add(snapshot_id, pause=ASK_AGAIN, first=self._clock())
        elif at_once:
            self.schedule.hasten(snapshot_id)

    def look_singly(self, snapshot_ids: Collection[str], begin: datetime | None = None) -> datetime:
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
                first += self.gap
        return first

    def consider(self, group: Group) -> None:
        """List the group from now on, if that is worth it."""
        if group.key not in self.schedule and self._groups.worth(group):
            self.schedule.add(group.key, pause=self._groups.pause(group), first=self._clock())

    def is_listed(self, snapshot_id: str) -> bool:
        """Whether the snapshot's group is listed."""
        group = self._groups.of(snapshot_id)
        return group is not None and group.key in self.schedule

    def unlist(self, group: Group, members: Collection[str]) -> None:
        """Look singly at these members from now on, whether or not the group goes on being listed."""
        for snapshot_id in members:
            self._poller.seen(snapshot_id, group.seen_at(snapshot_id))
        group.listed.difference_update(members)
        self.look_singly(members)

    def hand_over(self, group: Group) -> None:
        """Look singly at the members of a group if its list goes on failing.

        But as long as nothing at all is answered, that would only put everything else off once it is: then one member
        is looked at, and the others follow if it is answered.
        """
        if group.handed_over or group.failures < FAILURES_BEFORE_SINGLE:
            return
        alone = self._answered_at is None or (
            group.failing_since is not None and self._answered_at < group.failing_since
        )
        group.handed_over = not alone
        self.unlist(group, list(group.members)[: 1 if alone else None])
