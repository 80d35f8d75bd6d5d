"""The event `expiring`: when the results of a ready snapshot are about to be deleted.

It is due by the clock alone, because a snapshot that has ended is not polled again.
"""

from datetime import datetime, timedelta

from notifier.core.delivery.routing import wants
from notifier.core.snapshot.model import EXPIRING, SnapshotState, Transition, Watch
from notifier.core.snapshot.statuses import canonical, names_of
from notifier.core.snapshot.transitions import LATE_AFTER, born_at, derive


def expiring_at(state: SnapshotState, watch: Watch) -> datetime | None:
    """Return when the warning is due; None if none is.

    Only for a ready snapshot with results (an empty one has nothing to lose), once, and only if `on:` asks for it.
    Bright Data does not document from when it counts. Here it counts from the earliest sign of the snapshot: a warning
    that is early by the length of a collection does no harm, and a late one is worthless. With an `expiring_before` of
    `results_kept` or longer, it is due at once.
    """
    end = deleted_at(state, watch)
    if end is None or state.derived == EXPIRING or not wants(watch.on, (EXPIRING,)):
        return None
    names = names_of(state.status, state.facts)
    if canonical(state.status) != "ready" or "empty" in names:
        return None
    return max(end - watch.expiring_before, end - watch.results_kept)


def deleted_at(state: SnapshotState, watch: Watch) -> datetime | None:
    """Estimate when the results of a snapshot are deleted; None if it was never seen."""
    born = born_at(state)
    return None if born is None else born + watch.results_kept


def step_by_clock(state: SnapshotState, watch: Watch, now: datetime) -> tuple[SnapshotState, tuple[Transition, ...]]:
    """Return what the clock alone makes of a snapshot: the event `expiring`, or nothing.

    After the deletion there is nothing left to save, and no event: neither for a snapshot that was older when it was
    first seen, nor after the notifier was down for the last days. (`stalled` is not due by the clock alone: only a poll
    shows that a snapshot has not ended. See `transitions.step`.)

    Returns:
        The state after it, and the transitions that happened (none or one).
    """
    due, end = expiring_at(state, watch), deleted_at(state, watch)
    if due is None or end is None or not due <= now < end:
        return state, ()
    late_by = now - max(due, state.since or due)
    return derive(state, EXPIRING, now, late_by if late_by >= LATE_AFTER else timedelta(0), until=end)
