"""Unpacks results that were requested as gzip, in steps of a bounded size. Pure."""

import zlib
from collections.abc import Iterator

from notifier.brightdata.datasets.records import InvalidRecords

STEP = 256 * 1024
"""The most bytes that one step unpacks: about a millisecond. A gzip of one MiB can hold a GiB."""

_SLICE = 16 * 1024
"""Packed bytes per step; the rest after the end of a gzip member is copied."""

_GZIP = b"\x1f\x8b"


class Unpacker:
    """Unpacks an answer; a gzip may have any number of members.

    Args:
        packed: whether gzip was requested. An answer that is plain nevertheless is taken as it is.
    """

    def __init__(self, *, packed: bool) -> None:
        self._packed = packed
        self._started = False
        self._inflater: zlib._Decompress | None = None
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yields the unpacked bytes, in pieces of a bounded size.

        Raises:
            InvalidRecords: it is packed though that was not requested, or it is not a valid gzip.
        """
        if not self._started:
            self._rest += piece
            if len(self._rest) < len(_GZIP):
                return
            piece, self._rest, self._started = self._rest, b"", True
            if piece.startswith(_GZIP):
                if not self._packed:
                    raise InvalidRecords("the answer is packed with gzip, which was not asked for")
                self._inflater = zlib.decompressobj(wbits=31)
        if self._inflater is None:
            yield piece
            return
        try:
            for start in range(0, len(piece), _SLICE):
                yield from self._inflated(piece[start : start + _SLICE])
        except zlib.error as error:
            raise InvalidRecords(f"the answer is not valid gzip: {error}") from error

    def _inflated(self, piece: bytes) -> Iterator[bytes]:
        while piece:
            assert self._inflater is not None
            if self._inflater.eof:
                self._inflater = zlib.decompressobj(wbits=31)
            yield self._inflater.decompress(piece, STEP)
            piece = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail

    def end(self) -> bytes:
        """Returns the rest at the end of the answer.

        Raises:
            InvalidRecords: the packed answer is incomplete.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise InvalidRecords("the packed answer ends in the middle")
        return self._rest
