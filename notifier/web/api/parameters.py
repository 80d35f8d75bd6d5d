"""The parameters that several routes share, each with its bounds and its description."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BeforeValidator, WithJsonSchema

from notifier.core.delivery.model import DeliveryState

DEFAULT_LIMIT = 100
MOST = 1_000
"""Items of a page at most."""

LONGEST_TEXT = 200
"""Characters of an id, a name or a search; each may take twelve bytes of the 16 KiB of an address."""

LONGEST_WATCH = 450
"""Characters of a watch's id: two ids and a slash."""

LARGEST_ID = 2**53 - 1
"""The largest integer that every reader of JSON keeps exactly."""

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def time(value: Any) -> datetime:
    """Read a time of RFC 3339, with its offset from UTC.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise ValueError("is not a time such as 2026-11-23T14:32:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"is not a time such as 2026-11-23T14:32:00Z: {error}") from error


Time = Annotated[datetime, BeforeValidator(time), WithJsonSchema({"type": "string", "format": "date-time"})]


def whole(value: Any) -> Any:
    """Return a whole number with a fraction, as JSON allows (7.0), as an integer, and any other value as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Limit = Annotated[int, Query(ge=1, le=MOST, description="The most items of a page.")]
Cursor = Annotated[
    str | None,
    Query(
        max_length=2_000,
        description="`next` of the page before; without it, the first page.",
        json_schema_extra={"format": "cursor"},
    ),
]
Text = Annotated[str, Query(max_length=LONGEST_TEXT)]
OfWatch = Annotated[
    str | None,
    Query(max_length=LONGEST_WATCH, description="Only of this watch, by its id; a dataset's has all that it found."),
]
OfSnapshot = Annotated[str | None, Query(max_length=LONGEST_TEXT, description="Only of the snapshot with this id.")]
Since = Annotated[Time | None, Query(description="Only from this time on.")]
Until = Annotated[Time | None, Query(description="Only before this time.")]
States = Annotated[list[DeliveryState], Query(description="Only those in one of these states.", max_length=20)]
WatchId = Annotated[
    str,
    Path(
        description="The id of a watch; `PARENT/SNAPSHOT` for a snapshot that the watch of a dataset found.",
        max_length=LONGEST_WATCH,
    ),
]
DeliveryId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The number of a delivery.")]
