"""Merges the parts of a snapshot's results into one file, block by block, and counts their records. Pure.

Results in JSON are fetched as NDJSON and become an array here: a record is then a line, which can be counted, cut and
joined without parsing. A merger never holds a record: it checks and passes on each block. Its time is linear in the
bytes and its memory is bounded, whatever the size of the blocks.
"""

import re
from typing import Protocol

LARGEST_RECORD = 64 * 1024 * 1024
"""Bytes of one record: a line of NDJSON, or a row of a CSV."""

LARGEST_HEADER = 1024 * 1024
"""Bytes of the header row of a CSV. It is kept, to compare the parts."""


class InvalidRecords(Exception):
    """The answer has no valid records of that format; the text says why."""


class DifferentColumns(InvalidRecords):
    """A part of a CSV has other columns than the first: the parts cannot be merged."""


class TooLarge(InvalidRecords):
    """The answer, or a record in it, exceeds its bound, which the text names."""


class PartMerger(Protocol):
    """Takes the blocks of one part, and returns the bytes to write to the file."""

    records: int
    """The complete records so far."""

    def feed(self, block: bytes) -> bytes:
        """Returns what to write for this block.

        Raises:
            InvalidRecords: it does not fit records of this format.
        """
        ...

    def end(self) -> bytes:
        """Returns what to write at the end of the part.

        Raises:
            InvalidRecords: the last record is incomplete.
        """
        ...


class NdjsonMerger:
    """Merges parts of NDJSON, as they are or as members of a JSON array.

    Drops empty lines, and white space around a line.

    Args:
        lead: written before the part's first record.
        between: written between two records.
        largest: the most bytes of one line.
    """

    def __init__(self, *, lead: bytes, between: bytes, largest: int = LARGEST_RECORD) -> None:
        self.records = 0
        self._lead = lead
        self._between = between
        self._largest = largest
        self._length = 0
        """Bytes of the current line, from its first brace on; 0 between two lines."""
        self._last = b""
        self._spaces: list[bytes] = []
        """White space at the end of the current line, which belongs to it only if more follows."""

    def feed(self, block: bytes) -> bytes:
        """See `PartMerger`."""
        first, *others = block.split(b"\n")
        if not others:
            return self._continued(first)
        last = others.pop()
        written = [self._continued(first)]
        self._finish()
        written += [self._whole(others), self._continued(last)]
        return b"".join(written)

    def end(self) -> bytes:
        """Ends the last line, if no line end did."""
        self._finish()
        return b""

    def _whole(self, lines: list[bytes]) -> bytes:
        found: list[bytes] = []
        for each in lines:
            line = each.strip()
            if not line:
                continue
            if line[:1] != b"{":
                raise _not_objects()
            if len(each) > self._largest and len(each.lstrip()) > self._largest:
                raise self._too_large(self.records + len(found) + 1)
            if line[-1:] != b"}":
                raise _not_objects()
            found.append(line)
        if not found:
            return b""
        self.records += len(found)
        return self._before() + self._between.join(found)

    def _continued(self, text: bytes) -> bytes:
        """Takes the next bytes of a line."""
        before = b""
        if not self._length:
            text = text.lstrip()
            if not text:
                return b""
            if text[:1] != b"{":
                raise _not_objects()
            before = self._before()
        self._length += len(text)
        if self._length > self._largest:
            raise self._too_large(self.records + 1)
        solid = text.rstrip()
        if not solid:
            self._spaces.append(text)
            return b""
        written = b"".join((before, *self._spaces, solid))
        self._spaces = [text[len(solid) :]]
        self._last = solid[-1:]
        return written

    def _finish(self) -> None:
        if not self._length:
            return
        if self._last != b"}":
            raise _not_objects()
        self.records += 1
        self._length = 0
        self._spaces = []

    def _before(self) -> bytes:
        before, self._lead = self._lead, self._between
        return before

    def _too_large(self, number: int) -> TooLarge:
        return TooLarge(f"record {number:,} is larger than {_size(self._largest)}")


