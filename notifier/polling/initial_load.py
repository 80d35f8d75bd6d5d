"""Takes up at the start what an earlier run knew of all that is watched."""

from collections.abc import Collection

from notifier.core.snapshot.list_comparison import without_baseline
from notifier.core.snapshot.model import DatasetWatch
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.poller import Poller
from notifier.store.store import Store


class InitialLoad:
    """Fills the working set and the groups of datasets."""

    def __init__(self, *, groups: DatasetGroups, poller: Poller, store: Store) -> None:
        """
        Args:
            groups: have the watches of the configuration already.
            poller: holds the working set.
            store: what is remembered.
        """
        self._groups = groups
        self._poller = poller
        self._store = store

    async def load(self, datasets: Collection[DatasetWatch]) -> None:
        """Take up the adopted snapshots, the states of all that is watched, and what lists have said of these datasets.

        Raises:
            StoreError: the store cannot be read.
        """
        await self._load_adopted()
        await self._load_states([dataset.dataset_id for dataset in datasets])
        baselines = await self._store.datasets.baselines({dataset.dataset_id for dataset in datasets})
        listed = await self._store.datasets.last_listed([group.dataset_id for group in self._groups])
        for group in self._groups:
            group.restore(baseline_at=baselines.get(group.dataset_id), listed_at=listed.get(group.dataset_id))

    async def _load_adopted(self) -> None:
        """Watch on what was adopted and has not ended, unless the configuration has a watch of it now."""
        adopting, watches = self._groups.adopting, self._groups.watches
        if adopting is None:
            return
        adopted = await self._store.adoptions.in_progress()
        await self._store.adoptions.hand_over([watches[each] for each in adopted if each in watches])
        for snapshot_id in adopted:
            if snapshot_id not in watches:
                self._groups.adopt(adopting.watch_for(snapshot_id))

    async def _load_states(self, dataset_ids: Collection[str]) -> None:
        groups, poller = self._groups, self._poller
        await poller.load(groups.watches, dataset_ids)
        for snapshot_id in groups.watches:
            state = poller.states.get(snapshot_id)
            if state is not None:
                poller.put(without_baseline(state))
        for snapshot_id in poller.open_snapshots():
            dataset_id = poller.state_of(snapshot_id).facts.dataset_id
            if not groups.is_watched(snapshot_id, dataset_id):
                poller.drop(snapshot_id)  # no longer watched
            elif dataset_id is not None:
                groups.join(snapshot_id, dataset_id)
        for watch in groups.watches.values():
            if groups.of(watch.snapshot_id) is None and poller.pause(watch) is not None:
                groups.mark_unassigned(watch.snapshot_id)
