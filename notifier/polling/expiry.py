"""Warns that the results of ready snapshots are about to be deleted."""

from collections.abc import Callable
from datetime import datetime, timedelta

from notifier.core.delivery.routing import wants
from notifier.core.isolation import Faults
from notifier.core.outcomes import PollOutcome
from notifier.core.snapshot.expiring import step_by_clock
from notifier.core.snapshot.model import EXPIRING, SnapshotState
from notifier.core.work_units import Unit
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.poller import Poller
from notifier.store.store import Store


class ExpiryWarnings:
    """Makes the event `expiring` by the clock alone."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        poller: Poller,
        store: Store,
        clock: Callable[[], datetime],
        polled: Callable[[PollOutcome], None],
        faults: Faults,
    ) -> None:
        """
        Args:
            groups: what is watched.
            poller: commits the events.
            store: knows all ready snapshots.
            clock: the time, UTC.
            polled: called with each outcome.
            faults: bounds what a snapshot raises.
        """
        self._groups = groups
        self._poller = poller
        self._store = store
        self._clock = clock
        self._polled = polled
        self._faults = faults

    async def warn(self) -> None:
        """Commit `expiring` for each ready snapshot whose results are about to be deleted, if its watch asks for it."""
        asking = [each for each in self._groups.all_options() if wants(each.on, (EXPIRING,))]
        if not asking:
            return
        now = self._clock()
        begun_after = now - max(each.results_kept for each in asking)
        begun_before = now - min(max(each.results_kept - each.expiring_before, timedelta(0)) for each in asking)
        async for state, watch_id in self._store.ready_snapshots(begun_after=begun_after, begun_before=begun_before):
            with self._faults.alone(Unit.EXPIRY, state.snapshot_id):
                await self._warn_of(state, watch_id, now)

    async def _warn_of(self, state: SnapshotState, watch_id: str, now: datetime) -> None:
        watch = self._groups.watch_by_id(watch_id, state.snapshot_id)
        if watch is None:
            return
        after, transitions = step_by_clock(state, watch, now)
        if transitions:
            self._polled(await self._poller.commit_transitions(watch, state, after, transitions))
