"""A snapshot's results as the API gives them: the data as it comes, or why there is none yet, or none at all.

`GET /datasets/v3/snapshot/{id}` and its `/parts` answer 200 with the data, 202 while it is built (possible after
progress said `ready`), 400 `Snapshot is expired` or `Snapshot is empty`, and 404 (documented).
"""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from notifier.brightdata.answers import observation_of, retry_after_of
from notifier.brightdata.door import Answer, Door
from notifier.brightdata.failures import NoAnswer
from notifier.brightdata.paths import path_segment
from notifier.brightdata.records import Unpacker
from notifier.core.model import NotFound, Reason, Unclear

SNAPSHOT = "/datasets/v3/snapshot/"
SMALLEST_BATCH = 1_000
"""What `batch_size` must be at least (documented)."""
MOST_PARTS = 1_000_000

LARGEST_REFUSAL = 64 * 1024
PATIENCE_S = 60.0
"""For each piece of the data, the first one too: it may have to be looked up."""
TRY_AGAIN = timedelta(seconds=10)
"""When the API does not say when to try again: what its messages advise."""
_ADVICE = re.compile(r"try again in ([0-9]{1,5})\s*s", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wire:
    """How the data is asked for: the API's word for its format, packed or not, whole or in parts of so many records."""

    format: str
    compress: bool = False
    batch_size: int | None = None

    def query(self) -> dict[str, str | int]:
        """The parameters, which must be the same for the parts and for the download of each (documented)."""
        query: dict[str, str | int] = {"format": self.format}
        if self.compress:
            query["compress"] = "true"
        if self.batch_size is not None:
            query["batch_size"] = self.batch_size
        return query


@dataclass(frozen=True, kw_only=True, slots=True)
class NotYet:
    """There is no data yet: the API's word for why, and when it says to ask again."""

    status: str
    retry_after: timedelta


class Refusal(StrEnum):
    """Why there will be no data."""

    EXPIRED = "expired"
    EMPTY = "empty"
    NOT_FOUND = "not_found"
    OTHER = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """There is no data, and there will be none; `detail` is what the API said."""

    refusal: Refusal
    detail: str


class BrokenOff(Exception):
    """The data came in part; `unclear` says why."""

    def __init__(self, unclear: Unclear) -> None:
        super().__init__(unclear.detail)
        self.unclear = unclear


class Data:
    """The data on its way."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def pieces(self) -> AsyncIterator[bytes]:
        """Its bytes, unpacked.

        Raises:
            BrokenOff: the rest did not come.
            NotRecords: it was announced as packed and cannot be unpacked.
        """
        unpacker = Unpacker()
        try:
            async for packed in self._answer.aiter_raw():
                for piece in unpacker.feed(packed):
                    yield piece
        except NoAnswer as error:
            raise BrokenOff(error.unclear) from None
        yield unpacker.end()


class Results:
    """Asks for results through the door. What the API, the network or a proxy does is a value or `BrokenOff`."""

    def __init__(self, door: Door) -> None:
        self._door = door

    @asynccontextmanager
    async def open(
        self, snapshot_id: str, wire: Wire, part: int | None = None
    ) -> AsyncIterator[Data | NotYet | Refused | Unclear]:
        """Ask for the data, or for one part of it (from 1), and hold it open for the block."""
        query = wire.query() if part is None else {**wire.query(), "part": part}
        segment = path_segment(snapshot_id)
        if segment is None:
            yield Refused(refusal=Refusal.NOT_FOUND, detail="this cannot be the id of a snapshot")
            return
        asked = self._door.ask("GET", SNAPSHOT + segment, params=query, headers={"Accept": "*/*"}, patience=PATIENCE_S)
        try:
            answer = await asked.__aenter__()
        except NoAnswer as error:
            yield error.unclear
            return
        try:
            yield Data(answer) if answer.status_code == 200 else await _no_data(answer)
        finally:
            await asked.__aexit__(None, None, None)

    async def parts(self, snapshot_id: str, wire: Wire) -> int | NotYet | Refused | Unclear:
        """How many parts the data has."""
        segment = path_segment(snapshot_id)
        if segment is None:
            return Refused(refusal=Refusal.NOT_FOUND, detail="this cannot be the id of a snapshot")
        path = f"{SNAPSHOT}{segment}/parts"
        try:
            async with self._door.ask("GET", path, params=wire.query(), seconds=self._door.seconds) as answer:
                if answer.status_code != 200:
                    return await _no_data(answer)
                body = await answer.body(LARGEST_REFUSAL)
        except NoAnswer as error:
            return error.unclear
        number = _object(body).get("parts")
        if isinstance(number, int) and not isinstance(number, bool) and 0 < number <= MOST_PARTS:
            return number
        return Unclear(reason=Reason.NONSENSE, detail="HTTP 200, but no number of parts")


async def _no_data(answer: Answer) -> NotYet | Refused | Unclear:
    try:
        body = await answer.body(LARGEST_REFUSAL)
    except NoAnswer as error:
        if answer.status_code == 202:
            return error.unclear
        body = b""  # the status line says enough
    if answer.status_code == 202:
        return not_yet(answer, body)
    said = observation_of(
        status_code=answer.status_code, headers=answer.headers, body=body, now=datetime.now(UTC), secret=answer.secret
    )
    if isinstance(said, NotFound):
        return Refused(refusal=Refusal.NOT_FOUND, detail="Bright Data does not know this snapshot")
    assert isinstance(said, Unclear)
    if answer.status_code not in (400, 410, 422):
        return said
    words = body.lower()
    refusal = Refusal.EXPIRED if b"expired" in words else Refusal.EMPTY if b"is empty" in words else Refusal.OTHER
    return Refused(refusal=refusal, detail=said.detail)


def not_yet(answer: Answer, body: bytes) -> NotYet:
    """What an answer of 202 says: `Retry-After` first, else its message's "try again in 10s"."""
    told = _object(body)
    status, message = told.get("status"), told.get("message")
    advice = _ADVICE.search(message) if isinstance(message, str) else None
    pause = retry_after_of(answer.headers, datetime.now(UTC)) or (
        timedelta(seconds=int(advice[1])) if advice else TRY_AGAIN
    )
    known = isinstance(status, str) and status.isprintable() and 0 < len(status) <= 64
    return NotYet(status=str(status) if known else "building", retry_after=max(pause, timedelta(seconds=1)))


def _object(body: bytes) -> dict[str, object]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
