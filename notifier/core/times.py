"""Times as text for machines (`notifier.core.words` has those for people)."""

from datetime import UTC, datetime
from typing import Literal, overload


@overload
def iso(moment: datetime, timespec: Literal["seconds", "milliseconds"] = "milliseconds") -> str: ...


@overload
def iso(moment: datetime | None, timespec: Literal["seconds", "milliseconds"] = "milliseconds") -> str | None: ...


def iso(moment: datetime | None, timespec: Literal["seconds", "milliseconds"] = "milliseconds") -> str | None:
    """Returns a time in UTC as RFC 3339 writes it, `2026-11-23T14:32:00.123Z`; None for None."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
