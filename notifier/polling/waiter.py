"""Waits until snapshots have ended, for scripts: polls as the daemon does, with the same `step`.

Outages, 429 and nonsense do not end the wait. Three refusals of the token in a row end it; three refusals that will not
change (`core.snapshot.refusals`) end it for that snapshot.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.brightdata.limits.snapshot_observer import SnapshotObserver
from notifier.core.snapshot.model import MISSING, NotFound, Observation, Reason, SnapshotState, Transition, Unclear
from notifier.core.snapshot.poll_pauses import poll_pause
from notifier.core.snapshot.refusals import NONE, Refusals, after
from notifier.core.snapshot.statuses import canonical, has_ended
from notifier.core.snapshot.transitions import MISSING_GRACE, step

TOKEN_REFUSALS = 3
"""Answers of 401 or 403 in a row that count as a refusal of the token."""

REFUSAL_PAUSE = timedelta(seconds=2)

_REFUSALS = frozenset({Reason.UNAUTHORISED, Reason.FORBIDDEN})


class Ending(StrEnum):
    """How the wait for a snapshot ended."""

    READY = "ready"
    FAILED = "failed"
    CANCELED = "canceled"
    MISSING = "missing"
    REFUSED = "refused"
    NOT_AUTHORISED = "not_authorised"
    TIMED_OUT = "timed_out"
    GOING_ON = "going_on"


_STATUSES: Sequence[tuple[int, frozenset[Ending]]] = (
    (4, frozenset({Ending.NOT_AUTHORISED})),
    (1, frozenset({Ending.FAILED, Ending.CANCELED, Ending.REFUSED})),
    (3, frozenset({Ending.MISSING})),
    (5, frozenset({Ending.TIMED_OUT})),
    (130, frozenset({Ending.GOING_ON})),
)


def exit_status(endings: Iterable[Ending]) -> int:
    """Return the exit status for several snapshots: the first of 4, 1, 3, 5 that one of them has; 0 if all are ready.

    4: not authorised; 1: failed, canceled or refused for good; 3: missing; 5: timed out; 130: interrupted.
    """
    found = set(endings)
    return next((status for status, which in _STATUSES if found & which), 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """A change: a transition, or the API stops answering (`unclear`), or answers again (neither is set)."""

    snapshot_id: str
    state: SnapshotState
    transition: Transition | None = None
    unclear: Unclear | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Waited:
    """How the wait for one snapshot ended, and its last state; `detail` is the API's answer that refused it."""

    snapshot_id: str
    ending: Ending
    state: SnapshotState
    detail: str = ""


class Waiter:
    """Waits for snapshots.

    Args:
        observer: requests snapshots, within the shared limits.
        every: the pause between two polls of a snapshot.
        clock: the time, UTC.
        report: called with each change.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        *,
        observer: SnapshotObserver,
        every: timedelta,
        clock: Callable[[], datetime],
        report: Callable[[News], None] = lambda _: None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._observer = observer
        self._every = every
        self._clock = clock
        self._report = report
        self._sleep = sleep
        self._states: dict[str, SnapshotState] = {}
        self._endings: dict[str, Ending] = {}
        self._refusals: dict[str, Refusals] = {}

    async def wait(self, snapshot_ids: Sequence[str], timeout: timedelta | None = None) -> list[Waited]:
        """Wait until all have ended, the time is up, or the token is refused.

        Args:
            snapshot_ids: each once.
            timeout: the longest wait; None for no limit.

        Returns:
            How each wait ended, in the order of the ids. After a cancellation, `outcomes` returns the same.
        """
        self._states = {snapshot_id: SnapshotState(snapshot_id=snapshot_id) for snapshot_id in snapshot_ids}
        self._endings = {}
        self._refusals = {}
        left = Ending.TIMED_OUT
        following = [asyncio.create_task(self._follow(snapshot_id)) for snapshot_id in snapshot_ids]
        timer = asyncio.create_task(self._time_up(timeout))
        try:
            pending: set[asyncio.Task[Ending]] = set(following)
            while pending and not timer.done():
                done, _ = await asyncio.wait({*pending, timer}, return_when=asyncio.FIRST_COMPLETED)
                pending -= done
                if any(each.result() is Ending.NOT_AUTHORISED for each in done & set(following)):
                    left = Ending.NOT_AUTHORISED
                    break
        finally:
            for task in (*following, timer):
                task.cancel()
            await asyncio.gather(*following, timer, return_exceptions=True)
        return self.outcomes(left)

    def outcomes(self, left: Ending = Ending.GOING_ON) -> list[Waited]:
        """Return what is known of each snapshot; `left` is the ending of those that have none."""
        return [
            Waited(
                snapshot_id=snapshot_id,
                ending=self._endings.get(snapshot_id, left),
                state=state,
                detail=self._refusals.get(snapshot_id, NONE).detail,
            )
            for snapshot_id, state in self._states.items()
        ]

    async def _time_up(self, timeout: timedelta | None) -> Ending:
        if timeout is None:
            await asyncio.Event().wait()
            raise AssertionError("the event is never set")
        await self._sleep(timeout.total_seconds())
        return Ending.TIMED_OUT

    async def _follow(self, snapshot_id: str) -> Ending:
        ending = await self._ending(snapshot_id)
        self._endings[snapshot_id] = ending
        return ending

    async def _ending(self, snapshot_id: str) -> Ending:
        refused, trouble = 0, False
        while True:
            before = self._states[snapshot_id]
            observation = await self._observer.observe(snapshot_id)
            now = self._clock()
            state, transitions = step(before, observation, now, self._every)
            self._states[snapshot_id] = state
            pause = poll_pause(state, self._every, now) or self._every
            refused = refused + 1 if _is_refusal(observation) else 0
            refusals = self._refusals[snapshot_id] = after(self._refusals.get(snapshot_id, NONE), observation)
            if isinstance(observation, Unclear):
                if not trouble:
                    self._report(News(snapshot_id=snapshot_id, state=state, unclear=observation))
                if refused >= TOKEN_REFUSALS:
                    return Ending.NOT_AUTHORISED
                if refusals.for_good:
                    return Ending.REFUSED
                if refused or observation.reason is Reason.REFUSED:
                    pause = min(pause, REFUSAL_PAUSE)
                pause = max(pause, observation.retry_after or pause)
            elif trouble and not transitions:
                self._report(News(snapshot_id=snapshot_id, state=state))
            trouble = isinstance(observation, Unclear)
            for transition in transitions:
                self._report(News(snapshot_id=snapshot_id, state=state, transition=transition))
            if state.status == MISSING:
                return Ending.MISSING
            if has_ended(state):
                return Ending(canonical(state.status))
            if isinstance(observation, NotFound):
                pause = min(pause, MISSING_GRACE / 2)
            await self._sleep(pause.total_seconds())


def _is_refusal(observation: Observation) -> bool:
    return isinstance(observation, Unclear) and observation.reason in _REFUSALS
