"""The pace of a channel, which users write as `20/m`, and which is stored as the least time between two messages."""

import re
from datetime import timedelta

from notifier.config.values.text import parsed

FASTEST = 1000
"""Messages per unit of time. No service accepts more from one sender."""

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_PACE = re.compile(r"([0-9]{1,9})/([smh])")


def parse(written: str) -> timedelta:
    """Parse a pace, and return the least time between two messages.

    Raises:
        ValueError: it is no pace. The text says what to write, and does not quote what was given.
    """
    match = _PACE.fullmatch(written)
    if match is None:
        raise ValueError("not a pace: write how many messages in a second, a minute or an hour: `1/s`, `20/m` or `5/h`")
    number = int(match[1])
    if not 1 <= number <= FASTEST:
        raise ValueError(f"a pace is between 1 and {FASTEST} messages, as in `1/s`, `20/m` or `5/h`")
    return _UNITS[match[2]] / number


def pace(value: object) -> timedelta:
    """Validate a pace such as `20/m`."""
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= FASTEST:
        raise ValueError(f"a pace needs its unit: write `{value}/s`, `{value}/m` or `{value}/h`")
    return parsed(value, parse)


def format_pace(pause: timedelta) -> str:
    """Return a pace as text. `parse` reads it back, if it came from there."""
    for unit, size in _UNITS.items():
        number = round(size / pause)
        if number and size / number == pause:
            return f"{number}/{unit}"
    return f"1/{pause.total_seconds():g}s"
