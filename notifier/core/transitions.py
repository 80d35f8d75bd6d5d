"""What a look means for a snapshot: the table of phases, and `step()`.

A status is any word the API uses; only its phase decides what may follow. The rules, in order:

1. A look that could not tell (`Unclear`) changes nothing, whatever the phase.
2. A 404 is no status either. Only `MISSING_CONFIRMATIONS` of them in a row, over at least `MISSING_GRACE`, make the
   derived status `missing`; one clear answer in between starts the count again. A snapshot that has ended does not
   become missing: its results are deleted some day, and that is no news.
3. The word that is already known changes nothing, in whatever spelling.
4. Any other word is a transition, if the table allows the move between the two phases.

The table is drawn in docs/architecture.md, and a test holds the drawing against it.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from notifier.core.model import MISSING, UNKNOWN, Facts, NotFound, Observation, Seen, SnapshotState, Transition, Unclear

MISSING_GRACE = timedelta(seconds=20)
"""A new snapshot answers 404 for about its first 20 s (observed live by others)."""

MISSING_CONFIRMATIONS = 3

LATE_AFTER = timedelta(seconds=30)
"""A change told less than this after a usual pause is not called late."""

ENDS = frozenset({"ready", "failed", "canceled"})
"""The statuses after which nothing more is expected. Every other word of the API means "still in progress"."""

_SPELLINGS = {"cancelled": "canceled"}

_OUR_WORDS = frozenset({UNKNOWN, MISSING, "stalled", "expiring", "complete", "partial", "empty", "all"})
"""If the API ever says one of these, in any case, it is kept as `api:WORD`, so that it is not taken for ours."""


class Phase(StrEnum):
    """The part of its life that a status puts a snapshot in."""

    UNKNOWN = "unknown"
    ACTIVE = "active"
    MISSING = "missing"
    ENDED = "ended"


MOVES: dict[Phase, frozenset[Phase]] = {
    Phase.UNKNOWN: frozenset({Phase.ACTIVE, Phase.MISSING, Phase.ENDED}),
    Phase.ACTIVE: frozenset({Phase.ACTIVE, Phase.MISSING, Phase.ENDED}),
    Phase.MISSING: frozenset({Phase.ACTIVE, Phase.ENDED}),
    Phase.ENDED: frozenset({Phase.ACTIVE, Phase.ENDED}),
}
"""From each phase, the phases a transition may lead to. A move from active to active is another word in progress."""


def canonical(word: str) -> str:
    """The spelling under which a status or an event name is compared: lower case, `cancelled` as `canceled`."""
    folded = word.casefold()
    return _SPELLINGS.get(folded, folded)


def phase_of(status: str) -> Phase:
    """The phase that a status puts its snapshot in."""
    if status == UNKNOWN:
        return Phase.UNKNOWN
    if status == MISSING:
        return Phase.MISSING
    return Phase.ENDED if canonical(status) in ENDS else Phase.ACTIVE


def has_ended(state: SnapshotState) -> bool:
    """Whether nothing more is expected of the snapshot, so that it is not polled again."""
    return phase_of(state.status) is Phase.ENDED


def names_of(status: str, facts: Facts) -> tuple[str, ...]:
    """The event names that a status carries, its own first.

    `ready` comes with `empty` (no records), `partial` (some errors) or `complete`. When the API does not say how
    many records there are, only its errors can speak.
    """
    name = canonical(status)
    if name != "ready":
        return (name,)
    if facts.records == 0:
        return (name, "empty")
    return (name, "partial" if facts.errors else "complete")


def step(
    state: SnapshotState, observation: Observation, now: datetime, pause: timedelta
) -> tuple[SnapshotState, tuple[Transition, ...]]:
    """What one observation makes of a snapshot's state.

    Args:
        state: what was known before.
        observation: what the look said.
        now: when it said so.
        pause: the usual time between two looks at this snapshot, to tell a late transition from a punctual one.

    Returns:
        The state after it, and the transitions that happened (none or one). The state differs from the one before
        by more than its memory of looks (`seen_at`, `not_found`, `not_found_since`) exactly when there is a transition.
    """
    match observation:
        case Unclear():
            return state, ()
        case NotFound():
            return _not_found(state, now, pause)
        case Seen(status=word, facts=facts):
            status = f"api:{word}" if canonical(word) in _OUR_WORDS else word
            seen = replace(state, seen_at=now, not_found=0, not_found_since=None)
            if canonical(status) == canonical(state.status):
                return seen, ()
            return _move(seen, status, facts, now, _lateness(state, now, pause))


def _not_found(state: SnapshotState, now: datetime, pause: timedelta) -> tuple[SnapshotState, tuple[Transition, ...]]:
    if phase_of(state.status) in (Phase.ENDED, Phase.MISSING):
        return replace(state, seen_at=now), ()
    # A clock that was set back counts from there: else the grace would end when it is what it was.
    since = min(state.not_found_since or now, now)
    counted = replace(state, not_found=state.not_found + 1, not_found_since=since)
    if counted.not_found < MISSING_CONFIRMATIONS or now - since < MISSING_GRACE:
        return counted, ()
    # The first 404 was the news; the grace since then is ours and is not called late.
    late_by = _lateness(state, since, pause)
    told = replace(state, seen_at=now, not_found=0, not_found_since=None)
    return _move(told, MISSING, state.facts, now, late_by)


def _move(
    state: SnapshotState, status: str, facts: Facts, now: datetime, late_by: timedelta
) -> tuple[SnapshotState, tuple[Transition, ...]]:
    if phase_of(status) not in MOVES[phase_of(state.status)]:
        return state, ()
    moved = replace(
        state,
        status=status,
        revision=state.revision + 1,
        facts=facts,
        first_seen_at=state.first_seen_at or now,
        since=now,
    )
    transition = Transition(
        snapshot_id=state.snapshot_id,
        revision=moved.revision,
        previous=state.status,
        status=status,
        names=names_of(status, facts),
        facts=facts,
        observed_at=now,
        late_by=late_by,
    )
    return moved, (transition,)


def _lateness(state: SnapshotState, now: datetime, pause: timedelta) -> timedelta:
    if state.seen_at is None:
        return timedelta(0)
    late_by = now - state.seen_at - pause
    return late_by if late_by >= LATE_AFTER else timedelta(0)
