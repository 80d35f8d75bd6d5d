"""One poll of a snapshot: observe -> step -> commit, with the outcome as a value."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.brightdata.limits.permit import Permit
from notifier.brightdata.limits.snapshot_observer import SnapshotObserver
from notifier.core.delivery.routing import channels_for, event_of
from notifier.core.outcomes import CommittedEvent, PollOutcome
from notifier.core.snapshot.list_comparison import without_baseline
from notifier.core.snapshot.model import Observation, Seen, SnapshotState, Transition, Unclear, Watch
from notifier.core.snapshot.poll_pauses import poll_pause
from notifier.core.snapshot.poll_timeouts import NONE as ANSWERED
from notifier.core.snapshot.poll_timeouts import PollTimeouts, pause_after
from notifier.core.snapshot.poll_timeouts import after as count_unanswered
from notifier.core.snapshot.refusals import NONE, RefusalNews, Refusals, known_before, refused_pause
from notifier.core.snapshot.refusals import after as count_refusal
from notifier.core.snapshot.refusals import news as refusal_news
from notifier.core.snapshot.statuses import has_ended
from notifier.core.snapshot.transitions import MISSING_GRACE, step
from notifier.failpoints import failpoint
from notifier.polling.poll_log import PollLog
from notifier.store.store import PollRecord, Store

_RECHECK_NOT_FOUND = MISSING_GRACE / 2


class Poller:
    """Polls snapshots and commits changes. Holds the working set: the state of every watched snapshot."""

    def __init__(
        self,
        *,
        observer: SnapshotObserver,
        store: Store,
        clock: Callable[[], datetime],
        committed: Callable[[Collection[str]], None],
    ) -> None:
        """
        Args:
            observer: requests snapshots.
            store: where transitions are committed.
            clock: the time, UTC.
            committed: called after a commit with the channels that have something to deliver.
        """
        self._observer = observer
        self._store = store
        self._clock = clock
        self._committed = committed
        self._states: dict[str, SnapshotState] = {}
        self._log = PollLog(store)
        self._refusals: dict[str, Refusals] = {}
        self._unanswered: dict[str, PollTimeouts] = {}
        self._answered_at: datetime | None = None

    async def load(self, watched: Collection[str], datasets: Collection[str] = ()) -> None:
        """Take up the working set as the last run left it.

        Args:
            watched: the snapshots that have watches of their own.
            datasets: the datasets that are watched, of which all snapshots are taken up that have not ended.
        """
        self._states = await self._store.states(watched, datasets)

    @property
    def states(self) -> Mapping[str, SnapshotState]:
        """The working set, by snapshot id."""
        return self._states

    def open_snapshots(self) -> list[str]:
        """Return the snapshots of the working set that have not ended, watched or not."""
        return [snapshot_id for snapshot_id, state in self._states.items() if not has_ended(state)]

    def state_of(self, snapshot_id: str) -> SnapshotState:
        """Return what is known of a snapshot."""
        return self._states.get(snapshot_id) or SnapshotState(snapshot_id=snapshot_id)

    def put(self, state: SnapshotState) -> None:
        """Take a state into the working set that differs by no transition from the known one."""
        self._states[state.snapshot_id] = state

    def confirm(self, snapshot_id: str, at: datetime | None) -> None:
        """Note that a list that was requested at that time had the known status of the snapshot."""
        state = self.state_of(snapshot_id)
        if at is not None and state.seen_at is not None and state.seen_at < at:
            self.put(replace(state, seen_at=at))

    def drop(self, snapshot_id: str) -> None:
        """Forget a snapshot that is not watched, or that has ended and is watched with its dataset only."""
        self._states.pop(snapshot_id, None)
        self._refusals.pop(snapshot_id, None)
        self._unanswered.pop(snapshot_id, None)

    def restore_refusals(self, snapshot_ids: Collection[str]) -> None:
        """Take up that an earlier run reported these as refused by the API for good."""
        self._refusals.update((snapshot_id, known_before()) for snapshot_id in snapshot_ids)

    def is_refused(self, snapshot_id: str) -> bool:
        """Whether the API refuses the snapshot for good."""
        return self._refusals.get(snapshot_id, NONE).for_good

    def hangs(self, snapshot_id: str) -> bool:
        """Whether the last poll of the snapshot timed out although others were answered."""
        return self._unanswered.get(snapshot_id, ANSWERED).count > 0

    def pause(self, watch: Watch) -> timedelta | None:
        """Return the present pause between two polls of a watch's snapshot; None when it has ended."""
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
        regular: bool = True,
    ) -> PollOutcome:
        """Poll a watch's snapshot once, and commit what changed.

        Args:
            watch: the watch.
            due: when the poll was due.
            permit: the permit for the request, if the caller has waited for one.
            seen_at: when a list last had the known status of the snapshot, if one had.
            owner: returns the watch of the snapshot once the answer has come; None if it is no longer watched, and
                nothing is committed. Without it the watch stays the same.
            regular: whether an answer without a status may lengthen the pauses of the polls to come.

        Raises:
            StoreError: the change could not be committed. It was not reported, and the next poll finds it again.
        """
        began = self._clock()
        observation = await self._observer.observe(watch.snapshot_id, permit=permit)
        now_of = watch if owner is None else owner(watch.snapshot_id)
        if now_of is None:
            return PollOutcome(
                watch=watch,
                observation=observation,
                committed=(),
                superseded=False,
                lag=max(began - due, timedelta(0)),
                duration=self._clock() - began,
                pause=None,
            )
        watch = now_of
        return await self.take(watch, observation, asked_at=began, due=due, seen_at=seen_at, regular=regular)

    async def take(
        self,
        watch: Watch,
        observation: Observation,
        *,
        asked_at: datetime,
        due: datetime | None = None,
        seen_at: datetime | None = None,
        regular: bool = True,
    ) -> PollOutcome:
        """Take an observation that was requested at `asked_at`, and commit what changed.

        Raises:
            StoreError: as `poll` does.
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
        committed = await self._commit_transitions(watch, before, after, transitions)
        superseded = committed is None
        if superseded:
            after = await self._store.state(watch.snapshot_id)
            if watch.parent is None:
                after = without_baseline(after)  # the baseline of its dataset was stored at the same time
        self._states[watch.snapshot_id] = after
        refusal = None
        if regular or not isinstance(observation, Unclear):
            refusal = self._count_refusals(watch, observation)
            self._count_unanswered(watch.snapshot_id, observation, asked_at, now)
        pause = self.pause(watch)
        self._log.add(watch.snapshot_id, observation, after, now, pause)
        if before.not_found and not after.not_found:
            await self.flush_polls()  # or a restart would go on counting 404s that this answer has refuted
        return PollOutcome(
            watch=watch,
            observation=observation,
            committed=committed or (),
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

    async def commit_transitions(
        self, watch: Watch, before: SnapshotState, after: SnapshotState, transitions: Collection[Transition]
    ) -> PollOutcome:
        """Commit transitions that the clock alone has made; nothing if the snapshot has changed meanwhile."""
        committed = await self._commit_transitions(watch, before, after, transitions)
        if committed is not None and watch.snapshot_id in self._states:
            self._states[watch.snapshot_id] = after
        return PollOutcome(
            watch=watch,
            observation=None,
            committed=committed or (),
            superseded=committed is None,
            lag=timedelta(0),
            duration=timedelta(0),
            pause=None,
        )

    async def _commit_transitions(
        self, watch: Watch, before: SnapshotState, after: SnapshotState, transitions: Collection[Transition]
    ) -> tuple[CommittedEvent, ...] | None:
        """Commit transitions; return None if they were committed already."""
        events = tuple(
            CommittedEvent(event=event_of(transition, watch), channels=channels_for(watch, transition))
            for transition in transitions
        )
        if events and not await self._commit(watch, before, after, events):
            return None
        return events

    async def _commit(
        self, watch: Watch, before: SnapshotState, after: SnapshotState, events: Collection[CommittedEvent]
    ) -> bool:
        failpoint("poll.before_commit")
        committed = await self._store.commit(
            watch=watch, before=before, after=after, events=[(each.event, each.channels) for each in events]
        )
        failpoint("poll.after_commit")
        if committed:
            self._committed({channel for each in events for channel in each.channels})
        return committed

    def unstored(self, snapshot_id: str) -> PollRecord | None:
        """Return the last poll of a snapshot if it is not stored yet. It may be called in any thread."""
        return self._log.latest(snapshot_id)

    async def flush_polls(self) -> None:
        """Store the polls since the last flush; see `PollLog.flush`."""
        await self._log.flush()
