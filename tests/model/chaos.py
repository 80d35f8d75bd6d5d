"""An hour of random faults: the real daemon on a clock that jumps, between an account and far sides that misbehave.

All that is healthy is called `s_good…`, `gd_good…`, `chat`, `hook` and `ops`; all that misbehaves `…sick…`. A seed
decides everything. Faults come for the first three quarters; in the last one all is well again.
"""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.edge_values import DATES, NUMBERS, TEXTS
from support.fake_account import FakeAccount
from support.fakes import DELIVERED, START
from support.moving_clock import MovingClock, run

from notifier.app import components, jobs
from notifier.app.daemon import Daemon
from notifier.brightdata.datasets.list_pages import entries_of, read
from notifier.brightdata.datasets.progress import observation_of
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.limits.permit import Permit
from notifier.config.diff import diff
from notifier.config.model import Api, Channel, Config, HeartbeatSettings
from notifier.control import server
from notifier.control.handler import DaemonActions
from notifier.core.delivery.digest import batchable, digest
from notifier.core.delivery.message import message
from notifier.core.delivery.model import Deliverable, Event, Message, Notice, Outcome, OutcomeKind
from notifier.core.delivery.policy import ChannelPolicy
from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.core.model import DatasetWatch, Download, Listed, Observation, Reason, Unclear, Watch
from notifier.core.outcomes import (
    AnyOutcome,
    DeliveryOutcome,
    PollOutcome,
    ReloadOutcome,
)
from notifier.core.units import Fault, Unit
from notifier.delivery import dispatcher
from notifier.downloads.request import Downloaded, DownloadRequest, Progress
from notifier.failpoints import arm_fault, disarm_faults
from notifier.telemetry import heartbeat
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
QUIET_FROM = START + 45 * MINUTE
"""From then on nothing misbehaves."""

RESTARTS_AT = START + 25 * MINUTE
EVERY = timedelta(seconds=30)

HEALTHY = ("chat", "hook")
DOWNLOADED = ("s_good_1", "s_good_3", "s_sick_0", "s_sick_2")
SICK_CHANNELS = ("sick_hanging", "sick_refusing", "sick_flooding", "sick_raising", "sick_busy")
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
    Unit.ERRAND,
)


class SickAccount(FakeAccount):
    """An account whose sick snapshots and datasets answer anything but their end, while faults last."""

    gateway: Any = None
    limiter: Limiter

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.dice = random.Random(seed)

    async def __aenter__(self) -> "SickAccount":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    async def observe(self, snapshot_id: str, *, permit: Permit | None = None) -> Observation:
        """One poll; of a sick snapshot it may be anything."""
        if "sick" in snapshot_id and datetime.now(UTC) < QUIET_FROM and self.dice.random() < 0.7:
            try:
                return await self._odd(snapshot_id)
            finally:
                if permit is not None:
                    permit.release()
        told = await super().observe(snapshot_id, permit=permit)
        self._well()
        return told

    def _well(self) -> None:
        """Tell the limiter, as the client does. What a sick one answers is no matter of the account."""
        self.limiter.answered()
        self.limiter.judged(None)

    async def _odd(self, snapshot_id: str) -> Observation:
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
        """A list; one of a sick dataset fails, raises or lags, and any has entries that make no sense."""
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
class FarSide:
    """A channel, with all it got. Its messages are made as they are for people."""

    name: str
    dice: random.Random
    got: list[tuple[float, Sequence[Deliverable]]] = field(default_factory=list)

    def batchable(self, told: Sequence[Deliverable]) -> Sequence[Deliverable]:
        """What has room in a message of ordinary length."""
        return batchable(told, _fits)

    async def send(self, told: Sequence[Deliverable], reached: Collection[str] = ()) -> Outcome:
        """Get these, unless it is a sick one."""
        now = datetime.now(UTC)
        if self.name in SICK_CHANNELS and now < QUIET_FROM:
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


