"""An hour of random faults: the real daemon on a clock that jumps, between an account and receivers that misbehave.

All that is healthy is called `s_good…`, `gd_good…`, `chat`, `hook` and `ops`; all that misbehaves `…sick…`. A seed
decides everything. Faults come for the first three quarters; in the last one all is well again.
"""

import asyncio
import contextlib
import random
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from faulty_parts import (
    DOWNLOADED,
    ERRORS,
    EVERY,
    FAULTY_CHANNELS,
    HEALTHY,
    HOSTILE,
    HOUR,
    MINUTE,
    QUIET_FROM,
    RESTARTS_AT,
    ROUNDS,
    FaultyAccount,
    FaultyDownloader,
    FaultyReporter,
    Receiver,
)
from structlog.testing import capture_logs
from support.fakes import START
from support.moving_clock import MovingClock, run

from notifier.app import components, jobs
from notifier.app.daemon import Daemon
from notifier.brightdata.limits.limiter import Limiter
from notifier.config.diff import diff
from notifier.config.model import Api, Channel, Config, HeartbeatSettings
from notifier.control import server
from notifier.control.handler import DaemonActions
from notifier.core.delivery.channel_policy import ChannelPolicy
from notifier.core.outcomes import (
    ReloadOutcome,
)
from notifier.core.snapshot.model import DatasetWatch, Download, Watch
from notifier.core.work_units import Unit
from notifier.delivery import dispatcher
from notifier.failpoints import arm_fault, disarm_faults
from notifier.telemetry import heartbeat
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter


@dataclass
class Hour:
    """One hour from its seed: `live()` it, then ask what came of it."""

    seed: int
    folder: Path

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)
        self.account = FaultyAccount(self.seed)
        self.receivers = {
            name: Receiver(name, random.Random(f"{self.seed} {name}")) for name in (*HEALTHY, "ops", *FAULTY_CHANNELS)
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
            for name in self.receivers
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
                    notify=(*HEALTHY, *FAULTY_CHANNELS),
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
            notify=(*HEALTHY, *FAULTY_CHANNELS),
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
            patches.setattr(components, "client_of", self._client)
            patches.setattr(dispatcher, "sender_for", lambda channel, **_: self.receivers[channel.name])
            patches.setattr(components, "Downloader", lambda **_: FaultyDownloader(self.dice))
            patches.setattr(heartbeat, "ping", self._ping)
            patches.setattr(jobs, "FALLBACKS_EVERY", timedelta(seconds=20))
            patches.setattr(jobs, "FLUSH_EVERY", timedelta(seconds=20))
            patches.setattr(jobs, "FILES_EVERY", timedelta(seconds=20))
            patches.setattr(jobs, "EXPIRY_EVERY", timedelta(minutes=1))
            try:
                run(hour)
            finally:
                disarm_faults()

    def _client(self, api: Api, limiter: Limiter, *_: object) -> FaultyAccount:
        self.account.limiter = limiter
        return self.account

    async def _run(self, clock: MovingClock, until: datetime) -> None:
        reporters = [Reporter(), FaultyReporter(self.dice)]
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
                    (Unit.REPORT, "FaultyReporter"),
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
        reply = await server.reply_to(line, one._components.store, answers, "command")
        assert "done" in reply or "error" in reply

    async def _reload(self, one: Daemon) -> None:
        """One with errors, one that raises, or a good one: faulty watches and channels come and go."""
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
