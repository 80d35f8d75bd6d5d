"""Charts as SVG, drawn on the server: the statuses of a snapshot over time, and the collections of a dataset.

Places along the x axis are percentages and heights are pixels, so that a chart fills any width without scaling its
text. Colours and patterns are classes of app.css. Each chart is an image with a name and a description; the page has
the same numbers as a table beside it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

from markupsafe import Markup

from notifier.core.resource_parts import StatusSpanResource, UsualResource
from notifier.core.words import count, safe, span
from notifier.web.pages.formats import exact
from notifier.web.pages.looks import Look, of_status

Number = Callable[[float], str]
"""Writes a value of a chart."""

_BAR = 34
"""Pixels of the height of the status bar."""

_PLOT, _ABOVE, _BELOW = 150, 18, 4
"""Pixels of the height of a plot, and of the space above and below its bars."""

SHARES = (1.0, 0.5, 0.0)
"""The lines of a plot, as shares of its top."""

_LINE = Markup('<line class="grid" x1="0" x2="100%" y1="{0:.1f}" y2="{0:.1f}"/>')
_BAND = Markup('<g class="usual"><title>usual: {}</title><rect x="0" y="{:.1f}" width="100%" height="{:.1f}"/></g>')

_LABELLED = 11.0
"""A part of a bar is labelled inside from this width on, in percent."""

_THINNEST = 0.6
"""The least width of a part, in percent: an episode of seconds in a week stays visible."""


def status_bar(spans: Sequence[StatusSpanResource], now: datetime, last: Look | None = None) -> Markup:
    """Return the bar of a snapshot's statuses, the oldest on the left; nothing without one.

    `last` is the look of the last one, which depends on more than its status.
    """
    if not spans:
        return Markup()
    widths = _widths([max((each.end or now) - each.begin, timedelta(0)) for each in spans])
    parts, x = [], 0.0
    for each, width in zip(spans, widths, strict=True):
        look = last if last is not None and each is spans[-1] else of_status(each.status)
        label = safe(look.word)
        title = f"{label}, {lasted(each, now)}, from {exact(each.begin)}"
        part = Markup('<g class="part tone-{}"><title>{}</title><rect x="{:.2f}%" y="0" width="{:.2f}%" height="{}"/>')
        parts.append(part.format(look.tone, title, x, max(width - 0.25, 0.2), _BAR))
        if width >= max(_LABELLED, 0.9 * len(label)):
            parts.append(Markup('<text class="wide" x="{:.2f}%" y="22">{}</text>').format(x + 1.2, label))
        parts.append(Markup("</g>"))
        x += width
    said = ", then ".join(f"{safe(of_status(each.status).word)} for {lasted(each, now)}" for each in spans)
    return _image("status-bar", _BAR, "Statuses over time", said, Markup().join(parts))


def lasted(each: StatusSpanResource, now: datetime) -> str:
    """Return how long a status has lasted."""
    return span(timedelta(seconds=round(max(((each.end or now) - each.begin).total_seconds(), 0))))


def _widths(durations: Sequence[timedelta]) -> list[float]:
    """Return the widths of the parts in percent: in proportion, but none below the thinnest."""
    total = sum((each.total_seconds() for each in durations), 0.0)
    raw = [100 * each.total_seconds() / total if total else 100 / len(durations) for each in durations]
    least = min(_THINNEST, 100 / len(durations))
    raised = [max(each, least) for each in raw]
    return [100 * each / sum(raised) for each in raised]


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """A collection: what is said of it, its value, None if that is unknown, and its status."""

    said: str
    value: float | None
    status: str
    records: int | None = None
    errors: int | None = None


def columns(points: Sequence[Point], *, title: str, usual: UsualResource | None, number: Number) -> Markup:
    """Return a column for each point, the oldest on the left, over the band of what is usual.

    Args:
        points: the collections in their order.
        title: names the chart.
        usual: the band; None if the history is too short for one.
        number: writes a value.
    """
    known = [each.value for each in points if each.value is not None]
    if not known:
        return Markup()
    top = _round_up(max([*known, usual.high if usual else 0.0, 1e-9]))
    step = 100 / len(points)
    parts = [
        *(_LINE.format(_y(top * share, top)) for share in SHARES),
        *(_column(point, index * step, step, top, usual) for index, point in enumerate(points)),
    ]
    if usual is not None:
        high, low = _y(usual.high, top), _y(usual.low, top)
        parts.append(_BAND.format(range_of(usual, number), high, max(low - high, 2.0)))
    said = f"{count(len(points), 'collection')}, from {number(min(known))} to {number(max(known))}"
    if usual is not None:
        said += f"; usual is {range_of(usual, number)}"
    scale = Markup().join(Markup("<span>{}</span>").format(number(top * share)) for share in SHARES)
    image = _image("columns", _ABOVE + _PLOT + _BELOW, title, said, Markup().join(parts))
    return Markup('<div class="plot"><div class="scale" aria-hidden="true">{}</div>{}</div>').format(scale, image)


def range_of(usual: UsualResource, number: Number) -> str:
    """Return the usual range in words."""
    return f"{number(usual.low)} to {number(usual.high)}"


def _column(point: Point, x: float, step: float, top: float, usual: UsualResource | None) -> Markup:
    look = of_status(point.status, point.records, point.errors)
    title = Markup("<title>{}</title>").format(safe(point.said))
    width = min(step * 0.72, 6.0)
    left = x + (step - width) / 2
    if point.value is None:
        mark = Markup('<circle class="hollow" cx="{:.2f}%" cy="{}" r="3"/>').format(x + step / 2, _ABOVE + _PLOT - 4)
        return Markup('<g class="part tone-{}">{}{}</g>').format(look.tone, title, mark)
    y = _y(point.value, top)
    height = max(_ABOVE + _PLOT - y, 2.0)
    rect = Markup('<rect x="{:.2f}%" y="{:.1f}" width="{:.2f}%" height="{:.1f}" rx="1.5"/>').format(
        left, _ABOVE + _PLOT - height, width, height
    )
    flag = Markup()
    failed = look.tone == "bad"
    if failed or (usual is not None and is_far(point.value, usual)):
        # What to look at has a mark: colour alone does not tell.
        flag = Markup('<text class="flag" x="{:.2f}%" y="{:.1f}">{}</text>').format(
            x + step / 2, max(_ABOVE + _PLOT - height - 5, 11), "×" if failed else "!"
        )
    return Markup('<g class="part tone-{}">{}{}{}</g>').format(look.tone, title, rect, flag)


def is_far(value: float, usual: UsualResource) -> bool:
    """Return whether a value is an outlier: further from the quartiles than 1.5 times their distance (J. Tukey)."""
    reach = 1.5 * (usual.high - usual.low)
    return not usual.low - reach <= value <= usual.high + reach


def whole(value: float) -> str:
    """Write a number of records, with separators."""
    return f"{round(value):,}"


def lasting(value: float) -> str:
    """Write a duration that is given in seconds."""
    return span(timedelta(seconds=round(value, 1)))


def _y(value: float, top: float) -> float:
    return _ABOVE + _PLOT - _PLOT * min(value / top, 1.0)


def _round_up(value: float) -> float:
    """Return the next value with one digit that halves well: 1, 2, 4, 6, 8 or 10 times a power of ten."""
    power = 10.0 ** floor(log10(value))
    digit = ceil(value / power)
    return power * next(each for each in (1, 2, 4, 6, 8, 10) if each >= digit)


def _image(name: str, height: int, title: str, said: str, content: Markup) -> Markup:
    return Markup(
        '<svg class="chart {}" role="img" aria-label="{}" width="100%" height="{}" focusable="false">{}</svg>'
    ).format(name, f"{title}: {safe(said)}", height, content)
