"""How often a snapshot is polled: often while it is young, less often when it is old, never after its end. Pure."""

from datetime import datetime, timedelta

from notifier.core.snapshot.model import SnapshotState
from notifier.core.snapshot.statuses import Phase, phase_of
from notifier.core.snapshot.transitions import born_at

YOUNG_FOR = timedelta(minutes=2)
QUICK_PAUSE = timedelta(seconds=10)
"""The pause of a young snapshot, if `every` is longer: half of all collections end within about a minute."""

OLD_AFTER = ((timedelta(hours=24), 4), (timedelta(hours=6), 2))
"""From these ages on, the oldest first, the pause is so many times `every`.

A poll costs the same at any age of its snapshot, and all snapshots share one budget of requests. A collection that has
run for 6 hours seldom ends within the next minute, and half a minute is little to someone who has waited that long:
with `every: 30s` the pause stays below a third of a per cent of the age.
"""

LONGEST_OLD_PAUSE = timedelta(minutes=10)
"""The longest pause of an old snapshot, unless `every` is longer."""

MISSING_PAUSE = timedelta(minutes=10)
"""The pause of a missing snapshot. It may come back, when the token was wrong or the API at fault."""


def poll_pause(state: SnapshotState, every: timedelta, now: datetime) -> timedelta | None:
    """Return the pause before the next poll of a snapshot; None when it has ended and is not polled again."""
    match phase_of(state.status):
        case Phase.ENDED:
            return None
        case Phase.MISSING:
            return max(every, MISSING_PAUSE)
        case Phase.UNKNOWN | Phase.ACTIVE:
            born = born_at(state)
            return pause_at_age(timedelta(0) if born is None else now - born, every)


def pause_at_age(age: timedelta, every: timedelta) -> timedelta:
    """Return the pause between two polls of a snapshot in progress at this age."""
    if age < YOUNG_FOR:
        return min(every, QUICK_PAUSE)
    for threshold, times in OLD_AFTER:
        if age >= threshold:
            return min(times * every, max(every, LONGEST_OLD_PAUSE))
    return every
