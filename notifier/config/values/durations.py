"""Durations in the form that users write: `30s`, `5m`, `6h`, `2d`, and compounds such as `1h30m`."""

import re
from datetime import timedelta
from typing import Literal

from notifier.config.values.text import parsed

LONGEST = timedelta(days=3650)
SHORTEST_KEEP = timedelta(days=1)

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_COMPOUND = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def parse(written: str) -> timedelta:
    """Parse a duration such as `90s`, `1h30m` or `2d`: whole seconds, more than 0.

    Raises:
        ValueError: it is no duration. The text says what to write, and does not quote what was given.
    """
    if _NUMBER.fullmatch(written):
        raise ValueError("a duration needs its unit: write `30s`, `5m`, `6h` or `2d`")
    match = _COMPOUND.fullmatch(written)
    if match is None or not written:
        raise ValueError(
            "not a duration: write whole numbers with their units, the largest first, as in `30s`, `5m`, `1h30m`, `2d`"
        )
    seconds = sum(int(number or 0) * size for number, size in zip(match.groups(), _UNITS.values(), strict=True))
    if seconds == 0:
        raise ValueError("a duration must be longer than 0: the shortest is `1s`")
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"too long: the longest duration is `{LONGEST.days}d`")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """Return a duration as text in its largest units: `1d12h`, `1m30s`. `parse` reads whole seconds back."""
    whole, part = divmod(duration, timedelta(seconds=1))
    if part or whole <= 0:
        return f"{duration.total_seconds():g}s"
    written = ""
    for unit, size in _UNITS.items():
        number, whole = divmod(whole, size)
        written += f"{number}{unit}" if number else ""
    return written


def duration(value: object) -> timedelta:
    """Validate a duration such as `30s`."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        cure = f"write `{value}s`" if isinstance(value, int) and 0 < value < 10**6 else "write `30s`"
        raise ValueError(f"a duration needs its unit: {cure}")
    return parsed(value, parse)


def duration_or_off(value: object) -> timedelta | Literal["off"]:
    """Validate a duration such as `24h`, or `off`."""
    if value is False:
        raise ValueError("write `off`, or a duration such as `24h`")
    return "off" if value == "off" else duration(value)


def keep(value: object) -> timedelta:
    """Validate how long ended snapshots are kept."""
    checked = duration(value)
    if checked < SHORTEST_KEEP:
        raise ValueError(f"too short: the shortest is `{SHORTEST_KEEP.days}d`")
    return checked
