"""Another `api.timeout` and `api.base_url` hold from the next request on, over a real socket."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.fakes import Clock

from notifier.app.components import Components
from notifier.brightdata.http.failures import NoAnswer
from notifier.brightdata.simulator import Fault, Simulator, life
from notifier.config.diff import diff
from notifier.config.model import Api, Config
from notifier.core.snapshot.model import Reason, Seen, Unclear
from notifier.telemetry.redaction import Redactor

LONG = timedelta(hours=1)
SHORT = timedelta(milliseconds=50)


async def configure(parts: Components, **api: object) -> None:
    """Take up a configuration that differs in this alone."""
    changed = replace(parts.config, api=replace(parts.config.api, **api))  # type: ignore[arg-type]
    await parts.configure(changed, diff(parts.config, changed))


async def test_another_timeout_holds_for_looks_lists_and_downloads_from_the_next_request_on(tmp_path: Path) -> None:
    """A request that is under way keeps the time that it began with."""
    async with (
        Simulator(faults={Fault.SLOW: 1.0}, slow_seconds=3600) as slow,
        Simulator() as quick,
        asyncio.timeout(60),
    ):
        quick.add("s_1", life.complete(seconds=0))
        config = Config(
            path=tmp_path / "config.yaml", files=(), api=Api(token="t", base_url=slow.url, timeout=LONG),
            database=tmp_path / "notifier.db", operators=(), channels={}, watches=(), http=None,
            secrets=frozenset(),
        )  # fmt: skip
        parts = Components(config, reporters=[], redactor=Redactor(), clock=Clock(), jitter=random.random)
        async with parts.store, parts.client as client:
            begun_before = asyncio.create_task(client.observe("s_1"))
            await slow.until_asked(1)

            await configure(parts, timeout=SHORT)
            look, page = await client.observe("s_1"), await client.list_page("gd_1", skip=0)
            with pytest.raises(NoAnswer) as download:
                async with client.gateway.ask("GET", "/datasets/v3/snapshot/s_1"):
                    pass
            for each in (look, page, download.value.unclear):
                assert isinstance(each, Unclear)
                assert each.reason in (Reason.TIMEOUT, Reason.CONNECTION)  # that too by its time, on a busy machine
            assert not begun_before.done()
            begun_before.cancel()

            await configure(parts, base_url=quick.url, timeout=LONG)
            assert isinstance(await client.observe("s_1"), Seen)
