"""Results on their way from the wire to a file: counted and joined piece by piece, never held as a whole. Pure.

JSON is fetched as NDJSON and made an array here: a record is then a line, which can be counted, cut and joined without
reading what is inside of it.
"""

import csv
import sys
import zlib
from collections.abc import Iterator
from typing import Protocol, TextIO

_GZIP = b"\x1f\x8b"
_MOST_UNPACKED = 1024 * 1024


class NotRecords(Exception):
    """What came is no records of that format; the text says what it is."""


class DifferentColumns(NotRecords):
    """A part of a CSV has other columns than the first: the parts cannot be joined."""


class Joiner(Protocol):
    """Takes the pieces of one part, and gives what is to be written to the file."""

    records: int
    """The records of the part so far; of CSV they are counted in the file (`count_csv`)."""

    def feed(self, piece: bytes) -> bytes:
        """What to write for this piece.

        Raises:
            NotRecords: it is none.
        """
        ...

    def end(self) -> bytes:
        """What to write at the end of the part.

        Raises:
            NotRecords: the last piece was none.
        """
        ...


class Lines:
    """A part of NDJSON, to be written as it is or as members of a JSON array.

    Args:
        lead: what stands before its first record.
        between: what stands between two records.
    """

    def __init__(self, *, lead: bytes, between: bytes) -> None:
        self.records = 0
        self._lead = lead
        self._between = between
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """The whole lines of it."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return self._written(lines)

    def end(self) -> bytes:
        """The last line, if nothing ended it."""
        rest, self._rest = self._rest, b""
        return self._written([rest])

    def _written(self, lines: list[bytes]) -> bytes:
        found = [line for each in lines if (line := each.strip())]
        for line in found:
            if line[:1] != b"{" or line[-1:] != b"}":
                raise NotRecords("the answer is not one JSON object on each line")
        if not found:
            return b""
        self.records += len(found)
        lead, self._lead = self._lead, self._between
        return lead + self._between.join(found)


class Rows:
    """A part of a CSV: of every part but the first the line of names is left out.

    Args:
        header: the line of names of the first part; None for the first part itself.
    """

    def __init__(self, *, header: bytes | None) -> None:
        self.records = 0
        self.header = b""
        self._expected = header
        self._begun = False
        self._rest = b""
        self._last = b"\n"

    def feed(self, piece: bytes) -> bytes:
        """It without the line of names, if that was written before."""
        if not self._begun:
            self._rest += piece
            length = _first_row(self._rest)
            if length is None:
                return b""
            piece = self._begin(length)
        if piece:
            self._last = piece[-1:]
        return piece

    def end(self) -> bytes:
        """The line end that the last row may lack."""
        piece = b"" if self._begun else self._begin(len(self._rest))
        last = piece[-1:] or self._last
        return piece if last == b"\n" else piece + b"\n"

    def _begin(self, length: int) -> bytes:
        self._begun = True
        self.header = self._rest[:length].rstrip(b"\r\n")
        if self._expected is None:
            return self._rest
        if self.header != self._expected:
            raise DifferentColumns("the parts of the CSV have different columns")
        return self._rest[length:]


def _first_row(text: bytes) -> int | None:
    """The length of the first row with its line end, which may have line ends in quotes; None if it is not whole."""
    end = -1
    while (end := text.find(b"\n", end + 1)) >= 0:
        if text.count(b'"', 0, end) % 2 == 0:
            return end + 1
    return None


def count_csv(file: TextIO) -> int:
    """The records of a CSV, its line of names not counted. The file was opened with `newline=""`."""
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    return max(0, sum(1 for row in csv.reader(file) if row) - 1)


class Unpacker:
    """The plain bytes of an answer that may be compressed with gzip, in any number of members."""

    def __init__(self) -> None:
        self._begun = False
        self._inflater: zlib._Decompress | None = None
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The bytes in it, in pieces of a bounded size.

        Raises:
            NotRecords: it begins like gzip and is not.
        """
        if not self._begun:
            self._rest += piece
            if len(self._rest) < len(_GZIP):
                return
            piece, self._rest, self._begun = self._rest, b"", True
            if piece.startswith(_GZIP):
                self._inflater = zlib.decompressobj(wbits=31)
        if self._inflater is None:
            yield piece
            return
        try:
            yield from self._inflated(piece)
        except zlib.error as error:
            raise NotRecords(f"the answer is not valid gzip: {error}") from error

    def _inflated(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            assert self._inflater is not None
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(wbits=31)
            yield self._inflater.decompress(piece, _MOST_UNPACKED)
            piece = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail

    def end(self) -> bytes:
        """What is left when the answer is at its end.

        Raises:
            NotRecords: the compressed answer is cut.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise NotRecords("the compressed answer ends in the middle")
        return self._rest
