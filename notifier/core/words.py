"""Numbers, times and others' texts as people read them: "1 record", "12,345 records", "2 min 5 s", on one line."""

from datetime import timedelta


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


def one_line(text: str, longest: int) -> str:
    """The text as one line of printable characters, cut to `longest`."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"
