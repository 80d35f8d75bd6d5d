"""The real daemon with its pages, over a database that is there. It measures its event loop and its CPU on command.

Bright Data cannot be reached: what is measured are the pages.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path

import yaml

from bench.measure import cpu_seconds, memory_kib, quantiles, tell, told
from bench.processes.watched_history import DATASETS
from notifier.app.daemon import Daemon
from notifier.app.loading.load import load_config
from notifier.config.model import Config
from notifier.telemetry.log import configure
from notifier.telemetry.redaction import Redactor

TICK_S = 0.002


def _configuration(folder: Path, port: int) -> Config:
    data = {
        "api": {"token": "a-token-of-the-bench", "base_url": "http://127.0.0.1:9"},
        "http": f"127.0.0.1:{port}",
        "state": f"sqlite:///{folder / 'notifier.db'}",
        "channels": {name: f"json://127.0.0.1:9/{name}" for name in ("team", "ops", "mail")},
        "defaults": {"notify": ["team"], "on": ["failed"], "every": "1m"},
        "watches": [{"dataset": f"gd_{number}", "name": f"Prices {number}"} for number in range(DATASETS)],
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return load_config(path)


class _Loop:
    """How late the event loop wakes a task that sleeps, in seconds: for so long something held it."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            self.late.append(loop.time() - due)


async def _change(daemon: Daemon) -> None:
    """Tell open pages, five times a second, that a snapshot changed and that messages about it went out."""
    number = 0
    while True:
        await asyncio.sleep(0.2)
        number += 1
        watch = f"gd_{number % DATASETS}"
        changed = (f"watch:{watch}/sd_{number:07}", f"watch:{watch}")
        daemon._components.live.change(*changed, f"delivery:{number}", "watches", "deliveries", "channels")


async def main(*, folder: str) -> None:
    """Run; `folder` has the database."""
    configure(level="critical", redactor=Redactor())
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    daemon = Daemon(_configuration(Path(folder), port), reporters=[], redactor=Redactor())
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(daemon.run(stop, ready.set))
    await asyncio.wait({running, asyncio.create_task(ready.wait())}, return_when=asyncio.FIRST_COMPLETED)
    tell({"url": f"http://127.0.0.1:{port}", "memory_kib": memory_kib("VmRSS")})
    loop, tasks = _Loop(), list[asyncio.Task[None]]()
    while word := await told():
        match word:
            case "watch the loop":
                tasks.append(asyncio.create_task(loop.run()))
                tell({})
            case "change":
                tasks.append(asyncio.create_task(_change(daemon)))
                tell({})
            case "lag":
                most, late = quantiles(loop.late, 1.0, 0.999)
                loop.late.clear()
                tell({"most_ms": 1000 * most, "late_ms": 1000 * late})
            case "rest":
                for each in tasks:
                    each.cancel()
                tasks.clear()
                tell({})
            case _:
                tell({"cpu": cpu_seconds(), "memory_kib": memory_kib("VmRSS")})
    stop.set()
    await running


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
