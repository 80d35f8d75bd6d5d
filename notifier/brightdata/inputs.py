"""What a collection is to collect, read from a file: JSON, NDJSON or CSV, into what the API takes. Pure."""

import csv
import io
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

LARGEST = 256 * 1024 * 1024
"""Bytes. It is read as a whole, to be sure of it before anything is billed."""


class InputFormat(StrEnum):
    """How the inputs stand in the file."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


_ENDINGS = {
    ".json": InputFormat.JSON,
    ".ndjson": InputFormat.NDJSON,
    ".jsonl": InputFormat.NDJSON,
    ".csv": InputFormat.CSV,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """The body of a trigger and its content type, with the number of inputs in it."""

    body: bytes
    content_type: str
    number: int


def read_inputs(content: bytes, *, name: str = "", kind: InputFormat | None = None) -> Inputs:
    """What a trigger sends for a file.

    Args:
        content: of the file.
        name: of the file, whose ending tells the format.
        kind: its format, if it is known; else the ending tells it, else the content does.

    Raises:
        ValueError: it is not of that format, or holds nothing to collect; the text says where.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"the byte at offset {error.start} is not UTF-8: save the file as UTF-8") from None
    if not text.strip():
        raise ValueError("it is empty: there is nothing to collect")
    match kind or _ENDINGS.get(PurePath(name).suffix.lower()) or _guessed(text):
        case InputFormat.JSON:
            return _json(text)
        case InputFormat.NDJSON:
            return _ndjson(text)
        case InputFormat.CSV:
            return _csv(text)


def _guessed(text: str) -> InputFormat:
    start = text.lstrip()
    if start.startswith("["):
        return InputFormat.JSON
    if not start.startswith("{"):
        return InputFormat.CSV
    try:
        first, end = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        return InputFormat.JSON  # whose error then says what is wrong
    return InputFormat.JSON if not start[end:].strip() and "input" in first else InputFormat.NDJSON


def _json(text: str) -> Inputs:
    try:
        read = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    entries = read.get("input") if isinstance(read, dict) else read
    if not isinstance(entries, list):
        raise ValueError('a JSON array of objects is wanted, or {"input": [...]}')
    return _of_objects(entries, [f"entry {number}" for number in range(1, len(entries) + 1)], read)


def _ndjson(text: str) -> Inputs:
    entries, places = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                entries.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                said = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                raise ValueError(f"line {number}: not JSON: {said}") from None
            places.append(f"line {number}")
    return _of_objects(entries, places, entries)


def _of_objects(entries: list[object], places: list[str], whole: object) -> Inputs:
    for entry, place in zip(entries, places, strict=True):
        if not isinstance(entry, dict):
            raise ValueError(f'{place}: an object is wanted, such as {{"url": "https://…"}}')
    if not entries:
        raise ValueError("it has no entry: there is nothing to collect")
    body = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return Inputs(body=body, content_type="application/json", number=len(entries))


def _csv(text: str) -> Inputs:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = -1
    names: list[str] = []
    try:
        for row in reader:
            if not row:
                continue
            number += 1
            if number == 0:
                names = row
            elif len(row) != len(names):
                raise ValueError(f"line {reader.line_num}: {len(row)} values, and the first line names {len(names)}")
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: not CSV: {error}") from None
    if number < 1:
        raise ValueError(
            "it has a line of names and nothing to collect: a CSV has its columns' names in the first line"
        )
    return Inputs(body=text.encode(), content_type="text/csv", number=number)
