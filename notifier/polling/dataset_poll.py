"""One poll of a dataset through its list, and which of its snapshots are polled individually from then on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.brightdata.limits.permit import Permit
from notifier.core.backoff import backoff
from notifier.core.outcomes import ListOutcome, PollOutcome
from notifier.polling.dataset_group import LONGEST_PAUSE, DatasetGroup
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.list_sync import ListSync
from notifier.polling.poller import Poller
from notifier.polling.strategy import PollStrategy
from notifier.store.datasets import LISTED, DatasetNote, Datasets


class DatasetPoll:
    """Polls datasets, and has snapshots polled individually where a list does not suffice."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        strategy: PollStrategy,
        list_sync: ListSync,
        poller: Poller,
        datasets: Datasets,
        clock: Callable[[], datetime],
        polled: Callable[[PollOutcome], None],
        listed: Callable[[ListOutcome], None],
    ) -> None:
        """
        Args:
            groups: which snapshots belong to which dataset.
            strategy: schedules what follows.
            list_sync: requests a list and compares it with what is known.
            poller: knows the state of every snapshot.
            datasets: stores when each dataset was listed.
            clock: the time, UTC.
            polled, listed: called with the outcome of each poll of a snapshot, and of a dataset.
        """
        self._groups = groups
        self._strategy = strategy
        self._list_sync = list_sync
        self._poller = poller
        self._datasets = datasets
        self._clock = clock
        self._polled = polled
        self._listed = listed
        self._notes: dict[str, DatasetNote] = {}
        self._changes = 0

    def reconfiguring(self) -> None:
        """Note that a change of the configuration begins or ends: lists that come meanwhile are filtered."""
        self._changes += 1

    async def flush(self) -> None:
        """Store the polls since the last flush.

        Raises:
            StoreError: they are kept for the next flush.
        """
        notes, self._notes = self._notes, {}
        try:
            await self._datasets.note(notes.values())
        except BaseException:
            self._notes = notes | self._notes
            raise

    async def poll(self, group: DatasetGroup, due: datetime, permit: Permit) -> timedelta | None:
        """Poll the dataset of a group; return the pause before its next list, or None.

        Raises:
            StoreError: a change could not be committed. It was not reported, and the next poll finds it again.
        """
        if not group.members and group.watch is None:
            self._strategy.stop_listing(group)
            return None
        changes = self._changes
        outcome = await self._list_sync.poll(group, due, permit)
        for taken in outcome.taken:
            self._polled(taken)
        pause = None
        try:
            pause = self._after(group, outcome, changes)
        finally:
            self._listed(replace(outcome, pause=pause))
        return pause

    def failed(self, group: DatasetGroup) -> None:
        """Count a poll that raised as a list that failed."""
        group.health.failed(self._clock())
        self._strategy.fall_back(group)

    def unstored(self, dataset_id: str) -> DatasetNote | None:
        """Return the last poll of a dataset if it is not stored yet."""
        return self._notes.get(dataset_id)

    def _after(self, group: DatasetGroup, outcome: ListOutcome, changes: int) -> timedelta | None:
        """Decide what follows from a list; `changes` is the count of reconfigurations when it was requested."""
        if changes != self._changes or changes % 2:
            outcome = self._filter(group, outcome)
        if self._groups.of_dataset(group.dataset_id) is not group:
            return self._pause_of_next(group.dataset_id)
        pause: timedelta | None
        if outcome.unclear is not None:
            pause = self._groups.pause(group)
            pause = backoff(group.health.failures, first=pause, longest=max(LONGEST_PAUSE, pause))
            self._strategy.fall_back(group)
        else:
            pause = self._follow(group, outcome)
        now = self._clock()
        self._notes[group.dataset_id] = DatasetNote(
            dataset_id=group.dataset_id,
            polled_at=now,
            answer=LISTED if outcome.unclear is None else outcome.unclear.reason,
            next_poll_at=None if pause is None else now + pause,
        )
        return pause

    def _filter(self, group: DatasetGroup, outcome: ListOutcome) -> ListOutcome:
        """Keep of a list that came while the configuration changed only what is still watched."""
        brought = {*group.members, *outcome.ask, *(taken.watch.snapshot_id for taken in outcome.taken)}
        for snapshot_id in brought:
            if not self._groups.is_watched(snapshot_id, group.dataset_id):
                group.remove(snapshot_id)
                self._groups.forget(snapshot_id, group.dataset_id)
                self._poller.drop(snapshot_id)
        return replace(outcome, ask=tuple(id_ for id_ in outcome.ask if id_ in group.claims))

    def _pause_of_next(self, dataset_id: str) -> timedelta | None:
        """Return the pause before the list of the group that replaced another one meanwhile; None without lists."""
        group = self._groups.of_dataset(dataset_id)
        return self._groups.pause(group) if group is not None and self._groups.is_worth_listing(group) else None

    def _follow(self, group: DatasetGroup, outcome: ListOutcome) -> timedelta | None:
        """Have polled individually what the list does not settle, and nothing else."""
        group.readmit(outcome.ask)
        self._groups.assign_members(group)
        for snapshot_id in outcome.ask:
            claim = group.claims.of(snapshot_id)
            self._strategy.check_claim(snapshot_id, at_once=claim is not None and claim.listed_at == group.listed_at)
        if group.listed_at is not None:
            self._strategy.judge_list(group, outcome.behind, group.listed_at)
        if not self._groups.is_worth_listing(group):
            self._strategy.unlist(group, group.members)
            self._strategy.stop_listing(group)
            return None
        for snapshot_id in group.newly_listed - set(outcome.ask):
            self._strategy.schedule.remove(snapshot_id)
        self._strategy.poll_individually(outcome.missing)
        pause = self._groups.pause(group)
        self._strategy.rotate(group)
        return pause
