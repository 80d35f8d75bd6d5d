"""Confirms with Bright Data a snapshot that a hint names and nobody watches, and watches it from then on."""

from collections.abc import Callable
from datetime import datetime

from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.snapshot_observer import SnapshotObserver
from notifier.core.outcomes import HintOutcome, PollOutcome
from notifier.core.snapshot.hint_queue import HintResult
from notifier.core.snapshot.list_comparison import without_baseline
from notifier.core.snapshot.model import Seen, SnapshotState, Watch
from notifier.core.snapshot.statuses import has_ended
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.poller import Poller
from notifier.polling.strategy import PollStrategy
from notifier.store.datasets import Datasets


class Adoption:
    """Adopts snapshots. One that a watched dataset has, and no list of it yet, belongs to the dataset's watch."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        strategy: PollStrategy,
        observer: SnapshotObserver,
        poller: Poller,
        datasets: Datasets,
        clock: Callable[[], datetime],
        polled: Callable[[PollOutcome], None],
        hinted: Callable[[HintOutcome], None],
    ) -> None:
        """
        Args:
            groups: what is watched.
            strategy: schedules the polls that follow.
            observer: requests snapshots.
            poller: commits changes.
            datasets: what is remembered of snapshots.
            clock: the time, UTC.
            polled, hinted: called with the outcome of a poll, and of a hint.
        """
        self._groups = groups
        self._strategy = strategy
        self._observer = observer
        self._poller = poller
        self._datasets = datasets
        self._clock = clock
        self._polled = polled
        self._hinted = hinted

    @property
    def possible(self) -> bool:
        """Whether a snapshot that nobody watches may come to be watched by a hint."""
        return self._enabled or bool(self._groups.dataset_watches)

    @property
    def _enabled(self) -> bool:
        return self._groups.adopting is not None and self._groups.adopting.enabled

    async def poll(self, snapshot_id: str, permit: Permit) -> bool:
        """Ask Bright Data for the snapshot; return whether it is worth asking again.

        Raises:
            StoreError: the first status could not be committed; the snapshot is not watched then.
        """
        known = (await self._datasets.known([snapshot_id])).get(snapshot_id)
        if known is not None and has_ended(known):
            self._hinted(HintOutcome(result=HintResult.ENDED, snapshot_id=snapshot_id))
            return False
        asked_at = self._clock()
        observation = await self._observer.observe(snapshot_id, permit=permit)
        if self._groups.watch_of(snapshot_id) is not None or not isinstance(observation, Seen):
            return True
        watch = await self._watch_for(snapshot_id, observation.facts.dataset_id)
        if watch is None:
            self._hinted(HintOutcome(result=HintResult.UNKNOWN, snapshot_id=snapshot_id))
            return False
        await self._take_up(watch, observation, known, asked_at)
        return self._groups.watch_of(snapshot_id) is not None

    async def _watch_for(self, snapshot_id: str, dataset_id: str | None) -> Watch | None:
        """Return the watch that a confirmed snapshot gets."""
        group = self._groups.of_dataset(dataset_id or "")
        if group is None or group.watch is None:
            adopting = self._groups.adopting
            return adopting.watch_for(snapshot_id) if adopting is not None and adopting.enabled else None
        if group.baseline_at is None or await self._datasets.past(group.dataset_id, [snapshot_id]):
            return None  # its first list decides whether this one is news; or it had ended before that
        return group.watch.watch_for(snapshot_id)

    async def _take_up(self, watch: Watch, observation: Seen, known: SnapshotState | None, asked_at: datetime) -> None:
        snapshot_id, dataset_id = watch.snapshot_id, observation.facts.dataset_id
        if known is not None:
            self._poller.put(without_baseline(known))
        outcome = await self._poller.take(watch, observation, asked_at=asked_at)
        self._polled(outcome)
        self._hinted(HintOutcome(result=HintResult.ADOPTED, snapshot_id=snapshot_id))
        if self._groups.watch_of(snapshot_id) is not None:  # the configuration has got a watch of it meanwhile
            return
        if outcome.pause is None:
            self._poller.drop(snapshot_id)
            return
        group = self._groups.of_dataset(dataset_id or "")
        if group is None or group.watch is None:
            self._groups.adopt(watch)
        if dataset_id is None:
            self._groups.mark_unassigned(snapshot_id)
        else:
            self._strategy.list_if_worthwhile(self._groups.join(snapshot_id, dataset_id))
        self._strategy.schedule.add(snapshot_id, pause=outcome.pause, first=self._clock() + outcome.pause)
