"""Which dates from outside are believed. Pure."""

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Nothing that the notifier watches began before this: an earlier date is a default value (the zero time of Go and .NET
is in the year 1, that of Unix in 1970), and no date."""

AHEAD = timedelta(days=1)
"""How far a far side's clock may be ahead of ours."""


def believable(moment: datetime | None, now: datetime | None = None) -> datetime | None:
    """The moment, or None if it cannot be a date of what is watched: so that it counts as not told.

    Args:
        moment: aware, or None.
        now: our time; without it a date in the future passes.
    """
    if moment is None or moment < EARLIEST:
        return None
    return None if now is not None and moment > now + AHEAD else moment
