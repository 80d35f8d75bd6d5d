"""Which dates of others are plausible. Pure."""

from datetime import UTC, datetime, timedelta

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""An earlier date is a default value: the zero time of Go and .NET is in the year 1, that of Unix in 1970."""

AHEAD = timedelta(days=1)
"""How far a server's clock may be ahead of ours."""


def believable(moment: datetime | None, now: datetime | None = None) -> datetime | None:
    """Return the moment, or None if it is no plausible date of a snapshot.

    Args:
        moment: aware, or None.
        now: our time; without it a date in the future is accepted.
    """
    if moment is None or moment < EARLIEST:
        return None
    return None if now is not None and moment > now + AHEAD else moment
