"""Reads from the answer to a trigger which inputs Bright Data refuses, and why. Pure.

Documented and observed shapes are `{"error", "line", "index", "errors": [[field, text], …]}` and `{"validation_errors":
[…]}`. `line` quotes the input, and so identifies it. Whether `index` counts from 0 or from 1, and in CSV with the
header line or without, is not documented: alone it identifies an input only where one way of counting is possible;
elsewhere it is reported as Bright Data's.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from notifier.brightdata.datasets.inputs import Inputs
from notifier.brightdata.http.foreign_text import redacted
from notifier.brightdata.http.lenient_json import json_of
from notifier.core.words import one_line

LONGEST_TEXT = 2_000
LONGEST_QUOTED = 120
MOST_FAULTS = 100_000
DEEPEST = 5

_LISTS = ("errors", "validation_errors", "details")
_TEXTS = ("message", "error", "error_message", "msg", "text", "reason")
_FIELDS = ("field", "path", "name", "param", "key")


@dataclass(frozen=True, kw_only=True, slots=True)
class InputError:
    """An error in one input, or in the request as a whole.

    `number` is the input's, from 1, and `line` its line in the file. If it is not clear which input the answer means,
    `index` and `quoted` are those of the answer. `field` is the input's field.
    """

    text: str
    field: str | None = None
    number: int | None = None
    line: int | None = None
    index: int | None = None
    quoted: str | None = None

    def __str__(self) -> str:
        places = []
        if self.number is not None:
            places.append(f"input {self.number}" + (f" (line {self.line})" if self.line is not None else ""))
        elif self.index is not None:
            places.append(f"index {self.index} as Bright Data counts")
        if self.number is None and self.quoted:
            places.append(self.quoted)
        return ": ".join([*places, *([self.field] if self.field else []), self.text])


def faults_of(body: bytes, inputs: Inputs, secret: str) -> tuple[InputError, ...]:
    """Returns all errors that an answer lists.

    Args:
        body: of the answer.
        inputs: those that were sent.
        secret: masked wherever the answer quotes it.
    """
    finder = _Finder(inputs)
    found: list[InputError] = []
    with suppress(ValueError, RecursionError):  # not JSON, or nested too deeply to be compared or shown
        _find(json_of(body), finder, inputs, secret, found)
    return tuple(found)


def _find(read: object, finder: "_Finder", inputs: Inputs, secret: str, found: list[InputError]) -> None:
    """Adds all errors in the value."""
    for node, field, text in _said(read, {}, 0):
        number, index = finder.number(node)
        found.append(
            InputError(
                text=one_line(redacted(text, secret), LONGEST_TEXT),
                field=None if field is None else one_line(redacted(field, secret), LONGEST_TEXT),
                number=number,
                line=inputs.lines[number - 1] if number is not None and inputs.lines else None,
                index=index if number is None else None,
                quoted=_quoted(node, secret) if number is None else None,
            )
        )
        if len(found) >= MOST_FAULTS:
            break


def _quoted(node: Mapping[str, Any], secret: str) -> str | None:
    """Returns the input as the answer quotes it."""
    line = node.get("line")
    text = line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) if isinstance(line, dict) else ""
    return one_line(redacted(text, secret), LONGEST_QUOTED) or None


def _said(node: object, around: Mapping[str, Any], depth: int) -> Iterator[tuple[Mapping[str, Any], str | None, str]]:
    """Yields each error text with its field and the object that identifies its input."""
    if depth > DEEPEST:
        return
    if isinstance(node, list):
        if node and isinstance(node[0], str) and depth and all(isinstance(each, str) for each in node):
            yield from _pair(node, around)
            return
        for each in node:
            yield from _said(each, around, depth + 1)
    elif isinstance(node, dict):
        around = node if "index" in node or "line" in node else around
        lists = [node[key] for key in _LISTS if isinstance(node.get(key), list | dict) and node[key]]
        for each in lists:
            if isinstance(each, dict):
                yield from _by_field(each, around)
            else:
                for one in each:
                    yield from _one(one, around, depth + 1)
        text = next((node[key] for key in _TEXTS if isinstance(node.get(key), str)), None)
        if not lists and depth and text is not None:
            yield around, next((node[key] for key in _FIELDS if isinstance(node.get(key), str)), None), text


def _one(node: object, around: Mapping[str, Any], depth: int) -> Iterator[tuple[Mapping[str, Any], str | None, str]]:
    if isinstance(node, str):
        yield around, None, node
    else:
        yield from _said(node, around, depth)


def _pair(node: list[str], around: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str | None, str]]:
    """Reads `["url", "Value should match …"]`: a field, and what its value should be."""
    if len(node) == 1:
        yield around, None, node[0]
        return
    text = "; ".join(node[1:])
    yield around, node[0], text.removeprefix("Value ")


def _by_field(
    node: Mapping[str, Any], around: Mapping[str, Any]
) -> Iterator[tuple[Mapping[str, Any], str | None, str]]:
    """Reads `{"url": ["…", …]}`."""
    for field, texts in node.items():
        for text in texts if isinstance(texts, list) else [texts]:
            yield around, field, text if isinstance(text, str) else json.dumps(text)


class _Finder:
    """Finds the input that an error refers to."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._numbers: dict[str, list[int]] | None = None

    def number(self, node: Mapping[str, Any]) -> tuple[int | None, int | None]:
        """Returns the input's number from 1, None if it is not clear, and the index in the answer."""
        given = node.get("index")
        index = given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else None
        alike = self._alike(node.get("line"))
        if len(alike) == 1:
            return alike[0], index
        if index is None or (not alike and self._inputs.content_type == "text/csv"):
            return None, index
        possible = {each for each in (index, index + 1) if 1 <= each <= self._inputs.number}
        if alike:
            possible &= {*alike}
        return (possible.pop() if len(possible) == 1 else None), index

    def _alike(self, line: object) -> list[int]:
        """Returns the numbers of the inputs equal to the one that the answer quotes."""
        try:
            quoted = json_of(line.encode("utf-8", "replace")) if isinstance(line, str) else line
        except (ValueError, RecursionError):
            return []
        if not isinstance(quoted, dict):
            return []
        if self._numbers is None:
            self._numbers = {}
            for number, entry in enumerate(self._inputs.entries, start=1):
                self._numbers.setdefault(_key(entry), []).append(number)
        return self._numbers.get(_key(quoted), [])


def _key(entry: Mapping[str, Any]) -> str:
    """Returns an input as text for comparison; CSV values match whether read as `5` or as `"5"`."""
    return json.dumps(sorted((name, str(value)) for name, value in entry.items() if value not in (None, "")))
