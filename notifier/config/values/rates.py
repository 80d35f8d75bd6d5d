"""How fast a channel may be served, as people write it, `20/m`; inside it is the least time between messages."""

import re
from datetime import timedelta

from notifier.config.values.text import shown, text

FASTEST = 1000
"""Messages in one unit of time: no service takes more from one sender."""

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
_PACE = re.compile(r"([0-9]{1,9})/([smh])")


def parse(written: str) -> timedelta:
    """The least time between two messages.

    Raises:
        ValueError: the text is no pace; it says what would be right, and nothing of what was given.
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
    checked = text(value)
    try:
        return parse(checked.strip())
    except ValueError as error:
        raise ValueError(f"{shown(checked)}: {error}") from None


def format_pace(pause: timedelta) -> str:
    """The text of a pace. `parse` reads it back as the same, if it came from there."""
    for unit, size in _UNITS.items():
        number = round(size / pause)
        if number and size / number == pause:
            return f"{number}/{unit}"
    return f"1/{pause.total_seconds():g}s"
