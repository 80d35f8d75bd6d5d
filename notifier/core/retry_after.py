"""Parses the header `Retry-After` (RFC 9110, 10.2.3)."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
"""A number with more digits makes no sense, and would overflow a date."""


def parse_retry_after(header: str | None, now: datetime, longest: timedelta) -> timedelta | None:
    """Returns the pause that the header asks for, from zero to `longest`; None if it is absent or makes no sense.

    Args:
        header: a number of seconds (servers also send fractions and negative numbers), or an HTTP date.
        now: turns a date into a pause.
        longest: a longer pause counts as this one.
    """
    text = (header or "").strip()
    if not text:
        return None
    if _SECONDS.fullmatch(text):
        pause = timedelta(seconds=float(text))
    else:
        try:
            date = parsedate_to_datetime(text)
            pause = (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    return min(max(pause, timedelta(0)), longest)
