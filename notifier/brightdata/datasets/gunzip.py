"""Unpacks results that were asked for packed with gzip, in steps of a bounded size. Pure."""

import zlib
from collections.abc import Iterator

from notifier.brightdata.datasets.records import InvalidRecords

STEP = 256 * 1024
"""Bytes that one step unpacks at most: about a millisecond. A gzip of one MiB can hold a GiB."""

_SLICE = 16 * 1024
"""Packed bytes that are looked at together; what is left of them after a member of a gzip is copied."""

_GZIP = b"\x1f\x8b"


class Unpacker:
    """Gives the plain bytes of an answer; a gzip may have any number of members.

    Args:
        packed: whether gzip was asked for. What comes plain although it was is taken as it is.
    """

    def __init__(self, *, packed: bool) -> None:
        self._packed = packed
        self._begun = False
        self._inflater: zlib._Decompress | None = None
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the bytes in it, in pieces of a bounded size.

        Raises:
            InvalidRecords: it is packed and should not be, or begins like a gzip and is none.
        """
        if not self._begun:
            self._rest += piece
            if len(self._rest) < len(_GZIP):
                return
            piece, self._rest, self._begun = self._rest, b"", True
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
        """Return what is left when the answer is at its end.

        Raises:
            InvalidRecords: the packed answer is cut.
        """
        if self._inflater is not None and not self._inflater.eof:
            raise InvalidRecords("the packed answer ends in the middle")
        return self._rest
