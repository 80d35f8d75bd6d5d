"""Results with faults: each as it looks in the data. Pure."""

import gzip
from collections.abc import Iterator
from itertools import chain, repeat

from notifier.brightdata.simulator import results
from notifier.brightdata.simulator.faults import Fault
from notifier.brightdata.simulator.results import Selection

_BLOCK = 64 * 1024
_PACKED = 1024 * 1024
"""Bytes of a gzip member; on the wire it has a thousandth of that."""
_BOM = b"\xef\xbb\xbf"
_BEGINNINGS = {"csv": b"url,", "json": b'[{"url":"'}
_BEGINNING = b'{"url":"'


def body(fault: Fault | None, selection: Selection, seed: int, records: int) -> Iterator[bytes]:
    """Yields the bytes of an answer with the fault; of the correct answer for a fault of another kind.

    Args:
        fault: the fault.
        selection, seed, records: as `results.body` takes them.
    """
    match fault:
        case Fault.SHORT:
            short = records - 1 if selection.chosen(records).stop == records else records
            return results.body(selection, seed, short)
        case Fault.LONG_LINE:
            beginning = _BEGINNINGS.get(selection.format, _BEGINNING)
            if selection.compress:
                return chain([gzip.compress(beginning)], repeat(gzip.compress(b"a" * _PACKED)))
            return chain([beginning], repeat(b"a" * _BLOCK))
        case Fault.ENDLESS:
            return results.endless(selection, seed)
        case Fault.GZIP:
            pieces = results.body(selection, seed, records)
            return pieces if selection.compress else results.compressed(pieces)
        case Fault.BOMB:
            return repeat(gzip.compress(b" " * _PACKED))
        case Fault.BOM if not selection.compress:
            return chain([_BOM], results.body(selection, seed, records))
        case Fault.NO_BODY:
            return iter(())
        case _:
            return results.body(selection, seed, records)
