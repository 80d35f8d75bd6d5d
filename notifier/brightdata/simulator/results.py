"""The results of a simulated snapshot: as many records as its progress reports, made from its seed. Pure.

A record has what breaks careless parsers: commas, quotes, line breaks in a text, letters beyond ASCII, and nesting. A
record is the same in every format, batch and answer.
"""

import csv
import io
import json
import sys
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

from notifier.brightdata.simulator.faults import mixed

FORMATS: Mapping[str, str] = {
    "json": "application/json; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
}
"""The values of `format`, with the content type of each."""

SMALLEST_BATCH = 1_000
"""The least `batch_size` (documented)."""

_AT_ONCE = 1_000
_WORDS = ("plain", 'said "yes"', "one, two", "two\nlines", "größer", "日本", "tab\there", "back\\slash")
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


class ResultsState(Enum):
    """The states of a snapshot's results."""

    NOT_FOUND = auto()
    NOT_READY = auto()
    BUILDING = auto()
    EMPTY = auto()
    EXPIRED = auto()
    ENDED_WITHOUT = auto()
    THERE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """A snapshot's results: their state; if they exist, their number and their seed."""

    state: ResultsState
    status: str = ""
    records: int = 0
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The records requested, and their format: `part` counts from 1, and None takes all of them."""

    format: str = "json"
    compress: bool = False
    batch_size: int | None = None
    part: int | None = None

    def parts(self, records: int) -> int:
        """Returns the number of parts."""
        return 1 if self.batch_size is None else max(1, -(-records // self.batch_size))

    def chosen(self, records: int) -> range:
        """Returns the records of the requested part."""
        if self.batch_size is None or self.part is None:
            return range(records)
        start = (self.part - 1) * self.batch_size
        return range(start, min(start + self.batch_size, records))


def record(seed: int, k: int) -> dict[str, object]:
    """Returns the k-th record of a snapshot."""
    bits = mixed(seed, k)
    return {
        "url": f"https://example.com/item/{bits % 10**9}",
        "title": f"Item {k}: {_WORDS[bits % len(_WORDS)]}",
        "price": (bits >> 20) % 100_000 / 100,
        "in_stock": bool(bits >> 40 & 1),
        "seller": {"id": bits >> 48, "name": _WORDS[(bits >> 8) % len(_WORDS)]},
        "tags": [_WORDS[(bits >> 12) % len(_WORDS)]] if bits >> 44 & 1 else [],
    }


def body(selection: Selection, seed: int, records: int) -> Iterator[bytes]:
    """Yields the bytes of an answer, a thousand records at a time."""
    plain = _plain(selection, seed, selection.chosen(records))
    return compressed(plain) if selection.compress else plain


def endless(selection: Selection, seed: int) -> Iterator[bytes]:
    """Yields the bytes of an answer with records without end."""
    plain = _plain(selection, seed, range(sys.maxsize))
    return compressed(plain) if selection.compress else plain


def _plain(selection: Selection, seed: int, numbers: range) -> Iterator[bytes]:
    if selection.format == "csv":
        yield _row(record(seed, 0))
    if selection.format == "json":
        yield b"["
    for start in range(0, len(numbers), _AT_ONCE):
        chosen = [record(seed, k) for k in numbers[start : start + _AT_ONCE]]
        match selection.format:
            case "csv":
                yield b"".join(_row(each.values()) for each in chosen)
            case "json":
                yield (",\n" if start else "").encode() + ",\n".join(map(_encode, chosen)).encode()
            case _:
                yield "".join(_encode(each) + "\n" for each in chosen).encode()
    if selection.format == "json":
        yield b"]"


def _row(values: object) -> bytes:
    line = io.StringIO()
    assert hasattr(values, "__iter__")
    csv.writer(line, lineterminator="\n").writerow(
        [_encode(value) if isinstance(value, dict | list) else value for value in values]
    )
    return line.getvalue().encode()


def compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yields the pieces, packed with gzip."""
    packer = zlib.compressobj(wbits=31)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()
