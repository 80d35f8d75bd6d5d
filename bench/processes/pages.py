"""The real daemon with its pages, over a database that is there. It measures its event loop and its CPU on command.

Bright Data cannot be reached: what is measured are the pages.
"""

import asyncio
import contextlib
import json
import socket
import sys
from pathlib import Path

import yaml

from bench.measure import cpu_seconds, memory_kib, tell, told
from bench.processes.watched_history import DATASETS
from notifier.app.daemon import Daemon
from notifier.app.loading.load import load_config
from notifier.config.model import Config
from notifier.telemetry.log import configure
from notifier.telemetry.redaction import Redactor

TICK_S = 0.004


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
    """How long the event loop was held, in seconds: how late it wakes a task that sleeps.

    `late` is by the clock; `held` leaves out how long the threads of this process waited for a CPU meanwhile, which
    other programs had (`schedstat` of proc(5)).
    """

    def __init__(self) -> None:
        self.late: list[float] = []
        self.held: list[float] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        waited = _waited()
        while True:
            due = loop.time() + TICK_S
            await asyncio.sleep(TICK_S)
            late, before, waited = loop.time() - due, waited, _waited()
            self.late.append(late)
            self.held.append(max(0.0, late - max(0.0, waited - before)))  # less than before: a thread has ended


def _waited() -> float:
    """How long the threads of this process have waited for a CPU so far, in seconds."""
    total = 0
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # the thread has ended
            total += int((task / "schedstat").read_text(encoding="ascii").split()[1])
    return total / 1e9


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
                tell({"held_ms": 1000 * max(loop.held, default=0), "late_ms": 1000 * max(loop.late, default=0)})
                loop.held.clear()
                loop.late.clear()
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
