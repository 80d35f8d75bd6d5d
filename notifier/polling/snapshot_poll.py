"""One poll of a single snapshot, and whether the next one is individual too or through its dataset's list."""

from collections.abc import Callable
from datetime import datetime, timedelta

from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.rate_limit_breaker import SAFE_IN_FLIGHT
from notifier.core.outcomes import PollOutcome
from notifier.core.snapshot.model import NotFound, Unclear, Watch
from notifier.core.snapshot.statuses import ENDS, canonical
from notifier.core.snapshot.transitions import contradicts
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.poller import Poller
from notifier.polling.strategy import CLAIM_PAUSE, PollStrategy

MAX_HANGING = SAFE_IN_FLIGHT // 2
"""Concurrent polls of snapshots that hang; the other concurrent requests are left to the rest."""


class SnapshotPoll:
    """Polls snapshots individually."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        strategy: PollStrategy,
        poller: Poller,
        clock: Callable[[], datetime],
        polled: Callable[[PollOutcome], None],
    ) -> None:
        """
        Args:
            groups: what is watched, and which snapshots belong to which dataset.
            strategy: schedules what follows.
            poller: polls, and commits changes.
            clock: the time, UTC.
            polled: called with the outcome of each poll.
        """
        self._groups = groups
        self._strategy = strategy
        self._poller = poller
        self._clock = clock
        self._polled = polled
        self._hanging = 0

    async def poll(self, snapshot_id: str, due: datetime, permit: Permit, *, regular: bool = True) -> timedelta | None:
        """Poll a snapshot; return the pause before its next individual poll, or None.

        Args:
            snapshot_id: the snapshot.
            due: when the poll was due.
            permit: the permit for its request.
            regular: whether it was on the schedule; else an answer without a status does not change the next pauses.

        Raises:
            StoreError: a change could not be committed. It was not reported, and the next poll finds it again.
        """
        watch = self._groups.watch_of(snapshot_id)
        if watch is None:
            return None
        hangs = self._poller.hangs(snapshot_id)
        if hangs and self._hanging >= MAX_HANGING:
            return self._poller.pause(watch)
        self._hanging += hangs
        try:
            return await self._poll(watch, due, permit, regular)
        finally:
            self._hanging -= hangs

    async def _poll(self, watch: Watch, due: datetime, permit: Permit, regular: bool) -> timedelta | None:
        snapshot_id = watch.snapshot_id
        group = self._groups.of(snapshot_id)
        began = self._clock()
        # A list that is not trusted proves nothing about how new an end is.
        seen_at = group.seen_at(snapshot_id) if group is not None and not group.health.trust.stale else None
        outcome = await self._poller.poll(
            watch, due, permit=permit, seen_at=seen_at, owner=self._groups.watch_of, regular=regular
        )
        self._polled(outcome)
        now_of = self._groups.watch_of(snapshot_id)
        if now_of is None:  # taken out of the configuration meanwhile
            self._poller.drop(snapshot_id)
            return None
        watch = now_of
        pause = self._after(watch, outcome, began)
        if pause is not None and watch.every < outcome.watch.every:
            pause = min(pause, self._poller.pause(watch) or pause)
        schedule = self._strategy.schedule
        if pause is not None and snapshot_id not in schedule:  # a list took it over meanwhile
            schedule.add(snapshot_id, pause=pause, first=self._clock() + pause)
        return pause

    def _after(self, watch: Watch, outcome: PollOutcome, began: datetime) -> timedelta | None:
        """Decide how the snapshot is polled from now on; return the pause before its next individual poll, or None."""
        id_ = watch.snapshot_id
        state = self._poller.state_of(id_)
        group = self._groups.of(id_)
        clear = not isinstance(outcome.observation, Unclear)
        if clear:
            self._strategy.answered()
            if group is not None:
                self._strategy.fall_back(group)
                group.turns.answered(id_)
        claim = group.claims.of(id_) if group is not None else None
        if claim is not None and (not clear or began < claim.listed_at <= self._clock()):
            if outcome.pause is not None and self._poller.is_refused(id_):
                return outcome.pause
            return min(outcome.pause or CLAIM_PAUSE, CLAIM_PAUSE)  # the claim is newer than this answer
        if claim is not None and group is not None and clear:
            self._strategy.compare_claim(group, id_, claim.word, claim.listed_at)
        if outcome.pause is None:
            self._groups.end(id_, state.status)
            if id_ not in self._groups.watches:
                self._poller.drop(id_)
            return None
        if group is None and state.facts.dataset_id is not None:
            group = self._groups.join(id_, state.facts.dataset_id)
        if group is None:
            return outcome.pause
        if id_ not in group.listed:
            group.claims.settle(id_)
            self._strategy.list_if_worthwhile(group)
            return outcome.pause
        if isinstance(outcome.observation, NotFound):
            return outcome.pause  # it may be missing, whatever its list has
        if claim is None or not contradicts(state, claim.word):
            group.claims.settle(id_)
            return None
        if canonical(claim.word) in ENDS:
            return outcome.pause  # its end is near, or the list is wrong: individual polls show which
        group.claims.reject(id_)  # the two use different words, and may go on to
        return None
