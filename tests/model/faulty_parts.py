"""What misbehaves in an hour of chaos: an account, a receiver, a reporter and a downloader, each until `QUIET_FROM`.

Whatever is faulty has `sick` in its id or name; a seed decides what it does.
"""

import asyncio
import json
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import TracebackType
from typing import Any

from support.edge_values import DATES, NUMBERS, TEXTS
from support.fake_account import FakeAccount
from support.fakes import DELIVERED, START

from notifier.brightdata.datasets.list_pages import entries_of, read
from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.permit import Permit
from notifier.core.delivery.digest import batchable, digest
from notifier.core.delivery.message_text import message
from notifier.core.delivery.model import Deliverable, Event, Message, Notice, Outcome, OutcomeKind
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.outcomes import (
    AnyOutcome,
    DeliveryOutcome,
    PollOutcome,
)
from notifier.core.snapshot.model import Listed, Observation, Reason, Unclear
from notifier.core.work_units import Unit, UnitFault
from notifier.downloads.request import Downloaded, DownloadRequest, Progress
from notifier.telemetry.reporter import Reporter

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
QUIET_FROM = START + 45 * MINUTE
"""From then on nothing misbehaves."""

RESTARTS_AT = START + 25 * MINUTE
EVERY = timedelta(seconds=30)

HEALTHY = ("chat", "hook")
DOWNLOADED = ("s_good_1", "s_good_3", "s_sick_0", "s_sick_2")
FAULTY_CHANNELS = ("sick_hanging", "sick_refusing", "sick_flooding", "sick_raising", "sick_busy")
HOSTILE = ("Prices", "@everyone <!channel>", "a" * 500, "‮ evil", "👨‍👩‍👧 <b>&amp;", "{{ 7 * 7 }}", "%s%n")

BODIES = (
    b"",
    b"[]",
    b"null",
    b"NaN",
    b"<html>502</html>",
    b"\xff\xfe\x00",
    b"[" * 5_000,
    b'{"status":7}',
    b'{"status":"","message":"x"}',
    b'{"status":"building","message":"Snapshot is building, try again in 10s"}',
    b'{"status":"collecting","records":-1}',
    b'{"status":"run\\u0000ning"}',
    b'{"snapshot_id":"s_other","status":"ready"}',
)
"""None of them tells an end of what was asked about."""

