"""Polls snapshots at once because of hints: outside of the schedule, which stays as it is, and within their share.

A hint is only a reason to look. Nothing that it says is believed, and what a poll because of it does not find, the next
regular one does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

from notifier.brightdata.limits.permit import Permit
from notifier.core.isolation import Faults
from notifier.core.outcomes import HintOutcome
from notifier.core.snapshot.hint_queue import HintQueue, HintResult
from notifier.core.snapshot.ids import flaw_of_id
from notifier.core.work_units import Unit
from notifier.failpoints import fault
from notifier.polling.adoption import Adoption
from notifier.polling.dataset_groups import DatasetGroups
from notifier.polling.poller import Poller
from notifier.polling.scheduler import PollScheduler
from notifier.polling.snapshot_poll import SnapshotPoll


class Hints:
    """Takes hints, and polls what they name. `run` it in a task; without that they wait."""

    def __init__(
        self,
        *,
        groups: DatasetGroups,
        poller: Poller,
        snapshot_poll: SnapshotPoll,
        adoption: Adoption,
        schedule: PollScheduler,
        clock: Callable[[], datetime],
        requests_per_second: float,
        hinted: Callable[[HintOutcome], None],
        faults: Faults,
    ) -> None:
        """
        Args:
            groups: what is watched.
            poller: knows what has ended.
            snapshot_poll: polls a snapshot.
            adoption: polls one that nobody watches.
            schedule: starts polls when the limiter admits them.
            clock: the time, UTC.
            requests_per_second: the rate of all requests.
            hinted: called with what each hint came to.
            faults: bounds what a poll raises.
        """
        self._groups = groups
        self._poller = poller
        self._snapshot_poll = snapshot_poll
        self._adoption = adoption
        self._schedule = schedule
        self._clock = clock
        self._report = hinted
        self._faults = faults
        self._queue = HintQueue(requests_per_second)
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    def set_rate(self, requests_per_second: float) -> None:
        """Change the rate of all requests."""
        self._queue.set_rate(requests_per_second, _now())
        self._changed.set()

    def hint(self, snapshot_id: str) -> HintResult:
        """Have a snapshot polled at once, if it is watched and goes on, or may be adopted."""
        result = self._hint(snapshot_id)
        self._report(HintOutcome(result=result, snapshot_id=snapshot_id))
        return result

    def _hint(self, snapshot_id: str) -> HintResult:
        if flaw_of_id(snapshot_id) is not None:
            return HintResult.UNKNOWN
        watch = self._groups.watch_of(snapshot_id)
        if watch is None and not self._adoption.possible:
            return HintResult.UNKNOWN
        if watch is not None and self._poller.pause(watch) is None:
            return HintResult.ENDED
        result = self._queue.hint(snapshot_id, _now(), watched=watch is not None)
        self._changed.set()
        return result

    def regular_began(self, snapshot_id: str) -> None:
        """Note that a poll of the snapshot on the schedule begins."""
        self._queue.regular_began(snapshot_id, _now())

    def regular_ended(self, snapshot_id: str) -> None:
        """Note that such a poll has ended."""
        self._queue.regular_ended(snapshot_id, _now())
        self._changed.set()

    async def run(self) -> None:
        """Start polls until cancelled."""
        while True:
            self._changed.clear()
            wait = self._queue.wait(_now())
            if wait is None or wait > 0:
                await self._wait(wait)
            else:
                await self._schedule.start(self._next)

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    def _next(self) -> Callable[[Permit], Awaitable[None]] | None:
        snapshot_id = self._queue.next(_now())
        return None if snapshot_id is None else partial(self._poll, snapshot_id)

    async def _poll(self, snapshot_id: str, permit: Permit) -> None:
        goes_on = True
        try:
            with self._faults.alone(Unit.POLL, snapshot_id):
                fault(Unit.POLL, snapshot_id)
                goes_on = await self._look(snapshot_id, permit)
        finally:
            if goes_on:
                self._queue.ended(snapshot_id, _now())
            else:
                self._queue.forget(snapshot_id)
            self._changed.set()

    async def _look(self, snapshot_id: str, permit: Permit) -> bool:
        """Poll a snapshot; return whether it goes on."""
        if self._groups.watch_of(snapshot_id) is None:
            return await self._adoption.poll(snapshot_id, permit)
        if self._goes_on(snapshot_id):  # else a regular poll has found its end
            await self._snapshot_poll.poll(snapshot_id, self._clock(), permit, regular=False)
            if not self._goes_on(snapshot_id):
                self._schedule.remove(snapshot_id)
        return self._goes_on(snapshot_id)

    def _goes_on(self, snapshot_id: str) -> bool:
        watch = self._groups.watch_of(snapshot_id)
        return watch is not None and self._poller.pause(watch) is not None


def _now() -> float:
    """Return the time of the event loop in seconds, a clock that is never set."""
    return asyncio.get_running_loop().time()
