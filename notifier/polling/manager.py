"""Polls all that is watched: each snapshot individually, or with the others of its dataset through their list.

The first answer about a snapshot names its dataset, and the first list of a dataset shows which other watched snapshots
belong to it. A dataset is listed when that takes fewer requests than polling its snapshots individually, and always if
the dataset itself is watched. A snapshot that the list omits or contradicts is polled individually until a list agrees
again.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.snapshot_observer import SnapshotObserver
from notifier.core.isolation import Faults
from notifier.core.outcomes import HintOutcome, ListOutcome, PollOutcome
from notifier.core.snapshot.budget import Budget, Needs
from notifier.core.snapshot.model import AdoptingWatch, DatasetWatch, SnapshotState, Watch
from notifier.core.snapshot.rotation import TrustNews
from notifier.core.work_units import Unit
from notifier.failpoints import fault
from notifier.polling.adoption import Adoption
from notifier.polling.dataset_group import DATASET
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.dataset_poll import DatasetPoll
from notifier.polling.expiry import ExpiryWarnings
from notifier.polling.hints import Hints
from notifier.polling.initial_load import InitialLoad
from notifier.polling.list_sync import ListObserver, ListSync
from notifier.polling.poller import Poller
from notifier.polling.reconcile import Reconciler, sliced
from notifier.polling.scheduler import SchedulerFactory
from notifier.polling.snapshot_poll import SnapshotPoll
from notifier.polling.strategy import PollStrategy
from notifier.store.store import Store


class PollApi(SnapshotObserver, ListObserver, Protocol):
    """Polls snapshots and lists datasets."""


class PollManager:
    """Decides what is on the schedule, and what happens when it is due."""

    def __init__(
        self,
        *,
        api: PollApi,
        store: Store,
        poller: Poller,
        clock: Callable[[], datetime],
        keep: timedelta,
        gap: timedelta,
        lists: bool,
        scheduler: SchedulerFactory,
        polled: Callable[[PollOutcome], None],
        listed: Callable[[ListOutcome], None],
        hinted: Callable[[HintOutcome], None] = lambda _: None,
        faults: Faults | None = None,
        trust_changed: Callable[[TrustNews], None] = lambda _: None,
    ) -> None:
        """
        Args:
            api: requests snapshots and lists.
            store: what is remembered.
            poller: polls single snapshots, and commits changes.
            clock: the time, UTC.
            keep: how long what has ended is remembered.
            gap: the time between two requests at the configured rate.
            lists: whether lists may be used for snapshots that have watches of their own (`api.batch: auto`).
            scheduler: makes the scheduler, which calls `poll` and `turn`.
            polled, listed, hinted: called with the outcome of each poll of a snapshot, of a dataset, and of a hint.
            faults: bounds what a poll, a list or an entry of it raises.
            trust_changed: called when a dataset's lists are no longer trusted, and when they are again.
        """
        self._faults = faults = faults or Faults()
        self._store = store
        self._poller = poller
        self._clock = clock
        self._polled = polled
        self.schedule = scheduler(poll=self.poll, turn=self.turn)
        self._groups = DatasetGroups(state_of=poller.state_of, clock=clock, lists=lists)
        self._list_sync = ListSync(
            observer=api,
            poller=poller,
            datasets=store.datasets,
            clock=clock,
            keep=keep,
            watch_of=self._groups.watches.get,
            faults=faults,
        )
        self._strategy = PollStrategy(
            groups=self._groups,
            poller=poller,
            schedule=self.schedule,
            clock=clock,
            gap=gap,
            trust_changed=trust_changed,
        )
        self._snapshot_poll = SnapshotPoll(
            groups=self._groups, strategy=self._strategy, poller=poller, clock=clock, polled=polled
        )
        self._dataset_poll = DatasetPoll(
            groups=self._groups,
            strategy=self._strategy,
            list_sync=self._list_sync,
            poller=poller,
            datasets=store.datasets,
            clock=clock,
            polled=polled,
            listed=listed,
        )
        self.unstored_poll, self.unstored_list = poller.unstored, self._dataset_poll.unstored
        self._expiry = ExpiryWarnings(
            groups=self._groups, poller=poller, store=store, clock=clock, polled=polled, faults=faults
        )
        adoption = Adoption(
            groups=self._groups,
            strategy=self._strategy,
            observer=api,
            poller=poller,
            datasets=store.datasets,
            clock=clock,
            polled=polled,
            hinted=hinted,
        )
        self.hints = Hints(
            groups=self._groups,
            poller=poller,
            snapshot_poll=self._snapshot_poll,
            adoption=adoption,
            schedule=self.schedule,
            clock=clock,
            requests_per_second=timedelta(seconds=1) / gap,
            hinted=hinted,
            faults=faults,
        )

    async def load(
        self,
        watches: Collection[Watch],
        datasets: Collection[DatasetWatch],
        adopting: AdoptingWatch | None = None,
    ) -> None:
        """Take up what the configuration watches, with what the store knows of it, and what was adopted before."""
        self._groups.adopting = adopting
        self._groups.load(watches, datasets)
        await InitialLoad(groups=self._groups, poller=self._poller, store=self._store).load(datasets)

    async def reload(
        self,
        watches: Collection[Watch],
        datasets: Collection[DatasetWatch],
        adopting: AdoptingWatch | None = None,
        *,
        lists: bool | None = None,
        gap: timedelta | None = None,
        keep: timedelta | None = None,
    ) -> None:
        """Take up a changed configuration after `begin`, while polls go on; only what differs is touched.

        Makes no events. Yields to the event loop every few milliseconds, always in a consistent state. Not reentrant.

        Args:
            watches, datasets: all that is watched from now on; unchanged watches may be the same objects.
            adopting: the options of adopted snapshots.
            lists, gap, keep: as for `PollManager`, if they have changed.

        Raises:
            StoreError: not all has changed, and it is to be reloaded again; or the baseline of a dataset that is no
                longer watched could not be deleted. Then the new configuration runs, and the next reload or start
                deletes the baseline.
        """
        reconciler = Reconciler(
            groups=self._groups,
            poller=self._poller,
            datasets=self._store.datasets,
            strategy=self._strategy,
            clock=self._clock,
        )
        await self.flush()  # snapshots that come back into the working set are read from the store
        await reconciler.read(watches, datasets)
        self._strategy.gap = gap or self._strategy.gap
        self._list_sync.keep = keep or self._list_sync.keep
        self.hints.set_rate(timedelta(seconds=1) / self._strategy.gap)
        self._dataset_poll.reconfiguring()
        try:
            if adopting is not None:
                reconciler.change_adopted(adopting)
            await self._store.adoptions.hand_over(reconciler.handed_over)
            await reconciler.take_up(lists=self._groups.lists if lists is None else lists)
        finally:
            self._dataset_poll.reconfiguring()

    def begin(self) -> int:
        """Schedule everything that has not ended; the first polls follow each other as fast as requests may.

        Returns:
            How many watches of the configuration are polled.
        """
        for group in self._groups:
            self._strategy.list_if_worthwhile(group)
        datasets = sum(group.watch is not None for group in self._groups)
        going_on = [id_ for id_, watch in self._groups.watches.items() if self._poller.pause(watch) is not None]
        self._strategy.poll_individually(
            [snapshot_id for snapshot_id in going_on if not self._strategy.is_listed(snapshot_id)]
        )
        return datasets + len(going_on)

    @property
    def in_progress(self) -> int:
        """How many watched snapshots have not ended, polled individually or through lists."""
        listed = sum(group.polled_by_list_alone(self.schedule) for group in self._groups)
        return len(self.schedule) - sum(group.key in self.schedule for group in self._groups) + listed

    async def poll(self, key: str, due: datetime, permit: Permit) -> timedelta | None:
        """Poll what has this key; return the pause before its next poll, or None."""
        if key.startswith(DATASET):
            return await self._list(key.removeprefix(DATASET), due, permit)
        group = self._groups.of(key)
        self.hints.regular_began(key)
        try:
            with self._faults.alone(Unit.POLL, key) as attempt:
                fault(Unit.POLL, key)
                return await self._snapshot_poll.poll(key, due, permit)
            return attempt.pause
        finally:
            self.hints.regular_ended(key)
            if group is not None:
                group.turns.end(key)

    async def _list(self, dataset_id: str, due: datetime, permit: Permit) -> timedelta | None:
        """Poll a dataset; a poll that raises counts as a failed list."""
        group = self._groups.of_dataset(dataset_id)
        if group is None:
            return None
        with self._faults.alone(Unit.LIST, dataset_id) as attempt:
            fault(Unit.LIST, dataset_id)
            return await self._dataset_poll.poll(group, due, permit)
        with self._faults.alone(Unit.LIST, f"{dataset_id} (its members)"):
            self._dataset_poll.failed(group)
        return attempt.pause

    def turn(self, key: str) -> tuple[str | None, timedelta | None]:
        """Return whose turn it is in the rotation of this key, and the pause to the next turn."""
        with self._faults.alone(Unit.LIST, f"{key} (its rotation)") as attempt:
            return self._strategy.turn(key)
        return None, attempt.pause

    def restore_distrust(self, dataset_ids: Collection[str]) -> None:
        """Take up that an earlier run reported the lists of these datasets as not trusted."""
        self._strategy.restore_distrust(dataset_ids)

    def restore_refusals(self, subjects: Collection[str]) -> None:
        """Take up that an earlier run reported these snapshots and datasets as refused by the API for good."""
        self._poller.restore_refusals([each for each in subjects if self._groups.of_dataset(each) is None])
        for group in self._groups:
            if group.dataset_id in subjects:
                group.health.restore_refusals()

    def hasten(self, snapshot_id: str) -> bool:
        """Poll a snapshot at once; return whether it is watched and has not ended."""
        watch = self._groups.watch_of(snapshot_id)
        if watch is None or self._poller.pause(watch) is None:
            return False
        self._strategy.check_claim(snapshot_id, at_once=True)
        return True

    async def warn_expiring(self) -> None:
        """Commit `expiring` for each ready snapshot whose results are about to be deleted, if its watch asks for it."""
        await self._expiry.warn()

    async def flush(self) -> None:
        """Store the polls since the last flush."""
        await self._dataset_poll.flush()
        await self._poller.flush_polls()

    @property
    def states(self) -> Mapping[str, SnapshotState]:
        """The working set, by snapshot id."""
        return self._poller.states

    def next_polls(self) -> Mapping[str, datetime]:
        """Return the time of each next poll, by key."""
        return self.schedule.next_polls()

    async def budget(self, available: float) -> Budget:
        """Return how many requests a second all watches need; yields to the event loop while it adds them up."""
        needs = Needs(states=self._poller.states, now=self._clock(), batches=self._groups.lists)
        async for some in sliced(self._groups.watches.values()):
            needs.add(some)
        for group in list(self._groups):
            async for found in sliced(self._groups.discovered(group)):
                needs.add(found)
        return needs.budget(self._groups.dataset_watches, available)
