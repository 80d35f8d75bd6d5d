"""The two ways to look at a snapshot, singly or by its dataset's list, and how it comes from one to the other."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from notifier.core.snapshot.rotation import BELIEVED, Trust, TrustNews, after_list, caught, is_behind
from notifier.polling.datasets import DATASET, NEVER, DatasetGroup, DatasetGroups
from notifier.polling.poller import Poller
from notifier.polling.scheduler import PollScheduler

FAILURES_BEFORE_SINGLE = 3

ASK_AGAIN = timedelta(seconds=10)
"""Between two looks at a snapshot of which its list says something new, until one is answered."""


class PollStrategy:
    """Puts on the schedule, and takes off it, what is to be looked at singly or listed from now on."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        poller: Poller,
        schedule: PollScheduler,
        clock: Callable[[], datetime],
        gap: timedelta,
        trust_changed: Callable[[TrustNews], None],
    ) -> None:
        """
        Args:
            groups: which snapshots belong to which dataset.
            poller: holds what is known of every snapshot.
            schedule: what is due when.
            clock: the time, UTC.
            gap: the time between two requests at the configured rate.
            trust_changed: told when a dataset's lists are not believed any more, and when they are again.
        """
        self._trust_changed = trust_changed
        self._groups = groups
        self._poller = poller
        self.schedule = schedule
        self._clock = clock
        self._answered_at: datetime | None = None
        self.gap = gap

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

    def consider(self, group: DatasetGroup) -> None:
        """List the group from now on, if that is worth it."""
        if group.key not in self.schedule and self._groups.worth(group):
            self.schedule.add(group.key, pause=self._groups.pause(group), first=self._clock())

    def is_listed(self, snapshot_id: str) -> bool:
        """Whether the snapshot's group is listed."""
        group = self._groups.of(snapshot_id)
        return group is not None and group.key in self.schedule

    def unlist(self, group: DatasetGroup, members: Collection[str]) -> None:
        """Look singly at these members from now on, whether or not the group goes on being listed."""
        for snapshot_id in members:
            self._poller.seen(snapshot_id, group.seen_at(snapshot_id))
        group.listed.difference_update(members)
        self.look_singly(members)

    def hand_over(self, group: DatasetGroup) -> None:
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

    # Rotation: members of a listed group are asked singly in turn

    def rotate(self, group: DatasetGroup) -> None:
        """After a list: go on with the rotation of the members that it had, and ask one if nobody had a turn since."""
        group.rotation.keep(group.listed, self._longest_unseen_first)
        if not group.turned and (id_ := self._take_turn(group)) is not None:
            self.schedule.add(id_, pause=ASK_AGAIN, first=self._clock())
        group.turned = False
        self._go_on(group)

    def turn(self, key: str) -> tuple[str | None, timedelta | None]:
        """Whose turn it is in the rotation of this key, and the pause to the next turn; see `schedule.Turn`."""
        group = self._groups.of_dataset(key.removeprefix(DATASET))
        if group is None or group.failures or not group.listed:  # the next list that comes goes on with it
            return None, None
        return self._take_turn(group), group.turn_pause()

    def _go_on(self, group: DatasetGroup) -> None:
        if group.key in self.schedule and len(group.rotation):
            self.schedule.rotate(group.key, pause=group.turn_pause())

    def _take_turn(self, group: DatasetGroup) -> str | None:
        id_ = group.rotation.next(
            lambda each: each in group.listed and each not in group.asking and each not in self.schedule
        )
        if id_ is not None:
            group.rotation.asked(id_)
            group.asking.add(id_)
            group.turned = True
        return id_

    def _longest_unseen_first(self, snapshot_ids: Iterable[str]) -> list[str]:
        """Across a restart too, the longest unconfirmed comes first."""
        seen = {id_: self._poller.state_of(id_).seen_at or NEVER for id_ in snapshot_ids}
        return sorted(seen, key=seen.__getitem__)

    # Whether lists are believed

    def compared(self, group: DatasetGroup, snapshot_id: str, word: str, listed_at: datetime) -> None:
        """A look has told the snapshot's status after a list, asked for at that time, said this word of it."""
        state = self._poller.state_of(snapshot_id)
        if not is_behind(state, word, listed_at):
            return
        before, group.trust = group.trust, caught(group.trust, snapshot_id, listed_at)
        if not before.stale:
            self._go_on(group)
            self._trust_changed(
                TrustNews(
                    dataset_id=group.dataset_id,
                    stale=True,
                    snapshot_id=snapshot_id,
                    status=state.status,
                    listed_as=word,
                )
            )

    def listed(self, group: DatasetGroup, behind: Collection[str], listed_at: datetime) -> None:
        """A list that was asked for at that time is still behind of these of `group.trust.behind`."""
        self._trust(group, after_list(group.trust, behind, listed_at))

    def not_listed(self, group: DatasetGroup) -> None:
        """No list of the group is asked for any more: whether they are to be believed does not matter."""
        self._trust(group, BELIEVED)

    def _trust(self, group: DatasetGroup, trust: Trust) -> None:
        before, group.trust = group.trust, trust
        if before.since is not None and not trust.stale:
            lasted = max(self._clock() - before.since, timedelta(0)) if before.since > NEVER else None
            self._trust_changed(TrustNews(dataset_id=group.dataset_id, stale=False, lasted=lasted))

    def doubt(self, dataset_ids: Collection[str]) -> None:
        """Of these datasets it was told in an earlier run that their lists are not believed, and nothing since."""
        for group in self._groups:
            if group.dataset_id in dataset_ids:
                group.trust = Trust(since=NEVER, doubted_at=self._clock())
