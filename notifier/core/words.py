"""Numbers, durations and foreign texts as people read them: "1 record", "12,345 records", "2 min 5 s"."""

import re
import unicodedata
from datetime import timedelta

MASK = "***"
"""Stands in the place of a secret."""


def count(number: int, noun: str, plural: str | None = None) -> str:
    """The number with its noun: `count(1, "record")` is "1 record", `count(0, "record")` "no records"."""
    word = noun if number == 1 else plural or f"{noun}s"
    return f"no {word}" if number == 0 else f"{number:,} {word}"


def span(duration: timedelta) -> str:
    """A duration in its two largest units: "0.4 s", "37 s", "2 min 5 s", "3 h 12 min", "2 d 4 h"."""
    seconds = duration.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for size, unit, next_size, next_unit in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // next_size
            return f"{whole // size} {unit} {rest} {next_unit}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def safe(text: str, instead: str = " ") -> str:
    """The text with each dangerous character replaced: what forges, reverses or breaks a line.

    Dangerous are control characters, line and paragraph separators, lone surrogates, noncharacters, and the controls
    that override or isolate the direction of text (Unicode Standard Annex 9). Joiners, variation selectors and tags
    stay: Persian, Hindi and many emoji need them. So do characters that this Python's Unicode tables do not know yet.
    """
    return _DANGEROUS.sub(instead, text)


def safe_lines(text: str) -> str:
    """The text with each dangerous character replaced, but for line feeds; a carriage return before one goes."""
    return "\n".join(map(safe, text.replace("\r\n", "\n").split("\n")))


_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f"
    "\u2028\u2029"
    "\u202a-\u202e\u2066-\u2069\u206a-\u206f"
    "\ud800-\udfff"
    "\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


def one_line(text: str, longest: int) -> str:
    """The text as one line without dangerous characters, cut to `longest` code points, between two letters or emoji."""
    line = " ".join(safe(text).split())
    if longest <= 0:
        return ""
    return line if len(line) <= longest else f"{cut(line, longest - 1).rstrip()}…"


def cut(text: str, longest: int) -> str:
    """The beginning of the text, at most `longest` code points, without half an emoji or a letter without its marks."""
    end = max(longest, 0)
    if end >= len(text):
        return text
    while end > 0 and _belongs_together(text, end):
        end -= 1
    return text[: end or longest]


_JOINER = "\N{ZERO WIDTH JOINER}"


def _belongs_together(text: str, end: int) -> bool:
    """Whether the characters on both sides of a place are one for the eye: most of Unicode Standard Annex 29."""
    before, after = text[end - 1], text[end]
    if before == _JOINER or after == _JOINER or unicodedata.category(after) in ("Mn", "Mc", "Me"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff" or "\U000e0020" <= after <= "\U000e007f":  # a skin tone, a tag
        return True
    if not _is_regional(before) or not _is_regional(after):
        return False
    start = end
    while start > 0 and _is_regional(text[start - 1]):
        start -= 1
    return (end - start) % 2 == 1


def _is_regional(char: str) -> bool:
    """Whether this is half of a flag."""
    return "\U0001f1e6" <= char <= "\U0001f1ff"