class CsvMerger:
    """Merges parts of a CSV; the header row is written once, with the first part.

    Rows end at `\\n` outside of quotes; empty rows do not count as records.

    Args:
        header: the header row of the first part; None for the first part itself.
        largest: the most bytes of one row.
        largest_header: the most bytes of the header row.
    """

    def __init__(
        self, *, header: bytes | None, largest: int = LARGEST_RECORD, largest_header: int = LARGEST_HEADER
    ) -> None:
        self.records = 0
        self.header = b""
        self._expected = header
        self._largest = largest
        self._largest_header = largest_header
        self._held: bytearray | None = bytearray()
        """The header row until it is complete; then None."""
        self._quotes = _Quotes()
        self._length = 0
        self._in_row = False
        self._last = b"\n"

    def feed(self, block: bytes) -> bytes:
        """See `PartMerger`."""
        if self._held is None:
            return self._counted(block)
        self._held += block
        if b"\n" in self._quotes.without(block):
            whole = bytes(self._held)
            return self._begin(whole, _first_row(whole))
        if len(self._held) > self._largest_header:
            raise self._header_too_large()
        return b""

    def end(self) -> bytes:
        """Returns the line end, if the last row lacks it."""
        if self._quotes.open:
            raise InvalidRecords("the CSV ends in the middle of a quoted text")
        written = b"" if self._held is None else self._begin(bytes(self._held), len(self._held))
        if self._in_row:
            self._in_row = False
            self.records += 1
        last = written[-1:] or self._last
        return written if last == b"\n" else written + b"\n"

    def _begin(self, whole: bytes, length: int) -> bytes:
        self.header = whole[:length].rstrip(b"\r\n")
        if len(self.header) > self._largest_header:
            raise self._header_too_large()
        if self._expected is not None and self.header != self._expected:
            raise DifferentColumns("the parts of the CSV have different columns")
        self._held = None
        self._quotes = _Quotes()
        rows = self._counted(whole[length:])
        return whole[:length] + rows if self._expected is None else rows

    def _counted(self, block: bytes) -> bytes:
        if not block:
            return b""
        self._last = block[-1:]
        *whole, rest = self._quotes.without(block).split(b"\n")
        if whole:
            self.records += sum(1 for row in whole[1:] if row.strip(b"\r"))
            self.records += self._in_row or bool(whole[0].strip(b"\r"))
            self._in_row = False
            self._length = len(rest)
        else:
            self._length += len(block)
        self._in_row = self._in_row or bool(rest.strip(b"\r"))
        if self._length > self._largest:
            raise TooLarge(f"record {self.records + 1:,} is larger than {_size(self._largest)}")
        return block

    def _header_too_large(self) -> TooLarge:
        return TooLarge(f"the header row is longer than {_size(self._largest_header)}")


_QUOTED = re.compile(rb'(?<=[,\n])"[^"]*+(?:""[^"]*+)*+(?:"|\Z)')
"""A quoted field, closed or cut by the end. A quote within an unquoted field is an ordinary character."""
_REST = re.compile(rb'[^"]*+(?:""[^"]*+)*+("|\Z)')
_MARK = b"\1"


class _Quotes:
    """Takes the quoted fields out of a CSV, block by block, so that every remaining `\\n` ends a row.

    The rules are those of the `csv` module with its default dialect.
    """

    def __init__(self) -> None:
        self.open = False
        """Whether the last block ended inside quotes."""
        self._closed_at_end = False
        self._at_field = True
        """Whether the next byte begins a field."""

    def without(self, block: bytes) -> bytes:
        """Returns the block with one byte in the place of each quoted field."""
        if not block:
            return b""
        start, before = 0, b""
        if self._closed_at_end and block[:1] == b'"':
            self.open, start = True, 1  # it was the first half of a doubled quote
        if self.open:
            closing = _REST.match(block, start)
            assert closing is not None
            self.open = not closing[1]
            start, before = closing.end(), _MARK
        # One byte of context, for the lookbehind; a field that goes on must not look like one that begins.
        context = b"," if self._at_field and not start else b"x"
        text = context + block[start:]
        plain = _QUOTED.sub(_MARK, text)
        if (text.count(b'"') - plain.count(b'"')) % 2:
            self.open = True
        self._at_field = not self.open and block[-1:] in (b",", b"\n")
        marked = plain[-1:] == _MARK or (start == len(block) and before == _MARK)
        self._closed_at_end = not self.open and block[-1:] == b'"' and marked
        return before + plain[1:]


def _first_row(text: bytes) -> int:
    """Returns the length of the first row with its line end, which the text must have."""
    start = 0
    for quoted in _QUOTED.finditer(b"," + text):
        end = text.find(b"\n", start, quoted.start() - 1)
        if end >= 0:
            return end + 1
        start = quoted.end() - 1
    return text.index(b"\n", start) + 1


def _not_objects() -> InvalidRecords:
    return InvalidRecords("the answer is not one JSON object on each line")


def _size(number: int) -> str:
    return f"{number // 1024**2:,} MiB" if number >= 1024**2 else f"{number:,} bytes"
