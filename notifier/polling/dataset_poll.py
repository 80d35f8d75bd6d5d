"""One look at a group by its list, and what follows from it: who is looked at singly from now on, and who is not."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.brightdata.limits.permit import Permit
from notifier.core.backoff import backoff
from notifier.core.outcomes import ListOutcome, PollOutcome
from notifier.polling.datasets import LONGEST_PAUSE, DatasetGroup, DatasetGroups
from notifier.polling.list_sync import ListSync
from notifier.polling.poller import Poller
from notifier.polling.strategy import PollStrategy
from notifier.store.datasets import LISTED, DatasetNote, Datasets


class DatasetPoll:
    """Looks at datasets, and sees to what their lists do not tell."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        ways: PollStrategy,
        lister: ListSync,
        poller: Poller,
        datasets: Datasets,
        clock: Callable[[], datetime],
        looked: Callable[[PollOutcome], None],
        listed: Callable[[ListOutcome], None],
    ) -> None:
        """
        Args:
            groups: which snapshots belong to which dataset.
            ways: puts on the schedule what follows.
            lister: compares a list with what is known.
            poller: holds what is known of every snapshot.
            datasets: where it is noted when each was listed.
            clock: the time, UTC.
            looked, listed: told of what came of each look.
        """
        self._groups = groups
        self._ways = ways
        self._lister = lister
        self._poller = poller
        self._datasets = datasets
        self._clock = clock
        self._looked = looked
        self._listed = listed
        self._notes: dict[str, DatasetNote] = {}
        self._changes = 0

    def reconfiguring(self) -> None:
        """Learn that the configuration begins to change, or has changed: what lists bring meanwhile is sifted."""
        self._changes += 1

    async def flush(self) -> None:
        """Note the lists since the last time in the store.

        Raises:
            StoreError: they are noted the next time.
        """
        notes, self._notes = self._notes, {}
        try:
            await self._datasets.note(notes.values())
        except BaseException:
            self._notes = notes | self._notes
            raise

    async def look(self, group: DatasetGroup, due: datetime, permit: Permit) -> timedelta | None:
        """Look at a group's dataset, and see to what its list did not tell; the pause to the next list, or None.

        Raises:
            StoreError: a change could not be committed; it has not been told, and the next look finds it again.
        """
        if not group.members and group.watch is None:
            self._ways.not_listed(group)
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
            pause = backoff(group.failures, first=pause, longest=max(LONGEST_PAUSE, pause))
            self._ways.hand_over(group)
        else:
            pause = self._follow(group, outcome, before)
        now = self._clock()
        self._notes[group.dataset_id] = DatasetNote(
            dataset_id=group.dataset_id,
            looked_at=now,
            answer=LISTED if outcome.unclear is None else outcome.unclear.reason,
            next_look_at=None if pause is None else now + pause,
        )
        return pause

    def failed(self, group: DatasetGroup) -> None:
        """A look at the group's dataset raised: it counts as a list that failed."""
        group.failures += 1
        group.failing_since = group.failing_since or self._clock()
        self._ways.hand_over(group)

    def _let_go(self, group: DatasetGroup, outcome: ListOutcome) -> ListOutcome:
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

    def _follow(self, group: DatasetGroup, outcome: ListOutcome, before: Collection[str]) -> timedelta | None:
        """Look singly at what the list did not tell, and at nothing else."""
        for snapshot_id in outcome.ask:
            if snapshot_id not in group.members:  # it had ended
                group.members.add(snapshot_id)
                group.listed.add(snapshot_id)
                group.ended.pop(snapshot_id, None)
        self._groups.recognise(group)
        for snapshot_id in outcome.ask:
            self._ways.ask(snapshot_id, at_once=group.asked[snapshot_id].at == group.agreed_at)
        if group.agreed_at is not None:
            self._ways.listed(group, outcome.behind, group.agreed_at)
        if not self._groups.worth(group):
            self._ways.unlist(group, group.members)
            self._ways.not_listed(group)
            return None
        for snapshot_id in group.listed.difference(before, outcome.ask):
            self._ways.schedule.remove(snapshot_id)
        self._ways.look_singly(outcome.missing)
        pause = self._groups.pause(group)
        self._ways.rotate(group)
        return pause
