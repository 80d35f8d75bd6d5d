"""What a poll makes of a snapshot: the table of phases, and `step`.

A status is any word the API uses; only its phase (`core.snapshot.statuses`) decides what may follow. The rules, in
order:

1. An older answer never overrides a newer one: an answer that was requested before the last transition was seen
   changes nothing, because it is unknown which of the two the API gave first. The next poll decides.
2. A poll without a status (`Unclear`) changes nothing, in any phase.
3. A 404 is no status either. Only `MISSING_CONFIRMATIONS` of them in a row, over at least `MISSING_GRACE`, make the
   derived status `missing`; one clear answer in between starts the count again. A snapshot that has ended does not
   become missing: its results are deleted some day, and that is no news.
4. The word that is already known changes nothing, in whatever spelling. But of a snapshot that is in progress still,
   with the same word for longer than its watch allows, it makes the derived event `stalled`: once, and again only
   after it has moved. Only a poll can show that: as long as the API does not answer, the snapshot may have ended.
5. Any other word is a transition, if the table allows the move between the two phases. That includes the ways back,
   from a later word to an earlier one and from an end into progress. When the snapshot then comes to the same end
   with the same facts, that is the event `again` and not the end's own: its end has been notified of, and a reader who
   gets "ready" twice looks for two results. An end with other facts is news, and has its own names.

The table is drawn in docs/architecture.md, and a test holds the drawing against it.
"""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

from notifier.core.snapshot.model import (
    AGAIN,
    MISSING,
    STALLED,
    Facts,
    NotFound,
    Observation,
    Seen,
    SnapshotState,
    Transition,
    Unclear,
)
from notifier.core.snapshot.statuses import Phase, canonical, names_of, phase_of, status_of

MISSING_GRACE = timedelta(seconds=20)
"""A new snapshot answers 404 for about its first 20 s (observed live by others)."""

MISSING_CONFIRMATIONS = 3

LATE_AFTER = timedelta(seconds=30)
"""A change that is found less than this after a usual pause does not count as late."""

MOVES: dict[Phase, frozenset[Phase]] = {
    Phase.UNKNOWN: frozenset({Phase.ACTIVE, Phase.MISSING, Phase.ENDED}),
    Phase.ACTIVE: frozenset({Phase.ACTIVE, Phase.MISSING, Phase.ENDED}),
    Phase.MISSING: frozenset({Phase.ACTIVE, Phase.ENDED}),
    Phase.ENDED: frozenset({Phase.ACTIVE, Phase.ENDED}),
}
"""From each phase, the phases a transition may lead to. A move from active to active is another word in progress."""


def born_at(state: SnapshotState) -> datetime | None:
    """Return the earliest sign of a snapshot: when it was begun, or was first seen; None if neither is known."""
    return min((moment for moment in (state.created_at, state.first_seen_at) if moment is not None), default=None)


def with_created_at(state: SnapshotState, created_at: datetime | None) -> SnapshotState:
    """Return the state with the time at which Bright Data began the snapshot; no transition."""
    return state if created_at in (None, state.created_at) else replace(state, created_at=created_at)


def contradicts(state: SnapshotState, word: str) -> bool:
    """Whether a list's word for a snapshot differs from the known status, so that an individual poll is worth it.

    A list has no facts, so it makes no transition by itself.
    """
    return canonical(status_of(word)) != canonical(state.status)


def is_stale(state: SnapshotState, asked_at: datetime, now: datetime) -> bool:
    """Whether an answer may be older than what is known: it was requested before the last transition was seen.

    Args:
        state: what is known now, when the answer has arrived.
        asked_at: when the request began.
        now: the time; a later transition does not count: the clock was set back, and answers would be ignored for long.
    """
    return state.since is not None and asked_at < state.since <= now


def stalled_at(state: SnapshotState, stalled_after: timedelta | None) -> datetime | None:
    """Return from when on a poll that finds no change makes the snapshot stalled; None if none does.

    It counts from the last change of status, or from the first poll if there was none.
    """
    in_progress = phase_of(state.status) is Phase.ACTIVE and state.since is not None
    if stalled_after is None or not in_progress or state.derived == STALLED:
        return None
    assert state.since is not None
    return state.since + stalled_after