class SickReporter(Reporter):
    """Raises now and then, whatever it is told."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def report(self, outcome: AnyOutcome) -> None:
        """Raise, perhaps."""
        if isinstance(outcome, PollOutcome | DeliveryOutcome | Fault) and self._dice.random() < 0.2:
            raise self._dice.choice(ERRORS)


class SickDownloader:
    """Fetches nothing; of a sick snapshot it raises, refuses or hangs, while faults last."""

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


@dataclass
class Hour:
    """One hour from its seed: `live()` it, then ask what came of it."""

    seed: int
    folder: Path

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.account = SickAccount(self.seed)
        self.far_sides = {
            name: FarSide(name, random.Random(f"{self.seed} {name}")) for name in (*HEALTHY, "ops", *SICK_CHANNELS)
        }
        self.ends: dict[str, float] = {}
        self.faults: list[str] = []
        self.config = self._config()

    def _config(self) -> Config:
        watches = []
        for number in range(24):
            kind = "good" if number % 2 else "sick"
            watches.append(self._watch(f"s_{kind}_{number}", "" if number < 8 else f"gd_{number % 4}", kind))
        for number in range(8):
            kind = "good" if number % 2 else "sick"
            self._life(f"s_{kind}_found_{number}", "gd_good", kind)
            self._life(f"s_sick_lost_{number}", "gd_sick", "sick")
        channels = {
            name: Channel(
                name=name,
                url="json://x",
                policy=ChannelPolicy(pace=timedelta(milliseconds=100), stretches=False, merges=name != "hook"),
            )
            for name in self.far_sides
        }
        return Config(
            path=self.folder / "config.yaml",
            files=(self.folder / "config.yaml",),
            api=Api(token="t"),
            database=self.folder / "notifier.db",
            operators=("ops",),
            channels=channels,
            watches=tuple(watches),
            datasets=tuple(
                DatasetWatch(
                    id=each,
                    dataset_id=each,
                    name=HOSTILE[1],
                    every=EVERY,
                    notify=(*HEALTHY, *SICK_CHANNELS),
                    on=("ready",),
                )
                for each in ("gd_good", "gd_sick")
            ),
            heartbeat=HeartbeatSettings(url="http://127.0.0.1:1/", every=MINUTE),
            secrets=frozenset(),
        )

    def _watch(self, snapshot_id: str, dataset: str, kind: str) -> Watch:
        self._life(snapshot_id, dataset or "gd_alone", kind)
        return Watch(
            id=snapshot_id,
            snapshot_id=snapshot_id,
            name=self.dice.choice((*HOSTILE, "\ud800") if kind == "sick" else HOSTILE),
            every=EVERY,
            notify=(*HEALTHY, *SICK_CHANNELS),
            on=("ready",),
            stalled_after=10 * MINUTE,
            download=Download(folder=str(self.folder), format="json") if snapshot_id in DOWNLOADED else None,
        )

    def _life(self, snapshot_id: str, dataset: str, kind: str) -> None:
        latest = 43 if kind == "good" else 55
        self.ends[snapshot_id] = ends = self.dice.uniform(2, latest) * 60
        self.account.add(snapshot_id, dataset, START - MINUTE, (0, "running"), (ends + 60, "ready"))

    def live(self) -> None:
        """Let it pass."""

        async def hour(clock: MovingClock) -> None:
            for until in (RESTARTS_AT, START + HOUR):
                await self._run(clock, until)

        with capture_logs(), pytest.MonkeyPatch.context() as patches:
            patches.setattr(components, "_client", self._client)
            patches.setattr(dispatcher, "sender_for", lambda channel, **_: self.far_sides[channel.name])
            patches.setattr(components, "Downloader", lambda **_: SickDownloader(self.dice))
            patches.setattr(heartbeat, "ping", self._ping)
            patches.setattr(jobs, "FALLBACKS_EVERY", timedelta(seconds=20))
            patches.setattr(jobs, "FLUSH_EVERY", timedelta(seconds=20))
            patches.setattr(jobs, "EXPIRY_EVERY", timedelta(minutes=1))
            try:
                run(hour)
            finally:
                disarm_faults()

    def _client(self, config: Config, limiter: Limiter, *_: object) -> SickAccount:
        self.account.limiter = limiter
        return self.account

    async def _run(self, clock: MovingClock, until: datetime) -> None:
        reporters = [Reporter(), SickReporter(self.dice)]
        one = Daemon(self.config, reporters=reporters, redactor=Redactor(), jitter=self.dice.random)
        clock.busy = partial(getattr, one._components.store._database, "busy")
        stop = asyncio.Event()
        trouble = asyncio.create_task(self._make_trouble(one))
        asyncio.get_running_loop().call_later((until - clock.now()).total_seconds(), stop.set)
        await one.run(stop)
        clock.busy = lambda: False
        trouble.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await trouble

    async def _ping(self, url: str, resolver: object) -> str | None:
        if self.dice.random() < 0.3:
            raise self.dice.choice(ERRORS)
        return None

    async def _make_trouble(self, one: Daemon) -> None:
        while datetime.now(UTC) < QUIET_FROM:
            await asyncio.sleep(self.dice.uniform(5, 90))
            await self.dice.choice((self._raise_somewhere, self._raise_somewhere, self._command, self._reload))(one)
        disarm_faults()

    async def _raise_somewhere(self, one: Daemon) -> None:
        disarm_faults()
        for _ in range(self.dice.randint(1, 3)):
            unit, subject = self.dice.choice(
                [
                    (Unit.POLL, "s_sick"),
                    (Unit.ENTRY, "s_sick"),
                    (Unit.DELIVERY, "s_sick"),
                    (Unit.DOWNLOAD, "s_sick"),
                    (Unit.LIST, "gd_sick"),
                    (Unit.REPORT, "SickReporter"),
                    *((each, "") for each in ROUNDS),
                ]
            )
            self.faults.append(unit)
            arm_fault(unit, subject)

    async def _command(self, one: Daemon) -> None:
        """A line over the control socket that makes no sense, or that does."""
        line = self.dice.choice(
            (
                b"",
                b"[" * 100_000,
                b'["mute", {"watch": "s_sick_0", "until": "0001-01-01T00:00:00"}]',
                b'["retry", {"ids": [-1, 99999999999999999999]}]',
                b'["retry", {"channel": "sick_refusing", "since": "0001-01-01T00:00:00+14:00"}]',
                b'["health", {}]',
                b'["health", {"x": NaN}]',
                b'["unmute", {"watch": "s_sick_0"}]',
            )
        )
        answers = DaemonActions(wake=one._components.dispatcher.wake, health=one._health, faults=one._components.faults)
        reply = await server.reply_to(line, one._components.store, answers)
        assert "done" in reply or "error" in reply

    async def _reload(self, one: Daemon) -> None:
        """One with errors, one that raises, or a good one: sick watches and channels come and go."""
        match self.dice.randrange(3):
            case 0:
                one._reloads.reloaded(
                    ReloadOutcome(refused=("config.yaml:1:1: x",) * self.dice.randint(1, 99), duration=MINUTE)
                )
            case 1:
                with one._components.faults.alone(Unit.RELOAD):
                    raise self.dice.choice(ERRORS)
            case _:
                gone = [each for each in self.config.watches if "sick" in each.id and self.dice.random() < 0.3]
                kept = tuple(each for each in self.config.watches if each not in gone)
                now, wanted = one._components.config, replace(self.config, watches=kept)
                await one._configure(wanted, diff(now, wanted))
                one._reloads.reloaded(ReloadOutcome(changed=diff(now, wanted), duration=MINUTE))
                await asyncio.sleep(self.dice.uniform(1, 120))
                await one._configure(self.config, diff(wanted, self.config))
