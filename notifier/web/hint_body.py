"""Finds the ids of snapshots in the body of a hint, whatever it is: JSON, a form, XML or plain text. Pure.

Bright Data documents `{"snapshot_id": …, "status": …}` and promises nothing. Nothing else of a body is read: what it
claims is found out by a poll. The declared content type is not looked at, because it may be wrong.
"""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from notifier.core.snapshot.ids import LONGEST_ID, flaw_of_id

MOST_IDS = 50
"""Ids that are taken from one body."""

MOST_FIELDS = 1_000
_MOST_TEXTS = 1_000
_DEEPEST_TEXT = 3
"""Levels of JSON texts inside of JSON texts."""

_KEY = "snapshotid"
_NAMED = re.compile(
    rf"snapshot[ _-]?id[\s\"'>=:\[\\]{{1,20}}([A-Za-z0-9_-]{{1,{LONGEST_ID}}})(?![A-Za-z0-9_-])", re.IGNORECASE
)


def snapshot_ids(body: bytes) -> list[str]:
    """Return the ids that a body names under `snapshot_id`, each once, in their order; at most `MOST_IDS`."""
    text = _text(body)
    in_json = _in_json(text, _DEEPEST_TEXT)
    if in_json is not None:
        return _ids(in_json)
    return _ids(_in_form(text)) or _ids(match[1] for match in _NAMED.finditer(text)) or _ids(_alone(text))


def _ids(texts: Iterable[str]) -> list[str]:
    short = dict.fromkeys(each for each in islice(texts, _MOST_TEXTS) if len(each) <= LONGEST_ID)
    return [each for each in short if flaw_of_id(each, quoting=False) is None][:MOST_IDS]


def _text(body: bytes) -> str:
    try:
        return body.decode(json.detect_encoding(body)).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError:
        return body.decode("utf-8", "replace")


def _in_json(text: str, deepest: int) -> list[str] | None:
    """Return the ids in JSON, also in texts that are JSON themselves; None if it is none."""
    values: list[str] = []

    def note(pairs: list[tuple[str, Any]]) -> None:
        for key, value in pairs:
            if _is_key(key):
                values.extend(_texts(value))
            elif deepest and isinstance(value, str) and value.startswith(("{", "[")):
                values.extend(_in_json(value, deepest - 1) or ())

    try:
        whole = json.loads(text, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return None
    if deepest and isinstance(whole, str):
        values.extend(_in_json(whole, deepest - 1) or _alone(whole))
    return values


def _texts(value: object) -> list[str]:
    some = value[:_MOST_TEXTS] if isinstance(value, list) else [value]
    return [each.strip() for each in some if isinstance(each, str)]


def _in_form(text: str) -> Iterator[str]:
    """Yield the ids in a form, also in a field that holds JSON."""
    try:
        fields = parse_qsl(text.strip(), max_num_fields=MOST_FIELDS)
    except ValueError:
        return
    for key, value in fields:
        if _is_key(key.removesuffix("[]")):
            yield from re.split(r"[\s,]+", value.strip())
        else:
            yield from _in_json(value, 1) or ()


def _alone(text: str) -> Iterator[str]:
    """Yield the text itself if it is one word, as an id is."""
    word = text.strip()
    if len(word) <= LONGEST_ID and re.fullmatch(r"[A-Za-z]+_[A-Za-z0-9_-]+", word):
        yield word


def _is_key(key: str) -> bool:
    return key.strip().casefold().replace("_", "").replace("-", "").replace(" ", "") == _KEY
