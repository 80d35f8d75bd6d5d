"""One look at a snapshot: observe -> step -> commit, and what came of it as a value."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from notifier.brightdata.limits.permit import Permit
from notifier.core.delivery.routing import channels_for, event_of
from notifier.core.errors import StoreError
from notifier.core.model import Observation, Seen, SnapshotState, Transition, Unclear, Watch
from notifier.core.outcomes import CommittedEvent, PollOutcome, answer_word
from notifier.core.snapshot.list_comparison import without_baseline
from notifier.core.snapshot.poll_pauses import poll_pause
from notifier.core.snapshot.refusals import NONE, RefusalNews, Refusals, known_before, refused_pause
from notifier.core.snapshot.refusals import after as count_refusal
from notifier.core.snapshot.refusals import news as refusal_news
from notifier.core.snapshot.statuses import has_ended
from notifier.core.snapshot.transitions import MISSING_GRACE, step
from notifier.core.snapshot.unanswered import NONE as ANSWERED
from notifier.core.snapshot.unanswered import Unanswered, pause_after
from notifier.core.snapshot.unanswered import after as count_unanswered
from notifier.failpoints import failpoint
from notifier.store.store import PollRecord, Store

_RECHECK_NOT_FOUND = MISSING_GRACE / 2


class Observer(Protocol):
    """Whatever can look at a snapshot. It answers with a value, never with an exception."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """One look; a permit is its request's turn, if the caller has waited for it."""
        ...


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
        self._looks: dict[str, PollRecord] = {}
        self._refusals: dict[str, Refusals] = {}
        self._unanswered: dict[str, Unanswered] = {}
        self._answered_at: datetime | None = None

    async def load(self, watched: Collection[str], datasets: Collection[str] = ()) -> None:
        """Take up the working set where the last run left it.

        Args:
            watched: the snapshots that are watched by themselves.
            datasets: the datasets that are watched as a whole, of which all goes on that has not ended.
        """
        self._states = await self._store.states(watched, datasets)

    @property
    def states(self) -> Mapping[str, SnapshotState]:
        """The working set, by snapshot id."""
        return self._states

    def open_snapshots(self) -> list[str]:
        """The snapshots of the working set that have not ended, watched or not."""
        return [snapshot_id for snapshot_id, state in self._states.items() if not has_ended(state)]

    def state_of(self, snapshot_id: str) -> SnapshotState:
        """What is known of a snapshot."""
        return self._states.get(snapshot_id) or SnapshotState(snapshot_id=snapshot_id)

    def put(self, state: SnapshotState) -> None:
        """Take a state that differs by no transition from what is known into the working set."""
        self._states[state.snapshot_id] = state

    def confirm(self, snapshot_id: str, at: datetime | None) -> None:
        """A list that was asked for at that time had the snapshot as it is known."""
        state = self.state_of(snapshot_id)
        if at is not None and state.seen_at is not None and state.seen_at < at:
            self.put(replace(state, seen_at=at))

    def drop(self, snapshot_id: str) -> None:
        """Let go of a snapshot that nobody watches, or that has ended and is watched with its dataset only."""
        self._states.pop(snapshot_id, None)
        self._refusals.pop(snapshot_id, None)
        self._unanswered.pop(snapshot_id, None)

    def refused_before(self, snapshot_ids: Collection[str]) -> None:
        """An earlier run has told that the API refuses to tell of these."""
        self._refusals.update((snapshot_id, known_before()) for snapshot_id in snapshot_ids)

    def is_refused(self, snapshot_id: str) -> bool:
        """Whether the API refuses for good to tell of the snapshot."""
        return self._refusals.get(snapshot_id, NONE).for_good

    def hangs(self, snapshot_id: str) -> bool:
        """Whether the last look at the snapshot had no answer in time, though others had one."""
        return self._unanswered.get(snapshot_id, ANSWERED).count > 0

    def pause(self, watch: Watch) -> timedelta | None:
        """The time between two looks at the watch's snapshot as things stand; None when it has ended."""
        state = self.state_of(watch.snapshot_id)
        pause = poll_pause(state, watch.every, self._clock())
        if pause is not None and (refusals := self._refusals.get(watch.snapshot_id)) is not None:
            pause = refused_pause(refusals, pause)
        if pause is not None and (unanswered := self._unanswered.get(watch.snapshot_id)) is not None:
            pause = pause_after(unanswered, pause)
        # A 404 that may become "missing" is confirmed soon after its grace, however long `every` is.
        return min(pause, _RECHECK_NOT_FOUND) if pause is not None and state.not_found else pause

    async def poll(
        self,
        watch: Watch,
        due: datetime,
        *,
        permit: Permit | None = None,
        seen_at: datetime | None = None,
        owner: Callable[[str], Watch | None] | None = None,
    ) -> PollOutcome:
        """Look once at the watch's snapshot, and commit what changed.

        Args:
            watch: whose snapshot.
            due: when the look was to begin.
            permit: the request's turn, if it was waited for.
            seen_at: when a list had the snapshot as it is known, if one had.
            owner: whose the snapshot is once the answer is there; if nobody's, nothing comes of it. Without it the
                watch stays the same.

        Raises:
            StoreError: the change could not be committed; it has not been told, and the next look finds it again.
        """
        began = self._clock()
        observation = await self._observer.observe(watch.snapshot_id, permit=permit)
        now_of = watch if owner is None else owner(watch.snapshot_id)
        if now_of is None:
            return PollOutcome(
                watch=watch,
                observation=observation,
                told=(),
                superseded=False,
                lag=max(began - due, timedelta(0)),
                duration=self._clock() - began,
                pause=None,
            )
        watch = now_of
        return await self.take(watch, observation, asked_at=began, due=due, seen_at=seen_at)

    async def take(
        self,
        watch: Watch,
        observation: Observation,
        *,
        asked_at: datetime,
        due: datetime | None = None,
        seen_at: datetime | None = None,
    ) -> PollOutcome:
        """Take an observation of the watch's snapshot that was asked for at `asked_at`, and commit what changed.

        Raises:
            StoreError: as `look` does.
        """
        now = self._clock()
        before = self.state_of(watch.snapshot_id)
        usual_pause = poll_pause(before, watch.every, now) or watch.every
        if seen_at is not None and (before.seen_at is None or before.seen_at < seen_at):
            before = replace(before, seen_at=seen_at)
        if isinstance(observation, Seen) and observation.facts.dataset_id is None and before.facts.dataset_id:
            facts = replace(observation.facts, dataset_id=before.facts.dataset_id)
            observation = replace(observation, facts=facts)
        after, transitions = step(
            before, observation, now, usual_pause, asked_at=asked_at, stalled_after=watch.stalled_after
        )
        told = await self._tell(watch, before, after, transitions)
        superseded = told is None
        if superseded:
            after = await self._store.state(watch.snapshot_id)
            if watch.parent is None:
                after = without_baseline(after)  # its dataset's baseline was being noted in just that moment
        self._states[watch.snapshot_id] = after
        refusal = self._count_refusals(watch, observation)
        self._count_unanswered(watch.snapshot_id, observation, asked_at, now)
        pause = self.pause(watch)
        self._note(watch, observation, after, now, pause)
        if before.not_found and not after.not_found:
            await self.flush_polls()  # else a restart would go on counting the 404s that this answer has refuted
        return PollOutcome(
            watch=watch,
            observation=observation,
            told=told or (),
            superseded=superseded,
            lag=max(asked_at - (due or asked_at), timedelta(0)),
            duration=now - asked_at,
            pause=pause,
            refusal=refusal,
        )

    def _count_refusals(self, watch: Watch, observation: Observation) -> RefusalNews | None:
        before = self._refusals.pop(watch.snapshot_id, NONE)
        now = count_refusal(before, observation)
        if now.count:
            self._refusals[watch.snapshot_id] = now
        return refusal_news(before, now, watch)

    def _count_unanswered(self, snapshot_id: str, observation: Observation, asked_at: datetime, now: datetime) -> None:
        before = self._unanswered.pop(snapshot_id, ANSWERED)
        count = count_unanswered(before, observation, asked_at=asked_at, now=now, others_at=self._answered_at)
        if count is not ANSWERED:
            self._unanswered[snapshot_id] = count
        if not isinstance(observation, Unclear):
            self._answered_at = now

    async def tell(
        self, watch: Watch, before: SnapshotState, after: SnapshotState, transitions: Collection[Transition]
    ) -> PollOutcome:
        """Commit what has happened to the watch's snapshot by the clock alone; nothing if it has moved on meanwhile."""
        told = await self._tell(watch, before, after, transitions)
        if told is not None and watch.snapshot_id in self._states:
            self._states[watch.snapshot_id] = after
        return PollOutcome(
            watch=watch,
            observation=None,
            told=told or (),
            superseded=told is None,
            lag=timedelta(0),
            duration=timedelta(0),
            pause=None,
        )

    async def _tell(
        self, watch: Watch, before: SnapshotState, after: SnapshotState, transitions: Collection[Transition]
    ) -> tuple[CommittedEvent, ...] | None:
        """Commit transitions; None if somebody else had told them already."""
        told = tuple(
            CommittedEvent(event=event_of(transition, watch), channels=channels_for(watch, transition))
            for transition in transitions
        )
        if told and not await self._commit(watch, before, after, told):
            return None
        return told

    async def _commit(
        self, watch: Watch, before: SnapshotState, after: SnapshotState, told: Collection[CommittedEvent]
    ) -> bool:
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
        self._looks[watch.snapshot_id] = PollRecord(
            snapshot_id=watch.snapshot_id,
            looked_at=now,
            answer=answer_word(observation),
            next_look_at=None if pause is None else now + pause,
            seen_at=state.seen_at,
            not_found=state.not_found,
            not_found_since=state.not_found_since,
        )

    async def flush_polls(self) -> None:
        """Note the looks since the last flush in the store, in one batch."""
        batch, self._looks = self._looks, {}
        try:
            await self._store.note_polls(batch.values())
        except (StoreError, asyncio.CancelledError):
            self._looks = batch | self._looks
            raise
        except Exception:
            await self._note_apart(batch)
            raise

    async def _note_apart(self, batch: Mapping[str, PollRecord]) -> None:
        """Note each look by itself, after they could not be noted together: what is odd in one costs only that one."""
        for number, look in enumerate(batch.values()):
            try:
                await self._store.note_polls([look])
            except (StoreError, asyncio.CancelledError):
                self._looks = dict(list(batch.items())[number:]) | self._looks
                raise
            except Exception:  # noqa: BLE001 - who asked for the flush raises the first of these
                continue
