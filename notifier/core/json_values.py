"""Resources as JSON values: the one form in which `--json` prints them and the API answers them. Pure."""

import json
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from notifier.core.times import iso


def json_value(value: Any) -> Any:
    """Return a resource, or a collection of resources, as dicts, lists, texts and numbers.

    Times are RFC 3339 in UTC, with milliseconds.

    Raises:
        TypeError: a value has no form in JSON.
    """
    match value:
        case str() | int() | float() | None:
            return value
        case datetime():
            return iso(value)
        case Mapping():
            return {str(key): json_value(each) for key, each in value.items()}
        case list() | tuple() | Set():
            return [json_value(each) for each in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {field.name: json_value(getattr(value, field.name)) for field in fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no JSON form")


def json_bytes(value: Any) -> bytes:
    """Return the JSON of a resource in UTF-8, on one line. Lone surrogates are escaped, as JSON allows.

    Raises:
        TypeError: a value has no form in JSON.
        ValueError: a number is not finite.
    """
    text = json.dumps(json_value(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")
