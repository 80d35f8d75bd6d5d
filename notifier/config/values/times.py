"""Times of day and time zones, for quiet hours."""

import functools
import re
import zoneinfo
from datetime import UTC, time, tzinfo

from notifier.config.values.text import kind, shown, text
from notifier.core.suggestions import did_you_mean

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_NOT_NAMES = re.compile(r"(?:posix|right)/.*|posixrules|localtime")
"""Files beside the zones: copies, zones with leap seconds, and that of the machine, which may change."""


def time_of_day(value: object) -> time:
    """Validate a time such as `22:00`."""
    if isinstance(value, bool | int | float):
        raise ValueError(f'a time of the day is expected here, as in `"22:00"`, not {kind(value)}')
    given = text(value)
    checked = given.strip()
    if checked in ("24:00", "24:00:00"):
        raise ValueError('write the end of the day as the start of the next: `"00:00"`')
    match = _TIME.fullmatch(checked)
    if match is None:
        raise ValueError(f'{shown(given)}: not a time of the day: write hours and minutes, as in `"22:00"`')
    return time(int(match[1]), int(match[2]))


def format_time(clock: time) -> str:
    """Return a time of day as text, which `time_of_day` reads back."""
    return clock.strftime("%H:%M")


def zone_name(value: object) -> str:
    """Validate the name of a time zone that this machine knows."""
    given = text(value)
    checked = given.strip()
    try:
        zone(checked)
    except ValueError:
        names = _names()
        if not names:
            cure = "install its package `tzdata`, or `pip install tzdata`, or write `UTC`"
            raise ValueError(f"this machine has no table of time zones: {cure}") from None
        is_area = any(name.startswith(f"{checked}/") for name in names)
        hint = (not is_area and did_you_mean(checked, names)) or "; write its IANA name, as in `Europe/Berlin`"
        raise ValueError(f"there is no time zone {shown(given)}{hint}") from None
    return checked


def zone(name: str) -> tzinfo:
    """Return the time zone of an IANA name. UTC needs no table.

    Raises:
        ValueError: the table has no such zone, or there is no table.
    """
    if name == "UTC":
        return UTC
    if _NOT_NAMES.fullmatch(name):
        raise ValueError("not in the IANA's table")
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("not in the IANA's table") from error


@functools.lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(name for name in zoneinfo.available_timezones() if not _NOT_NAMES.fullmatch(name))
