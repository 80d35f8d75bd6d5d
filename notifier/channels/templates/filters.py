"""The filters of templates: those of Jinja2 that make a value no larger, and a few of ours, all bounded."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from itertools import islice
from typing import Any

from notifier.channels.templates.limits import LONGEST_RANGE, LONGEST_RESULT, current, fits

JINJAS = (
    *("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "int", "last", "length", "list"),
    *("lower", "max", "min", "reverse", "sort", "string", "sum", "title", "trim", "truncate", "unique", "upper"),
    "urlencode",
)
"""The filters that are Jinja2's own."""


def filters(jinjas: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """Returns all filters, given Jinja2's own."""
    found = {name: jinjas[name] for name in JINJAS}
    found.update(commas=_commas, join=_join, replace=_replace, round=_round, tojson=_tojson)
    return {name: _bounded(function) for name, function in found.items()}


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """Bounds the result of a filter. (`tojson` can double a text each time.)"""

    @wraps(function)
    def bounded(*args: Any, **options: Any) -> Any:
        current().check()
        result = function(*args, **options)
        if isinstance(result, str | list | tuple | dict):
            fits(len(result))
        return result

    return bounded


def bounded_range(*args: int) -> range:
    """Returns `range(*args)`, within the size that a message can have."""
    numbers = range(*args)
    if numbers[LONGEST_RANGE:]:
        raise ValueError(f"a range of more than {LONGEST_RANGE:,} numbers")
    return numbers


def _join(items: Iterable[Any], separator: str = "") -> str:
    texts = [str(item) for item in islice(items, LONGEST_RESULT)]
    fits(sum(map(len, texts)) + len(texts) * len(separator))
    return separator.join(texts)


def _replace(text: Any, old: str, new: str) -> str:
    before = str(text)
    fits(len(before) + (before.count(old) * len(new)))
    return before.replace(old, new)


def _round(number: float, digits: int = 0) -> float:
    return round(number, digits) if digits else round(number)


def _commas(number: int) -> str:
    """Formats a number with thousands separators: 12,345."""
    return f"{number:,}"


def _tojson(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
