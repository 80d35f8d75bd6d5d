"""Requests a snapshot's results: a stream of data, or why there is none.

`notifier.brightdata.datasets.not_results` reads what comes instead of data. An answer is bounded in bytes, packed and
unpacked, and in time; only the requested encoding is accepted.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from notifier.brightdata.datasets.gunzip import STEP, Unpacker
from notifier.brightdata.datasets.not_results import NotReady, Refusal, Refused, no_data, status_instead
from notifier.brightdata.datasets.records import InvalidRecords, TooLarge
from notifier.brightdata.http.answers import is_html
from notifier.brightdata.http.failures import NoAnswer
from notifier.brightdata.http.foreign_text import redacted
from notifier.brightdata.http.gateway import Gateway
from notifier.brightdata.http.lenient_json import json_of
from notifier.brightdata.http.paths import path_segment
from notifier.brightdata.http.response import Answer
from notifier.core.snapshot.model import Reason, Unclear

SNAPSHOT = "/datasets/v3/snapshot/"
SMALLEST_BATCH = 1_000
"""The least `batch_size` (documented)."""
MOST_PARTS = 1_000_000

LARGEST_REFUSAL = 64 * 1024
"""Bytes of an answer without data. A longer one with status 200 is data."""

PATIENCE_S = 60.0
"""For each piece of the data, also the first, which the API may have to look up; for all of an answer without data."""

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True, slots=True)
class ResultBounds:
    """Limits of one answer with data.

    `largest` is in bytes, packed and unpacked: the API sends at most 5 GB at once (documented). `patience_s` is for
    each piece. Beyond it, data has to come at `slowest` bytes a second on average, and all of it within `longest_s`.
    """

    largest: int = 5 * 1024**3
    patience_s: float = PATIENCE_S
    slowest: int = 4 * 1024
    longest_s: float = 86_400.0


BOUNDS = ResultBounds()


@dataclass(frozen=True, kw_only=True, slots=True)
class WireFormat:
    """How data is requested: the API's name of the format, packed or not, whole or in parts of `batch_size` records."""

    format: str
    compress: bool = False
    batch_size: int | None = None

    def query(self) -> dict[str, str | int]:
        """Returns the query, which must be the same for the number of parts and for each part (documented)."""
        query: dict[str, str | int] = {"format": self.format}
        if self.compress:
            query["compress"] = "true"
        if self.batch_size is not None:
            query["batch_size"] = self.batch_size
        return query


class StreamBroken(Exception):
    """The data came only in part; `unclear` says why."""

    def __init__(self, unclear: Unclear) -> None:
        super().__init__(unclear.detail)
        self.unclear = unclear


