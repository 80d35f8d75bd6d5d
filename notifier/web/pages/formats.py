"""Times, numbers and words as the pages show them. All functions are pure and return text or safe markup."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from markupsafe import Markup, escape

from notifier.core.times import iso
from notifier.core.words import count, safe_lines, span

NOTHING = "–"
"""Stands where there is no value."""

_NOW = timedelta(seconds=1)
_FAR = timedelta(days=30)


def ago(moment: datetime | None, now: datetime) -> str:
    """Return a time relative to now: "3 min ago", "in 8 s", "now"; a date if it is more than 30 days away."""
    if moment is None:
        return NOTHING
    passed = now - moment
    if abs(passed) < _NOW:
        return "now"
    if abs(passed) > _FAR:
        return f"{moment.astimezone(UTC):%Y-%m-%d}"
    return f"{coarse(passed)} ago" if passed > timedelta(0) else f"in {coarse(-passed)}"


def coarse(duration: timedelta) -> str:
    """Return a duration without fractions of a second, and without seconds from ten minutes on."""
    seconds = duration.total_seconds()
    if seconds >= 600:
        return span(timedelta(minutes=round(seconds / 60)))
    return span(timedelta(seconds=max(1, round(seconds))))


def exact(moment: datetime | None) -> str:
    """Return a time to the second, in UTC."""
    return NOTHING if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def time_tag(moment: datetime | None, now: datetime, poll: str = "") -> Markup:
    """Return a `time` element: relative to read, the exact time as its tooltip and for programs.

    Of a poll's time `poll` is `last` or `next`: live updates bring these alone (`static/live.js`).
    """
    if moment is None:
        return Markup('<span class="none">–</span>')
    mark = Markup(' data-poll="{}"').format(poll) if poll else ""
    text = "due now" if poll == "next" and moment <= now else ago(moment, now)
    return Markup('<time datetime="{}" title="{}" data-relative{}>{}</time>').format(
        iso(moment, "seconds"), exact(moment), mark, text
    )


def lasting_tag(moment: datetime | None, now: datetime) -> Markup:
    """Return for how long something has lasted, as a `time` element: "4 s", "3 min"."""
    if moment is None:
        return Markup('<span class="none">–</span>')
    return Markup('<time datetime="{}" title="{}" data-relative data-lasting>{}</time>').format(
        iso(moment, "seconds"), exact(moment), coarse(max(now - moment, timedelta(0)))
    )


def exact_tag(moment: datetime | None, now: datetime) -> Markup:
    """Return the exact time, with the relative one behind it."""
    if moment is None:
        return Markup('<span class="none">–</span>')
    return Markup(
        '<time datetime="{0}">{1}</time> <span class="sub">(<time datetime="{0}" data-relative>{2}</time>)</span>'
    ).format(iso(moment, "seconds"), exact(moment), ago(moment, now))


def number(value: float | None) -> str:
    """Return a number with separators."""
    return NOTHING if value is None else f"{value:,}"


def seconds(value: float | None) -> str:
    """Return a duration that is given in seconds: "4 ms", "0.2 s", "2 min 5 s"."""
    if value is None:
        return NOTHING
    return f"{max(1, round(1000 * value))} ms" if 0 < value < 0.1 else span(timedelta(seconds=max(0.0, value)))


def words(constant: str) -> str:
    """Return a constant such as `http_429` or `read_timeout` as words."""
    text = constant.replace("_", " ")
    return f"HTTP {text.removeprefix('http ')}" if text.startswith("http ") else text


_MARKS = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")


def marked(text: str) -> Markup:
    """Return a text of our own with its marks as HTML: `code` and **bold**."""
    text = safe_lines(text)
    parts, end = [], 0
    for mark in _MARKS.finditer(text):
        tag, content = ("code", mark[1]) if mark[1] is not None else ("strong", mark[2])
        parts += [escape(text[end : mark.start()]), Markup(f"<{tag}>{{}}</{tag}>").format(content)]
        end = mark.end()
    return Markup().join([*parts, escape(text[end:])])


def result(records: int | None, errors: int | None) -> str:
    """Return the counts of a snapshot: "12,480 records, no errors"; empty if none is known."""
    known = [(records, "record"), (errors, "error")]
    return ", ".join(count(value, noun) for value, noun in known if value is not None)


def tally(counts: dict[str, int]) -> str:
    """Return numbers with their words: "2 delivered, 1 retrying"; empty if there are none."""
    return ", ".join(f"{value:,} {words(key)}" for key, value in sorted(counts.items()) if value)


def capital(text: str) -> str:
    """Return the text with its first letter in upper case and the others as they are."""
    return f"{text[:1].upper()}{text[1:]}"


def segment(text: str) -> str:
    """Return an id as a part of a path; its slashes stay, because a found snapshot's watch is `parent/snapshot`.

    `.` and `..` are taken for a step in the path by browsers, even percent-encoded; no id of ours is one.
    """
    return quote(text, safe="/:@", errors="replace")


def key(kind: str, name: object) -> str:
    """Return the `id` of an element: without spaces, unique within the page for each kind and name."""
    return f"{kind}-{quote(str(name), safe='', errors='replace')}"
