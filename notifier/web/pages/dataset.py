"""The page of a dataset: records and duration of its collections over time, with the usual range."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from notifier.core.resource_pages import DatasetPage
from notifier.core.resource_parts import CollectionResource, UsualResource
from notifier.web.pages.charts import Number, Point, columns, lasting, range_of, whole
from notifier.web.pages.formats import exact
from notifier.web.pages.looks import of_status

CHARTED = 60
"""Collections in a chart: each is at least a few pixels wide on a phone."""

Value = Callable[[CollectionResource], float | None]


def context(found: DatasetPage, now: datetime) -> dict[str, Any]:
    """Return what the template `dataset` needs."""
    charted = found.collections[-CHARTED:]
    return {
        "dataset": found.dataset,
        "name": found.watch.name if found.watch is not None and found.watch.name else found.dataset,
        "watch": found.watch,
        "rows": tuple(reversed(found.collections)),
        "charted": len(charted),
        "records_chart": _chart(charted, "Records", lambda each: each.records, found.usual_records, whole),
        "duration_chart": _chart(charted, "Duration", lambda each: each.duration_s, found.usual_duration_s, lasting),
        "usual_records": _range(found.usual_records, whole),
        "usual_duration": _range(found.usual_duration_s, lasting),
    }


def _chart(
    collections: Sequence[CollectionResource], title: str, value: Value, usual: UsualResource | None, number: Number
) -> str:
    points = []
    for each in collections:
        known = value(each)
        look = of_status(each.status, each.records, each.errors)
        said = f"{each.snapshot}: {look.word}, {'not known' if known is None else number(known)}"
        points.append(
            Point(
                said=f"{said}, {exact(each.started)}" if each.started else said,
                value=known,
                status=each.status,
                records=each.records,
                errors=each.errors,
            )
        )
    return columns(points, title=title, usual=usual, number=number)


def _range(usual: UsualResource | None, number: Number) -> str:
    return "" if usual is None else range_of(usual, number)
