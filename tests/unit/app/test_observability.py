"""What of a daemon can be seen from outside, also when its store cannot be asked."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
from support.fakes import Clock

from notifier.app.components import Components
from notifier.app.observability import Observability
from notifier.app.vitals import VitalsReader
from notifier.config.model import Api, Config, HeartbeatSettings, Http
from notifier.core.config_diff import ConfigDiff
from notifier.core.outcomes import AnyOutcome, HeartbeatKind, HeartbeatOutcome, HttpListening
from notifier.core.snapshot.model import SnapshotState
from notifier.telemetry.metrics import Metrics
from notifier.telemetry.redaction import Redactor
from notifier.telemetry.reporter import Reporter


class Ear(Reporter):
    """Hears where the pages are, and of heartbeats."""

    def __init__(self) -> None:
        self._addresses: asyncio.Queue[str] = asyncio.Queue()
        self._beats: asyncio.Queue[HeartbeatOutcome] = asyncio.Queue()

    def report(self, outcome: AnyOutcome) -> None:
        match outcome:
            case HttpListening(address=address, trouble=trouble):
                assert not trouble
                self._addresses.put_nowait(address)
            case HeartbeatOutcome():
                self._beats.put_nowait(outcome)
            case _:
                pass

    async def address(self) -> str:
        async with asyncio.timeout(60):
            return await self._addresses.get()

    async def next_beat(self) -> HeartbeatOutcome:
        async with asyncio.timeout(60):
            return await self._beats.get()


def config_in(folder: Path, http: Http | None, heartbeat: HeartbeatSettings | None = None) -> Config:
    return Config(
        path=folder / "config.yaml", files=(), api=Api(token="t"), database=folder / "notifier.db", operators=(),
        channels={}, watches=(), http=http, heartbeat=heartbeat, secrets=frozenset(),
    )  # fmt: skip


@asynccontextmanager
async def seen(config: Config, *, open_store: bool) -> AsyncIterator[tuple[Components, Observability, Ear]]:
    """A daemon's parts as they are seen from outside."""
    ear, metrics = Ear(), Metrics(Clock())
    parts = Components(config, reporters=[ear, metrics], redactor=Redactor(), clock=Clock(), jitter=random.random)
    async with contextlib.AsyncExitStack() as stack:
        if open_store:
            await stack.enter_async_context(parts.store)
        outside = Observability(parts, metrics, vitals=VitalsReader(parts, lambda: None), config_hash=lambda: "abc")
        running = asyncio.create_task(outside.run())
        try:
            yield parts, outside, ear
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def get(address: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(address) as answer:
        return answer.status, await answer.text()


ANYWHERE = Http(host="127.0.0.1", port=0)


async def test_the_snapshots_are_counted_by_their_status(tmp_path: Path) -> None:
    async with seen(config_in(tmp_path, ANYWHERE), open_store=True) as (parts, _, ear):
        words = ["running"] * 30 + ["ready"] * 20 + ["no such word", "nor this"]
        for number, word in enumerate(words):
            parts.polling._poller.put(SnapshotState(snapshot_id=f"s_{number}", status=word))
        _, page = await get(f"{await ear.address()}/metrics")
    for line in ('snapshots{status="running"} 30.0', 'snapshots{status="ready"} 20.0', 'snapshots{status="other"} 2.0'):
        assert f"notifier_{line}" in page


async def test_a_store_that_cannot_be_asked_is_a_trouble_and_the_metrics_come_all_the_same(tmp_path: Path) -> None:
    heartbeat = HeartbeatSettings(url="http://127.0.0.1:1/", every=timedelta(hours=1))
    async with seen(config_in(tmp_path, ANYWHERE, heartbeat), open_store=False) as (_, outside, ear):
        address = await ear.address()
        status, text = await get(f"{address}/readyz")
        assert (status, "the store is closed" in text) == (503, True)
        status, page = await get(f"{address}/metrics")
        assert status == 200
        assert "notifier_store_up 0.0" in page
        assert "notifier_healthy 0.0" in page
        await outside.heartbeat.beat()
        assert (await ear.next_beat()).kind is HeartbeatKind.WITHHELD


async def test_a_reload_turns_http_on_and_off(tmp_path: Path) -> None:
    async with seen(config_in(tmp_path, None), open_store=True) as (parts, outside, ear):
        assert await ear.address() == ""
        await parts.configure(config_in(tmp_path, ANYWHERE), ConfigDiff())
        outside.configure()
        address = await ear.address()
        assert (await get(f"{address}/readyz"))[0] == 200
        await parts.configure(config_in(tmp_path, None), ConfigDiff())
        outside.configure()
        assert await ear.address() == ""
