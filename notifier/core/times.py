"""Times as text for machines (`notifier.core.words` has those for people)."""

from datetime import UTC, datetime
from typing import Literal


def iso(moment: datetime, timespec: Literal["seconds", "milliseconds"] = "milliseconds") -> str:
    """Return a time in UTC as RFC 3339 writes it: `2026-11-23T14:32:00.123Z`."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
