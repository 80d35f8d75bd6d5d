"""Reads the inputs of a collection from JSON, NDJSON or CSV into a request body. Pure.

A collection is billed, so input that is plainly a mistake is refused, with its place and the cure.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import PurePath
from typing import Any, NoReturn

from notifier.brightdata.datasets.csv_inputs import Table, read_table
from notifier.brightdata.datasets.input_place import InvalidInput, invalid_at

LARGEST = 64 * 1024 * 1024
"""Bytes; about a million URLs. The file is read as a whole, to check all of it before anything is billed."""


class InputFormat(StrEnum):
    """The format of a file of inputs."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


_ENDINGS = {
    ".json": InputFormat.JSON,
    ".ndjson": InputFormat.NDJSON,
    ".jsonl": InputFormat.NDJSON,
    ".csv": InputFormat.CSV,
    ".tsv": InputFormat.CSV,
}
_OTHER_KINDS = (
    (b"PK\x03\x04", "this is an Excel workbook, or another ZIP file: save the sheet as `CSV UTF-8`"),
    (b"\xd0\xcf\x11\xe0", "this is an old Excel workbook: save the sheet as `CSV UTF-8`"),
    (b"\x1f\x8b", "this is packed with gzip: unpack it first"),
)
_BYTE_ORDER_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_TEXT_OR_CONSTANT = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<constant>NaN|-?Infinity)')
_BETWEEN = re.compile(r"[\s,]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """The body of a trigger, its content type, and its inputs.

    `entries` are the inputs in their order, `fields` all their field names in the order of appearance, and `lines` the
    line of the file in which each input begins, empty if that is not known. `left_out` counts empty rows.
    """

    body: bytes
    content_type: str
    entries: Sequence[Mapping[str, Any]]
    fields: Sequence[str]
    lines: Sequence[int] = ()
    left_out: int = 0

    @property
    def number(self) -> int:
        """The number of inputs."""
        return len(self.entries)


def read_inputs(content: bytes, *, name: str = "", kind: InputFormat | None = None) -> Inputs:
    """Reads a file into what a trigger sends.

    Args:
        content: of the file.
        name: of the file; its suffix decides the format.
        kind: the format, if known; otherwise the suffix decides, otherwise the content.

    Raises:
        InvalidInput: it is not of that format, or has nothing to collect; the text says where, and the cure.
    """
    text = _text(content)
    if not text.strip():
        raise InvalidInput("it is empty: there is nothing to collect")
    match kind or _ENDINGS.get(PurePath(name).suffix.lower()) or _guessed(text):
        case InputFormat.JSON:
            return _json(text)
        case InputFormat.NDJSON:
            return _ndjson(text)
        case InputFormat.CSV:
            return _csv(text)


def _text(content: bytes) -> str:
    for begin, why in _OTHER_KINDS:
        if content.startswith(begin):
            raise InvalidInput(why)
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "utf-16":
            why = f"the byte at offset {error.start} is not UTF-16, as which the file begins: save it as UTF-8"
            raise InvalidInput(why) from None
        before = content[: error.start].decode("utf-8", "replace")
        why = "this byte is not UTF-8: save the file as UTF-8, which Excel calls `CSV UTF-8`"
        raise invalid_at(before, len(before), why) from None
    if (nul := text.find("\0")) >= 0:
        raise invalid_at(text, nul, "a NUL character stands here: save the file as text in UTF-8")
    return text


def _guessed(text: str) -> InputFormat:
    start = text.lstrip()
    if start.startswith("["):
        return InputFormat.JSON
    if not start.startswith("{"):
        return InputFormat.CSV
    try:
        first, end = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        return InputFormat.JSON  # its error says what is wrong
    return InputFormat.JSON if not start[end:].strip() and "input" in first else InputFormat.NDJSON


class _InvalidConstant(ValueError):
    """A constant that JSON does not have."""


class _DuplicateKey(ValueError):
    """A key occurs twice in one object."""


def _refuse_constant(word: str) -> NoReturn:
    raise _InvalidConstant(word)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _DuplicateKey(next(key for key in keys if keys.count(key) > 1))
    return found


def _parsed(text: str) -> Any:
    """Parses strict JSON.

    Raises:
        InvalidInput: it is not JSON. Lines count within the text.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        why = f"not JSON: {error.msg[:1].lower()}{error.msg[1:]}{_hint(text, error)}"
        raise invalid_at(text, error.pos, why) from None
    except _InvalidConstant as error:
        where = next((each.start() for each in _TEXT_OR_CONSTANT.finditer(text) if each["constant"]), 0)
        why = f"{error} is not JSON: pandas and Python write it for a missing value; leave the field out, or write null"
        raise invalid_at(text, where, why) from None
    except _DuplicateKey as error:
        raise InvalidInput(f"the key {_shown(error)} occurs twice in one object") from None
    except RecursionError:
        raise InvalidInput("not JSON that can be read: it is nested too deeply") from None
    except ValueError as error:  # a number of thousands of digits
        raise InvalidInput(f"not JSON that can be read: {error}") from None


def _hint(text: str, error: json.JSONDecodeError) -> str:
    if error.msg == "Extra data" and text.lstrip().startswith("{"):
        return "; one object on each line is NDJSON: say `--format ndjson`"
    return "; JSON has double quotes" if text[error.pos : error.pos + 1] == "'" else ""


def _shown(text: object) -> str:
    return repr(str(text)[:60])


def _json(text: str) -> Inputs:
    read = _parsed(text)
    entries = read.get("input") if isinstance(read, dict) else read
    if not isinstance(entries, list):
        raise InvalidInput(_not_a_list(read))
    for index, entry in enumerate(entries):
        if why := _flaw(entry):
            raise _invalid_entry(text, index, why) if read is entries else InvalidInput(f"entry {index + 1}: {why}")
    return _of_objects(entries, read)


def _not_a_list(read: object) -> str:
    wanted = 'expected a JSON array of objects, or {"input": [...]}'
    if not isinstance(read, dict):
        return wanted
    if read and all(isinstance(column, dict) and "0" in column for column in read.values()):
        return f"{wanted}: this is a table by columns; `df.to_json(…, orient='records')` writes one by rows"
    return f"{wanted}: put brackets around a single object, `[{{…}}]`"


def _invalid_entry(text: str, index: int, why: str) -> InvalidInput:
    """Returns the error for an entry of the array, with its place."""
    decoder, where = json.JSONDecoder(), text.index("[") + 1
    for number in range(index + 1):
        space = _BETWEEN.match(text, where)
        where = space.end() if space else where
        if number < index:
            where = decoder.raw_decode(text, where)[1]
    return invalid_at(text, where, f"entry {index + 1}: {why}")


def _ndjson(text: str) -> Inputs:
    entries, lines = [], []
    for number, line in enumerate(text.split("\n"), start=1):  # not splitlines: U+2028 is valid in a string
        if not line.strip():
            continue
        try:
            entry = _parsed(line)
        except InvalidInput as error:
            raise InvalidInput(error.text, number, error.column) from None
        if why := _flaw(entry):
            raise InvalidInput(why, number)
        entries.append(entry)
        lines.append(number)
    return _of_objects(entries, entries, lines)


def _flaw(entry: object) -> str | None:
    """Returns why an entry of a list cannot be an input."""
    if isinstance(entry, str) and "://" in entry:
        return f'expected an object, such as {{"url": {json.dumps(entry[:60])}}}'
    if not isinstance(entry, dict):
        return 'expected an object, such as {"url": "https://…"}'
    try:
        json.dumps(entry, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        return f"half a character ({error.object[error.start]!r}) stands in it: it was cut within an emoji, say"
    except ValueError:
        return "a number in it is larger than any computer's"
    return None


def _of_objects(entries: list[Any], whole: object, lines: Sequence[int] = ()) -> Inputs:
    if not entries:
        raise InvalidInput("it has no entry: there is nothing to collect")
    try:
        body = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:  # beside the list: each entry was checked
        raise InvalidInput("what stands beside `input` cannot be sent as JSON") from None
    fields = tuple(dict.fromkeys(name for entry in entries for name in entry))
    return Inputs(body=body, content_type="application/json", entries=entries, fields=fields, lines=lines)


def _csv(text: str) -> Inputs:
    table = read_table(text)
    return Inputs(
        body=table.csv,
        content_type="text/csv",
        entries=_Rows(table),
        fields=table.names,
        lines=table.lines,
        left_out=table.left_out,
    )


class _Rows(Sequence[Mapping[str, Any]]):
    """The rows of a table as inputs, each built on access."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table.lines)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return (dict(zip(self._table.names, row, strict=True)) for row in self._table.rows())

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return list(self)[index]
        place = range(len(self))[index]
        return next(islice(self, place, None))