POISON = (
    b'{"id":"s_\\ud800","status":"ready"}',
    b'{"id":"s_sick_\x00","status":"ready"}',
    b'{"id":7,"status":"ready"}',
    b"NaN",
    b"undefined",
    b'{"id":"s_sick_deep","status":"ready","input":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
)
ERRORS: tuple[Exception, ...] = (
    OverflowError("date value out of range"),
    RecursionError("maximum recursion depth exceeded"),
    KeyError("snapshot_id"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    MemoryError(),
    TypeError("unsupported operand"),
    TimeoutError(),
    OSError(24, "Too many open files"),
)
ROUNDS = (
    Unit.FLUSH,
    Unit.EXPIRY,
    Unit.HEARTBEAT,
    Unit.FALLBACK,
    Unit.AUDIT,
    Unit.RETENTION,
    Unit.CLOCK,
    Unit.PROBE,
    Unit.EXHAUSTION,
    Unit.NOTICE,
    Unit.COMMAND,
    Unit.BACKGROUND,
)


class FaultyAccount(FakeAccount):
    """An account whose faulty snapshots and datasets answer anything but their end, while faults last."""

    gateway: Any = None
    limiter: Limiter

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.dice = random.Random(seed)

    async def __aenter__(self) -> "FaultyAccount":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """One poll; of a faulty snapshot it may be anything."""
        if "sick" in snapshot_id and datetime.now(UTC) < QUIET_FROM and self.dice.random() < 0.7:
            try:
                return await self._faulty_answer(snapshot_id)
            finally:
                if permit is not None:
                    permit.release()
        told = await super().observe(snapshot_id, permit=permit)
        self._well()
        return told

    def _well(self) -> None:
        """Tell the limiter, as the client does. What a faulty one answers is no matter of the account."""
        self.limiter.answered()
        self.limiter.judged(None)

    async def _faulty_answer(self, snapshot_id: str) -> Observation:
        dice = self.dice
        await asyncio.sleep(dice.choice((0.01, 0.5, 5)))
        match dice.randrange(5):
            case 0:
                raise dice.choice(ERRORS)
            case 1:
                await asyncio.sleep(10)
                return Unclear(reason=Reason.TIMEOUT, detail="no answer")
            case 2:
                code = dice.choice((400, 401, 403, 404, 418, 429, 500, 502, 503, 200, 301))
                wait = dice.choice(("", "0", "-1", "9" * 99, "nan", "Mon, 01 Jan 0001 00:00:00 +2359"))
                body = dice.choice(BODIES)
                headers = {"retry-after": wait}
            case _:
                code, headers, body = 200, {}, self._running(snapshot_id)
        now = datetime.now(UTC)
        return observation_of(status_code=code, headers=headers, body=body, now=now, snapshot_id=snapshot_id)

    def _running(self, snapshot_id: str) -> bytes:
        """It runs, and all else is odd."""
        dice = self.dice
        said = {name: dice.choice(NUMBERS) for name in ("records", "errors", "running_time", "collection_duration")}
        said |= {"snapshot_id": snapshot_id, "status": "running", "created": dice.choice(DATES)}
        said |= {"error_message": dice.choice(TEXTS), "error_codes": {"x": dice.choice(NUMBERS)}}
        return json.dumps(said).encode()

    async def listing(
        self, dataset_id: str, *, from_date: date | None = None, permit: Permit | None = None
    ) -> tuple[Listed, ...] | Unclear:
        """A list; one of a faulty dataset fails, raises or lags, and any has entries that make no sense."""
        quiet = datetime.now(UTC) >= QUIET_FROM
        dice = self.dice
        if dataset_id == "gd_sick" and not quiet:
            match dice.randrange(4):
                case 0:
                    raise dice.choice(ERRORS)
                case 1:
                    return Unclear(reason=Reason.SERVER_ERROR, detail="HTTP 500")
                case _:
                    pass
        told = await super().listing(dataset_id, from_date=from_date, permit=permit)
        self._well()
        if isinstance(told, Unclear):
            return told
        body = b"[" + b",".join([*map(self._entry, told), *([] if quiet else dice.sample(POISON, 2))]) + b"]"
        entries = entries_of(body)
        return entries if isinstance(entries, Unclear) else read(entries, "", datetime.now(UTC)).found

    def _entry(self, entry: Listed) -> bytes:
        said: dict[str, object] = {"id": entry.snapshot_id, "status": entry.status}
        said["created"] = None if entry.created is None else entry.created.isoformat()
        if "sick" in entry.snapshot_id and datetime.now(UTC) < QUIET_FROM:
            said |= {"status": "running", "created": self.dice.choice(DATES), "dataset_size": self.dice.choice(NUMBERS)}
        return json.dumps(said).encode()


def _fits(made: Message) -> bool:
    return len(made.body) <= 2_000


@dataclass
class Receiver:
    """A channel, with all it got. Its messages are made as they are for people."""

    name: str
    dice: random.Random
    got: list[tuple[float, Sequence[Deliverable]]] = field(default_factory=list)

    def batchable(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """What has room in a message of ordinary length."""
        return batchable(told, _fits)

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Get these, unless it is a faulty one."""
        now = datetime.now(UTC)
        if self.name in FAULTY_CHANNELS and now < QUIET_FROM:
            return await self._misbehave()
        await asyncio.sleep(0.1)
        if len(told) > 1 or isinstance(told[0], Notice):
            digest(told, _fits)
        else:
            message(told[0])
        self.got.append((asyncio.get_running_loop().time(), told))
        return DELIVERED

    async def _misbehave(self) -> Outcome:
        dice = self.dice
        match self.name:
            case "sick_hanging":
                await asyncio.sleep(dice.choice((10, 60, 600)))
                return Outcome(kind=OutcomeKind.UNCERTAIN, reason="read_timeout")
            case "sick_refusing":
                return Outcome(kind=OutcomeKind.PERMANENT, reason=dice.choice(("http_401", "http_404")))
            case "sick_flooding":
                detail = dice.choice(("x" * 100_000, "\ud800", "\x00" * 100))
                return Outcome(kind=OutcomeKind.RETRY, reason="http_500", detail=detail)
            case "sick_busy":
                wait = timedelta(seconds=dice.choice((0, 30, 86_400 * 9_000)))
                return Outcome(kind=OutcomeKind.RETRY, reason="http_429", retry_after=wait)
            case _:
                raise dice.choice(ERRORS)

    def events(self) -> list[tuple[float, Event]]:
        """Every event in every message, and when it came, in seconds."""
        return [(at, each) for at, told in self.got for each in told if isinstance(each, Event)]


class FaultyReporter(Reporter):
    """Raises now and then, whatever it is told."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def report(self, outcome: AnyOutcome) -> None:
        """Raise, perhaps."""
        if isinstance(outcome, PollOutcome | DeliveryOutcome | UnitFault) and self._dice.random() < 0.2:
            raise self._dice.choice(ERRORS)


class FaultyDownloader:
    """Fetches nothing; of a faulty snapshot it raises, refuses or hangs, while faults last."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    async def fetch(self, wanted: DownloadRequest, report: Callable[[Progress], None] = lambda _: None) -> Downloaded:
        """As the real one would."""
        await asyncio.sleep(1)
        if "sick" in wanted.snapshot_id and datetime.now(UTC) < QUIET_FROM:
            await asyncio.sleep(self._dice.choice((0, 10)))
            if self._dice.random() < 0.5:
                raise self._dice.choice(ERRORS)
            trouble = self._dice.choice((DownloadTrouble.UNREACHABLE, DownloadTrouble.WRONG_COUNT))
            raise DownloadError(trouble, "\ud800")
        return Downloaded(path=wanted.folder / wanted.file_name, records=7, size=70, new=True)
