"""Durations as people write them: `30s`, `5m`, `6h`, `2d`, and compounds such as `1h30m`."""

import re
from datetime import timedelta

LONGEST = timedelta(days=3650)

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_COMPOUND = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def parse(text: str) -> timedelta:
    """The duration that a text such as `90s`, `1h30m` or `2d` stands for: whole seconds, more than none.

    Raises:
        ValueError: it is none; the text says what would be right, and nothing of what was given.
    """
    if _NUMBER.fullmatch(text):
        raise ValueError("a duration needs its unit: write `30s`, `5m`, `6h` or `2d`")
    match = _COMPOUND.fullmatch(text)
    if match is None or not text:
        raise ValueError(
            "not a duration: write whole numbers with their units, the largest first, as in `30s`, `5m`, `1h30m`, `2d`"
        )
    seconds = sum(int(number or 0) * size for number, size in zip(match.groups(), _UNITS.values(), strict=True))
    if seconds == 0:
        raise ValueError("a duration must be longer than nothing: the shortest is `1s`")
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"too long: the longest duration is `{LONGEST.days}d`")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The text of a duration, in its largest units: `1d12h`, `1m30s`. `parse` reads it back, if it is whole seconds."""
    whole, part = divmod(duration, timedelta(seconds=1))
    if part or whole <= 0:
        return f"{duration.total_seconds():g}s"
    text = ""
    for unit, size in _UNITS.items():
        number, whole = divmod(whole, size)
        text += f"{number}{unit}" if number else ""
    return text