class ResultStream:
    """The data of an answer, read as it comes.

    Args:
        answer: with status 200.
        packed: whether gzip was requested.
        bounds: of the answer.
    """

    def __init__(self, answer: Answer, *, packed: bool = False, bounds: ResultBounds = BOUNDS) -> None:
        self._answer = answer
        self._bounds = bounds
        self._packed = packed
        self._unpacker = Unpacker(packed=packed)
        self._plain = aiter(self._unpacked())
        self.head = b""
        """The beginning, as far as `peek` has read it and `pieces` has not yielded it."""
        self.complete: bytes | None = None
        """All of the data, if `peek` has found its end."""

    async def peek(self, most: int) -> None:
        """Reads ahead until there are more than `most` bytes, or to the end. `pieces` yields all of it nevertheless.

        Raises:
            StreamBroken, InvalidRecords: see `pieces`.
        """
        head = bytearray()
        piece: bytes | None = b""
        while piece is not None and len(head) <= most:
            head += piece
            piece = await anext(self._plain, None)
        self.head = bytes(head + (piece or b"")).removeprefix(_BOM)
        self.complete = self.head if piece is None else None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yields the data, unpacked, without a byte order mark, in blocks of about `STEP` bytes.

        Raises:
            StreamBroken: the rest did not come, or came too slowly.
            TooLarge: it exceeds the bounds.
            InvalidRecords: it is packed though that was not requested, or cannot be unpacked.
        """
        if not self.head:
            await self.peek(len(_BOM))
        gathered, size = [self.head], len(self.head)
        self.head = b""
        async for piece in self._plain:
            gathered.append(piece)
            size += len(piece)
            if size >= STEP:
                yield b"".join(gathered)
                gathered, size = [], 0
        yield b"".join(gathered)

    async def _unpacked(self) -> AsyncIterator[bytes]:
        size = 0
        async for packed in self._in_time():
            for piece in self._unpacker.feed(packed):
                size += len(piece)
                if size > self._bounds.largest:
                    raise self._too_large()
                if piece:
                    yield piece
            if self._packed:
                await asyncio.sleep(0)  # a gzip can be long and empty: let other tasks run
        yield self._unpacker.end()

    async def _in_time(self) -> AsyncIterator[bytes]:
        """Yields the pieces as they are on the wire, with bounds on their size and on the time until they come."""
        bounds = self._bounds
        pieces = self._answer.aiter_raw()
        size, waited = 0, 0.0
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(bounds.patience_s):
                    piece = await anext(pieces, None)
            except TimeoutError:
                raise _too_slow(f"nothing came for {bounds.patience_s:g} s") from None
            except NoAnswer as error:
                raise StreamBroken(error.unclear) from None
            if piece is None:
                return
            waited += time.monotonic() - began
            size += len(piece)
            if size > bounds.largest:
                raise self._too_large()
            if waited > min(bounds.patience_s + size / bounds.slowest, bounds.longest_s):
                raise _too_slow(f"{size:,} bytes in {waited:.0f} s are too slow")
            yield piece

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the answer goes on beyond {self._bounds.largest:,} bytes, the most that one may have")


class ResultsClient:
    """Requests results through the gateway. A failure of the API, the network or a proxy is a value or
    `StreamBroken`."""

    def __init__(self, gateway: Gateway, *, bounds: ResultBounds = BOUNDS) -> None:
        self._gateway = gateway
        self._bounds = bounds

    @asynccontextmanager
    async def open(
        self, snapshot_id: str, wire: WireFormat, part: int | None = None
    ) -> AsyncIterator[ResultStream | NotReady | Refused | Unclear]:
        """Requests the data, or one part of it (from 1), and holds the answer open for the block."""
        query = wire.query() if part is None else {**wire.query(), "part": part}
        segment = path_segment(snapshot_id)
        if segment is None:
            yield Refused(refusal=Refusal.NOT_FOUND, detail="this cannot be the id of a snapshot")
            return
        patience = self._bounds.patience_s
        asked = self._gateway.ask("GET", SNAPSHOT + segment, params=query, headers={"Accept": "*/*"}, patience=patience)
        try:
            answer = await asked.__aenter__()
        except NoAnswer as error:
            yield error.unclear
            return
        try:
            yield await self._opened(answer, wire)
        finally:
            await asked.__aexit__(None, None, None)

    async def _opened(self, answer: Answer, wire: WireFormat) -> ResultStream | NotReady | Refused | Unclear:
        if answer.status_code != 200:
            return await _no_data(answer, self._bounds.patience_s)
        data = await read_beginning(answer, packed=wire.compress, bounds=self._bounds)
        if isinstance(data, Unclear) or data.complete is None:
            return data
        return status_instead(data.complete, answer.headers, datetime.now(UTC), answer.secret) or data

    async def parts(self, snapshot_id: str, wire: WireFormat) -> int | NotReady | Refused | Unclear:
        """Returns the number of parts of the data."""
        segment = path_segment(snapshot_id)
        if segment is None:
            return Refused(refusal=Refusal.NOT_FOUND, detail="this cannot be the id of a snapshot")
        path = f"{SNAPSHOT}{segment}/parts"
        try:
            async with self._gateway.ask("GET", path, params=wire.query(), seconds=self._gateway.seconds) as answer:
                if answer.status_code != 200:
                    return await _no_data(answer, self._gateway.seconds)
                body = await answer.body(LARGEST_REFUSAL)
                instead = status_instead(body, answer.headers, datetime.now(UTC), answer.secret)
        except NoAnswer as error:
            return error.unclear
        return instead or _number_of_parts(body)


async def read_beginning(
    answer: Answer, *, packed: bool = False, bounds: ResultBounds = BOUNDS
) -> ResultStream | Unclear:
    """Reads the beginning of an answer with status 200; returns why if it cannot be data."""
    if (encoding := _encoding(answer)) and not (packed and encoding in ("gzip", "x-gzip")):
        detail = f"HTTP 200, but encoded as {redacted(encoding, answer.secret)!r}, which was not asked for"
        return Unclear(reason=Reason.NONSENSE, detail=detail)
    data = ResultStream(answer, packed=packed, bounds=bounds)
    try:
        await data.peek(LARGEST_REFUSAL)
    except StreamBroken as error:
        return error.unclear
    except InvalidRecords as error:
        return Unclear(reason=Reason.NONSENSE, detail=f"HTTP 200, but {error}")
    if is_html({}, data.head):
        return Unclear(reason=Reason.NONSENSE, detail="HTTP 200, but an HTML page and no results")
    return data


async def _no_data(answer: Answer, seconds: float) -> NotReady | Refused | Unclear:
    try:
        body = await answer.body_within(LARGEST_REFUSAL, seconds)
    except NoAnswer as error:
        if answer.status_code == 202:
            return error.unclear
        body = b""  # the status line says enough
    return no_data(answer.status_code, body, answer.headers, datetime.now(UTC), answer.secret)


def _number_of_parts(body: bytes) -> int | Unclear:
    try:
        read = json_of(body)
    except (ValueError, RecursionError):
        read = None
    number = read.get("parts") if isinstance(read, dict) else None
    if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MOST_PARTS:
        return number
    return Unclear(reason=Reason.NONSENSE, detail=f"HTTP 200, but no number of parts from 1 to {MOST_PARTS:,}")


def _encoding(answer: Answer) -> str:
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    return "" if encoding == "identity" else encoding[:40]


def _too_slow(detail: str) -> StreamBroken:
    return StreamBroken(Unclear(reason=Reason.TIMEOUT, detail=f"the data came too slowly: {detail}"))
