"""Cursors: the place in a list from which its next page goes on, as text that a URL takes as it is."""

import base64
import json
from collections.abc import Sequence

from notifier.core.errors import BadCursor

LONGEST = 2_000
"""Characters of a cursor: more than any list needs, and few enough to be decoded at once."""

_INTEGERS = range(-(2**63), 2**63)
"""The integers that a database takes."""

Value = int | str
Place = tuple[Value, ...]
"""The sort keys of the last row of a page."""


def encode(kind: str, place: Sequence[Value]) -> str:
    """Return the cursor of a list of this kind that goes on after a place."""
    text = json.dumps([kind, *place], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode("ascii")


def decode(kind: str, cursor: str | None, types: Sequence[type[Value]]) -> Place | None:
    """Return the place that a cursor goes on after; None if there is no cursor.

    Args:
        kind: the kind of the list, with its order.
        cursor: as `encode` made it.
        types: of the values of a place.

    Raises:
        BadCursor: it is no cursor, or that of another list.
    """
    if cursor is None:
        return None
    try:
        if len(cursor) > LONGEST:
            raise ValueError("too long")
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True).decode())
        found, *place = values
        if found == kind and len(place) == len(types) and all(map(_is_of, place, types)):
            return tuple(place)
    except (ValueError, TypeError, RecursionError):  # no base64, no JSON, no list, another list
        pass
    raise BadCursor("the cursor is not one of this list in this order: ask without it, for the first page")


def _is_of(value: object, type_: type[Value]) -> bool:
    """Whether a value has exactly this type (`True` is no integer), and a database takes it."""
    if isinstance(value, str):
        value.encode()  # a half of a surrogate pair raises here
    return type(value) is type_ and (not isinstance(value, int) or value in _INTEGERS)
