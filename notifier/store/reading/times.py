"""Times as the database keeps them."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(moment: datetime) -> int:
    """Return a time in microseconds since 1970, for cursors."""
    return (moment - _EPOCH) // timedelta(microseconds=1)
