"""The real daemon in the process of the test, which can change its clock and its timeouts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acceptance.harness import FORK_SERVER, Notifier
from notifier.app.daemon import Daemon
from notifier.app.loading import loading_process
from notifier.core.errors import StoreError
from notifier.telemetry.redaction import Redactor


@asynccontextmanager
async def running(notifier: Notifier) -> AsyncIterator[tuple[Daemon, asyncio.Task[None]]]:
    """A daemon as `notifier run` makes it, until the end of the block, and its task."""
    with pytest.MonkeyPatch.context() as patches:
        patches.setattr(loading_process, "COMMAND", FORK_SERVER.loads)
        loaded = await loading_process.load_config_apart(notifier.config)
        made = Daemon(loaded.config, reporters=[], redactor=Redactor(), jitter=lambda: 0.0, loaded=loaded)
        stop, ready = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(made.run(stop, ready.set))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        try:
            yield made, task
        finally:
            stop.set()
            with contextlib.suppress(StoreError):
                await task