def step(
    state: SnapshotState,
    observation: Observation,
    now: datetime,
    pause: timedelta,
    *,
    asked_at: datetime | None = None,
    stalled_after: timedelta | None = None,
) -> tuple[SnapshotState, tuple[Transition, ...]]:
    """Return what one observation makes of a snapshot's state.

    Args:
        state: what was known before.
        observation: the result of the poll.
        now: when it came.
        pause: the usual time between two polls of this snapshot, to tell a late transition from a punctual one.
        asked_at: when the request of this poll began; without it the poll counts as newer than all that is known.
        stalled_after: how long the snapshot may be in progress without a move; None for as long as it likes.

    Returns:
        The state after it, and the transitions that happened (none or one). The state differs from the one before
        by more than its memory of polls (`seen_at`, `not_found`, `not_found_since`) exactly when there is a transition.
    """
    if asked_at is not None and is_stale(state, asked_at, now):
        return state, ()
    match observation:
        case Unclear():
            return state, ()
        case NotFound():
            return _not_found(state, now, pause)
        case Seen(status=word, facts=facts):
            status = status_of(word)
            seen = replace(state, seen_at=now, not_found=0, not_found_since=None)
            late_by = _lateness(state, now, pause)
            if canonical(status) != canonical(state.status):
                return _move(seen, status, facts, now, late_by)
            due = stalled_at(seen, stalled_after)
            if due is None or now < due:
                return seen, ()
            return derive(replace(seen, facts=facts), STALLED, now, min(late_by, now - due))


def derive(
    state: SnapshotState, name: str, now: datetime, late_by: timedelta, until: datetime | None = None
) -> tuple[SnapshotState, tuple[Transition, ...]]:
    """Make a derived event: it counts in the snapshot's revision, and leaves its status.

    Args:
        state: the state, with the facts of the event.
        name: `stalled` or `expiring`.
        now: when it was found.
        late_by: how late that is.
        until: of an expiring one, when its results are deleted.
    """
    after = replace(state, revision=state.revision + 1, derived=name)
    transition = Transition(
        snapshot_id=state.snapshot_id,
        revision=after.revision,
        previous=state.status,
        status=name,
        names=(name,),
        facts=state.facts,
        observed_at=now,
        late_by=late_by,
        since=state.since,
        until=until,
    )
    return after, (transition,)


def _not_found(state: SnapshotState, now: datetime, pause: timedelta) -> tuple[SnapshotState, tuple[Transition, ...]]:
    if phase_of(state.status) in (Phase.ENDED, Phase.MISSING):
        return replace(state, seen_at=now), ()
    # After a clock was set back, the grace counts from the new time; or it would last until the old time.
    since = min(state.not_found_since or now, now)
    counted = replace(state, not_found=state.not_found + 1, not_found_since=since)
    if counted.not_found < MISSING_CONFIRMATIONS or now - since < MISSING_GRACE:
        return counted, ()
    # The first 404 counts; the grace since then is ours, and no lateness.
    late_by = _lateness(state, since, pause)
    seen = replace(state, seen_at=now, not_found=0, not_found_since=None)
    return _move(seen, MISSING, state.facts, now, late_by)


def _move(
    state: SnapshotState, status: str, facts: Facts, now: datetime, late_by: timedelta
) -> tuple[SnapshotState, tuple[Transition, ...]]:
    before, after = phase_of(state.status), phase_of(status)
    if after not in MOVES[before]:
        return state, ()
    left_end, names = state.left_end, names_of(status, facts)
    if after is Phase.ENDED:
        left_end, names = None, (AGAIN,) if left_end == _mark(status, facts) else names
    elif before is Phase.ENDED:
        left_end = _mark(state.status, state.facts)
    moved = replace(
        state,
        status=status,
        revision=state.revision + 1,
        facts=facts,
        first_seen_at=state.first_seen_at or now,
        since=now,
        derived=None,
        left_end=left_end,
    )
    transition = Transition(
        snapshot_id=state.snapshot_id,
        revision=moved.revision,
        previous=state.status,
        status=status,
        names=names,
        facts=facts,
        observed_at=now,
        late_by=late_by,
        since=state.since,
    )
    return moved, (transition,)


def _mark(status: str, facts: Facts) -> str:
    """Return a short digest of an end; it is kept for every snapshot that has left its end again."""
    codes = sorted(facts.error_codes)
    distinct = (
        canonical(status),
        facts.records,
        facts.errors,
        facts.error_message,
        codes,
        facts.collection_duration_ms,
    )
    return hashlib.sha256(repr(distinct).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _lateness(state: SnapshotState, now: datetime, pause: timedelta) -> timedelta:
    if state.seen_at is None:
        return timedelta(0)
    late_by = now - state.seen_at - pause
    return late_by if late_by >= LATE_AFTER else timedelta(0)
