"""Decides whether a snapshot is polled individually or through its dataset's list, and keeps the schedule."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta

from notifier.core.snapshot.rotation import Trust, TrustNews, is_behind
from notifier.polling.dataset_group import DATASET, DatasetGroup
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.list_health import LONG_AGO
from notifier.polling.poller import Poller
from notifier.polling.scheduler import PollScheduler

CLAIM_PAUSE = timedelta(seconds=10)
"""Between two polls of a snapshot of which its list claims something new, until one is answered."""


class PollStrategy:
    """Adds snapshots and lists to the schedule, and removes them."""

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
            poller: knows the state of every snapshot.
            schedule: what is due when.
            clock: the time, UTC.
            gap: the time between two requests at the configured rate.
            trust_changed: called when a dataset's lists are no longer trusted, and when they are again.
        """
        self._trust_changed = trust_changed
        self._groups = groups
        self._poller = poller
        self.schedule = schedule
        self._clock = clock
        self._answered_at: datetime | None = None
        self.gap = gap

    def answered(self) -> None:
        """Note that a poll of a snapshot was answered just now."""
        self._answered_at = self._clock()

    def check_claim(self, snapshot_id: str, *, at_once: bool) -> None:
        """Poll a snapshot individually; with `at_once` even if a poll of its own is due at some time."""
        if snapshot_id not in self.schedule:
            self.schedule.add(snapshot_id, pause=CLAIM_PAUSE, first=self._clock())
        elif at_once:
            self.schedule.hasten(snapshot_id)

    def poll_individually(self, snapshot_ids: Collection[str], begin: datetime | None = None) -> datetime:
        """Poll these one by one from now on, the first polls as fast as requests may follow each other.

        Args:
            snapshot_ids: the snapshots; those that have ended or are on the schedule are passed over.
            begin: the earliest time of the first poll, if that is not now.

        Returns:
            The earliest time of the next poll after these.
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

    def list_if_worthwhile(self, group: DatasetGroup) -> None:
        """List a group from now on, if that costs less."""
        if group.key not in self.schedule and self._groups.is_worth_listing(group):
            self.schedule.add(group.key, pause=self._groups.pause(group), first=self._clock())

    def is_listed(self, snapshot_id: str) -> bool:
        """Whether the snapshot's group is listed."""
        group = self._groups.of(snapshot_id)
        return group is not None and group.key in self.schedule

    def unlist(self, group: DatasetGroup, members: Collection[str]) -> None:
        """Poll these members individually from now on, whether or not the group goes on being listed."""
        for snapshot_id in members:
            self._poller.confirm(snapshot_id, group.seen_at(snapshot_id))
        group.unlist(members)
        self.poll_individually(members)

    def fall_back(self, group: DatasetGroup) -> None:
        """Poll the members of a group individually if its list keeps failing; see `ListHealth.fall_back`."""
        self.unlist(group, group.health.fall_back(group.members, self._answered_at))

    # Rotation: listed members are polled individually in turn

    def rotate(self, group: DatasetGroup) -> None:
        """Go on with the rotation after a list; poll a member at once if none had its turn since the last list."""
        group.turns.keep(group.listed, self._longest_unseen_first)
        if not group.turns.taken and (id_ := self._take_turn(group)) is not None:
            self.schedule.add(id_, pause=CLAIM_PAUSE, first=self._clock())
        group.turns.begin_round()
        self._schedule_turns(group)

    def turn(self, key: str) -> tuple[str | None, timedelta | None]:
        """Return whose turn it is in the rotation of this key, and the pause to the next turn; see `scheduler.Turn`."""
        group = self._groups.of_dataset(key.removeprefix(DATASET))
        if group is None or group.health.failures or not group.listed:  # the next list that comes resumes the rotation
            return None, None
        return self._take_turn(group), group.turn_pause()

    def _schedule_turns(self, group: DatasetGroup) -> None:
        if group.key in self.schedule and len(group.turns):
            self.schedule.rotate(group.key, pause=group.turn_pause())

    def _take_turn(self, group: DatasetGroup) -> str | None:
        return group.turns.take(lambda each: each in group.listed and each not in self.schedule)

    def _longest_unseen_first(self, snapshot_ids: Iterable[str]) -> list[str]:
        """Order by the last confirmation, which is known across restarts."""
        seen = {id_: self._poller.state_of(id_).seen_at or LONG_AGO for id_ in snapshot_ids}
        return sorted(seen, key=seen.__getitem__)

    # Trust in lists

    def compare_claim(self, group: DatasetGroup, snapshot_id: str, word: str, listed_at: datetime) -> None:
        """Compare the status that a poll has found with the word of a list that was requested at that time."""
        state = self._poller.state_of(snapshot_id)
        if is_behind(state, word, listed_at) and group.health.was_behind(snapshot_id, listed_at):
            self._schedule_turns(group)
            self._trust_changed(
                TrustNews(
                    dataset_id=group.dataset_id,
                    stale=True,
                    snapshot_id=snapshot_id,
                    status=state.status,
                    listed_as=word,
                )
            )

    def judge_list(self, group: DatasetGroup, behind: Collection[str], listed_at: datetime) -> None:
        """Judge a list by the snapshots of `trust.behind` on which it is still behind."""
        self._trusted_again(group, group.health.is_behind_on(behind, listed_at))

    def stop_listing(self, group: DatasetGroup) -> None:
        """Note that no list of the group is requested any more, so that no trust is needed."""
        self._trusted_again(group, group.health.reset_trust())

    def _trusted_again(self, group: DatasetGroup, before: Trust | None) -> None:
        if before is None or before.since is None:
            return
        lasted = max(self._clock() - before.since, timedelta(0)) if before.since > LONG_AGO else None
        self._trust_changed(TrustNews(dataset_id=group.dataset_id, stale=False, lasted=lasted))

    def restore_distrust(self, dataset_ids: Collection[str]) -> None:
        """Take up that an earlier run reported the lists of these datasets as not trusted."""
        for group in self._groups:
            if group.dataset_id in dataset_ids:
                group.health.restore_distrust(self._clock())
