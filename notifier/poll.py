"""One look at a snapshot: observe -> step -> commit, and what came of it as a value."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from notifier.core.backoff import look_pause
from notifier.core.model import Event, Observation, Seen, SnapshotState, Unclear, Watch
from notifier.core.routing import channels_for, event_of
from notifier.core.transitions import MISSING_GRACE, step
from notifier.failpoints import failpoint
from notifier.store.store import Look, Store

_RECHECK_NOT_FOUND = MISSING_GRACE / 2


class Observer(Protocol):
    """Whatever can look at a snapshot. It answers with a value, never with an exception."""

    async def observe(self, snapshot_id: str) -> Observation:
        """One look."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """An event with the channels that are told of it."""

    event: Event
    channels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LookOutcome:
    """What came of one look.

    `told` holds the transitions it committed. `superseded` is true when somebody else had told the change already.
    `lag` is how much after its due time the look began, `duration` how long the answer took, and `pause` the time to
    the next look (None when there is none).
    """

    watch: Watch
    observation: Observation
    told: tuple[Told, ...]
    superseded: bool
    lag: timedelta
    duration: timedelta
    pause: timedelta | None


class Poller:
    """Looks at snapshots and commits what changed. It holds the working set: the state of every watched snapshot."""

    def __init__(
        self,
        *,
        observer: Observer,
        store: Store,
        clock: Callable[[], datetime],
        committed: Callable[[Collection[str]], None],
    ) -> None:
        """
        Args:
            observer: the door to the API.
            store: where transitions are committed.
            clock: the time, UTC.
            committed: called after a commit with the channels that have something to deliver.
        """
        self._observer = observer
        self._store = store
        self._clock = clock
        self._committed = committed
        self._states: dict[str, SnapshotState] = {}
        self._looks: dict[str, Look] = {}

    async def load(self) -> None:
        """Take up the working set where the last run left it."""
        self._states = await self._store.states()

    def state(self, watch: Watch) -> SnapshotState:
        """What is known of the watch's snapshot."""
        return self._states.get(watch.snapshot_id) or SnapshotState(snapshot_id=watch.snapshot_id)

    def pause(self, watch: Watch) -> timedelta | None:
        """The time between two looks at the watch's snapshot as things stand; None when it has ended."""
        state = self.state(watch)
        pause = look_pause(state, watch.every, self._clock())
        # A 404 that may become "missing" is confirmed soon after its grace, however long `every` is.
        return min(pause, _RECHECK_NOT_FOUND) if pause is not None and state.not_found else pause

    async def look(self, watch: Watch, due: datetime) -> LookOutcome:
        """Look once at the watch's snapshot, and commit what changed.

        Args:
            watch: whose snapshot.
            due: when the look was to begin.

        Raises:
            StoreError: the change could not be committed; it has not been told, and the next look finds it again.
        """
        before = self.state(watch)
        usual_pause = look_pause(before, watch.every, self._clock()) or watch.every
        began = self._clock()
        observation = await self._observer.observe(watch.snapshot_id)
        now = self._clock()
        after, transitions = step(
            before, observation, now, usual_pause, asked_at=began, stalled_after=watch.stalled_after
        )
        told = tuple(
            Told(event=event_of(transition, watch), channels=channels_for(watch, transition))
            for transition in transitions
        )
        superseded = bool(told) and not await self._commit(watch, before, after, told)
        if superseded:
            after, told = await self._store.state(watch.snapshot_id), ()
        self._states[watch.snapshot_id] = after
        pause = self.pause(watch)
        self._note(watch, observation, after, now, pause)
        if before.not_found and not after.not_found:
            await self.flush_looks()  # else a restart would go on counting the 404s that this answer has refuted
        return LookOutcome(
            watch=watch,
            observation=observation,
            told=told,
            superseded=superseded,
            lag=max(began - due, timedelta(0)),
            duration=now - began,
            pause=pause,
        )

    async def _commit(self, watch: Watch, before: SnapshotState, after: SnapshotState, told: Collection[Told]) -> bool:
        failpoint("poll.before_commit")
        committed = await self._store.commit(
            watch=watch, before=before, after=after, told=[(each.event, each.channels) for each in told]
        )
        failpoint("poll.after_commit")
        if committed:
            self._committed({channel for each in told for channel in each.channels})
        return committed

    def _note(
        self, watch: Watch, observation: Observation, state: SnapshotState, now: datetime, pause: timedelta | None
    ) -> None:
        self._looks[watch.snapshot_id] = Look(
            snapshot_id=watch.snapshot_id,
            looked_at=now,
            answer=answer_word(observation),
            next_look_at=None if pause is None else now + pause,
            seen_at=state.seen_at,
            not_found=state.not_found,
            not_found_since=state.not_found_since,
        )

    async def flush_looks(self) -> None:
        """Note the looks since the last flush in the store, in one batch."""
        batch, self._looks = self._looks, {}
        try:
            await self._store.note_looks(batch.values())
        except BaseException:
            self._looks = batch | self._looks
            raise


def answer_word(observation: Observation) -> str:
    """One word for what a look said: the status it told, `not_found`, or the reason it could not tell."""
    match observation:
        case Seen(status=status):
            return status
        case Unclear(reason=reason):
            return reason
        case _:
            return "not_found"
