"""When to look again, when to send again, and when to give up. Pure: the time and the dice are arguments."""

from datetime import datetime, timedelta

from notifier.core.delivery.model import OutcomeKind
from notifier.core.model import SnapshotState
from notifier.core.snapshot.statuses import Phase, phase_of
from notifier.core.snapshot.transitions import born_at

YOUNG_FOR = timedelta(minutes=2)
QUICK_PAUSE = timedelta(seconds=10)
"""Half of all collections end within about a minute: a young snapshot is looked at this often, if `every` is longer."""

OLD_AFTER = ((timedelta(hours=24), 4), (timedelta(hours=6), 2))
"""From which age on the pause is how many times `every`, the oldest first.

A look costs the same whether its snapshot is a minute old or a week, and the budget is shared by all. What has run for
6 hours seldom ends within the next minute, and whoever has waited for so long does not miss half a minute: with
`every: 30s` the pause stays under a third of a per cent of the age.
"""

LONGEST_OLD_PAUSE = timedelta(minutes=10)
"""An old snapshot is looked at this often at least, unless `every` itself is longer."""

MISSING_PAUSE = timedelta(minutes=10)
"""A missing snapshot may come back (a wrong token, an API at fault), so it is still looked at, but seldom."""

FIRST_RETRY = timedelta(seconds=5)
LONGEST_RETRY = timedelta(hours=2)
GIVE_UP_AFTER = timedelta(days=3)

PERMANENT_TRIES = 4
PERMANENT_PAUSE = timedelta(minutes=5)
"""A refusal that looks final is tried a few times more, slowly: most are a token being replaced."""

LONGEST_RETRY_AFTER = timedelta(days=1)
"""A `Retry-After` beyond this is taken for nonsense and shortened to it."""


def look_pause(state: SnapshotState, every: timedelta, now: datetime) -> timedelta | None:
    """The pause before the next look at a snapshot; None when it has ended and is not looked at again."""
    match phase_of(state.status):
        case Phase.ENDED:
            return None
        case Phase.MISSING:
            return max(every, MISSING_PAUSE)
        case Phase.UNKNOWN | Phase.ACTIVE:
            born = born_at(state)
            return pause_at(timedelta(0) if born is None else now - born, every)


def pause_at(age: timedelta, every: timedelta) -> timedelta:
    """The pause between two looks at a snapshot in progress: quick while young, then `every`, longer when very old."""
    if age < YOUNG_FOR:
        return min(every, QUICK_PAUSE)
    for threshold, times in OLD_AFTER:
        if age >= threshold:
            return min(times * every, max(every, LONGEST_OLD_PAUSE))
    return every


def retry_pause(
    *,
    kind: OutcomeKind,
    attempt: int,
    age: timedelta,
    retry_after: timedelta | None,
    dice: float,
    give_up_after: timedelta = GIVE_UP_AFTER,
) -> timedelta | None:
    """The pause before a delivery is tried again; None to give it up.

    Exponential with full jitter over the upper half, so that the pause never shrinks to nothing: a channel that is
    down is left alone for longer each time, and a thousand deliveries do not come back in one instant.

    Args:
        kind: what became of the last attempt; `delivered` is not asked about.
        attempt: its number, from 1; of a refusal, its number among the refusals.
        age: since the delivery was wanted.
        retry_after: the pause the far side asked for, honoured as a minimum.
        dice: a number in [0, 1).
        give_up_after: the age at which it is given up.
    """
    if age >= give_up_after:
        return None
    if kind is OutcomeKind.PERMANENT:
        if attempt >= PERMANENT_TRIES:
            return None
        base = PERMANENT_PAUSE * (1 << (attempt - 1))
    else:
        base = min(FIRST_RETRY * (1 << min(attempt - 1, 20)), LONGEST_RETRY)
    pause = base * (0.5 + dice / 2)
    if retry_after is not None:
        pause = max(pause, min(retry_after, LONGEST_RETRY_AFTER))
    return pause
