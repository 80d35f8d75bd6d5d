"""Times for machines are written in UTC, as RFC 3339 has them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

import pytest

from notifier.core.times import iso


@pytest.mark.parametrize(
    ("zone", "timespec", "text"),
    [
        (UTC, "milliseconds", "2026-11-23T14:32:00.123Z"),
        (UTC, "seconds", "2026-11-23T14:32:00Z"),
        (timezone(timedelta(hours=5)), "seconds", "2026-11-23T09:32:00Z"),
    ],
)
def test_iso(zone: timezone, timespec: Literal["seconds", "milliseconds"], text: str) -> None:
    assert iso(datetime(2026, 11, 23, 14, 32, 0, 123_456, tzinfo=zone), timespec) == text
