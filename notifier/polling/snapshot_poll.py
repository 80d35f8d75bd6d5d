"""One look at a snapshot alone, and what follows from it: whether it goes on so, or by its dataset's list."""

from collections.abc import Callable
from datetime import datetime, timedelta

from notifier.brightdata.limits.breaker import SAFE_IN_FLIGHT
from notifier.brightdata.limits.permit import Permit
from notifier.core.model import NotFound, Unclear, Watch
from notifier.core.outcomes import PollOutcome
from notifier.core.snapshot.statuses import ENDS, canonical
from notifier.core.snapshot.transitions import changed_by_list
from notifier.polling.datasets import DatasetGroups
from notifier.polling.poller import Poller
from notifier.polling.strategy import ASK_AGAIN, PollStrategy

MOST_HANGING = SAFE_IN_FLIGHT // 2
"""So many looks at once at snapshots that hang: the other requests that may be under way are left to the rest."""


class SnapshotPoll:
    """Looks at snapshots one by one."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        ways: PollStrategy,
        poller: Poller,
        clock: Callable[[], datetime],
        looked: Callable[[PollOutcome], None],
    ) -> None:
        """
        Args:
            groups: who is watched, and which snapshots belong to which dataset.
            ways: puts on the schedule what follows.
            poller: looks, and commits what changed.
            clock: the time, UTC.
            looked: told of what came of each look.
        """
        self._groups = groups
        self._ways = ways
        self._poller = poller
        self._clock = clock
        self._looked = looked
        self._hanging = 0

    async def look(self, snapshot_id: str, due: datetime, permit: Permit) -> timedelta | None:
        """Look at a snapshot; the pause to its next look of its own, or None.

        Raises:
            StoreError: a change could not be committed; it has not been told, and the next look finds it again.
        """
        watch = self._groups.watch_of(snapshot_id)
        if watch is None:
            return None
        hangs = self._poller.hangs(snapshot_id)
        if hangs and self._hanging >= MOST_HANGING:
            return self._poller.pause(watch)
        self._hanging += hangs
        try:
            return await self._look(watch, due, permit)
        finally:
            self._hanging -= hangs

    async def _look(self, watch: Watch, due: datetime, permit: Permit) -> timedelta | None:
        snapshot_id = watch.snapshot_id
        group = self._groups.of(snapshot_id)
        began = self._clock()
        # What a list that is not believed said is no sign that the end is new.
        seen_at = group.seen_at(snapshot_id) if group is not None and not group.trust.stale else None
        outcome = await self._poller.look(watch, due, permit=permit, seen_at=seen_at, owner=self._groups.watch_of)
        self._looked(outcome)
        now_of = self._groups.watch_of(snapshot_id)
        if now_of is None:  # taken out of the configuration meanwhile
            self._poller.drop(snapshot_id)
            return None
        watch = now_of
        pause = self._after(watch, outcome, began)
        if pause is not None and watch.every < outcome.watch.every:
            pause = min(pause, self._poller.pause(watch) or pause)
        schedule = self._ways.schedule
        if pause is not None and snapshot_id not in schedule:  # a list took it over while it was being looked at
            schedule.add(snapshot_id, pause=pause, first=self._clock() + pause)
        return pause

    def _after(self, watch: Watch, outcome: PollOutcome, began: datetime) -> timedelta | None:
        """How the snapshot is looked at from now on: the pause to its next look of its own, or None."""
        id_ = watch.snapshot_id
        state = self._poller.state_of(id_)
        group = self._groups.of(id_)
        clear = not isinstance(outcome.observation, Unclear)
        if clear:
            self._ways.answered()
            if group is not None:
                self._ways.hand_over(group)
                group.rotation.asked(id_)
        asked = group.asked.get(id_) if group is not None else None
        if asked is not None and (not clear or began < asked.at <= self._clock()):
            if outcome.pause is not None and self._poller.is_refused(id_):
                return outcome.pause
            return min(outcome.pause or ASK_AGAIN, ASK_AGAIN)  # the list's word is newer than this answer
        if asked is not None and group is not None and clear:
            self._ways.compared(group, id_, asked.word, asked.at)
        if outcome.pause is None:
            self._groups.leave(id_, state.status)
            if id_ not in self._groups.watches:
                self._poller.drop(id_)
            return None
        if group is None and state.facts.dataset_id is not None:
            group = self._groups.join(id_, state.facts.dataset_id)
        if group is None:
            return outcome.pause
        if id_ not in group.listed:
            group.asked.pop(id_, None)
            self._ways.consider(group)
            return outcome.pause
        if isinstance(outcome.observation, NotFound):
            return outcome.pause  # whatever its list says: it may be missing
        if asked is None or not changed_by_list(state, asked.word):
            group.asked.pop(id_, None)
            return None
        if canonical(asked.word) in ENDS:
            return outcome.pause  # its end is near, or the list is wrong: looks of its own tell
        del group.asked[id_]
        group.odd[id_] = canonical(asked.word)  # they differ in their words, and may go on to
        return None
