"""A simulated API, a folder, and downloads from the one into the other, with time under the test's control."""

import asyncio
import csv
import gzip
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from notifier.brightdata.datasets.client import Client
from notifier.brightdata.datasets.results import BOUNDS, ResultBounds, ResultsClient
from notifier.brightdata.http.tokens import StaticToken
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.simulator import Simulator, life
from notifier.brightdata.simulator.results import record
from notifier.downloads.downloader import Downloader
from notifier.downloads.request import Downloaded, DownloadRequest, Progress

BATCH = 1_000


@dataclass
class World:
    """The simulated API with a clock that only a pause moves, and a folder for the files."""

    folder: Path
    now: float = 1_000.0
    pauses: list[float] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)
    bounds: ResultBounds = BOUNDS
    sim: Simulator = field(init=False)
    client: Client = field(init=False)

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass at once."""
        self.pauses.append(seconds)
        self.now += seconds

    def downloader(self, batch: int = BATCH) -> Downloader:
        """A downloader from it."""
        results = ResultsClient(self.client.gateway, bounds=self.bounds)
        return Downloader(observer=self.client, results=results, sleep=self.sleep, batch=batch)

    async def fetch(self, snapshot_id: str = "s_1", **wanted: Any) -> Downloaded:
        """Download into the folder."""
        return await self.downloader().fetch(
            DownloadRequest(snapshot_id=snapshot_id, folder=self.folder, **wanted), self.progress.append
        )

    def ready(self, records: int, snapshot_id: str = "s_1", **facts: Any) -> list[dict[str, object]]:
        """A ready snapshot; its records."""
        self.sim.add(snapshot_id, life.of("ready", records=records, **facts))
        seed = self.sim.account.results(snapshot_id).seed
        return [record(seed, k) for k in range(records)]

    def files(self) -> list[str]:
        """What is in the folder."""
        return sorted(path.name for path in self.folder.iterdir())


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[World]:
    """A world whose files are in this folder."""
    world = World(folder=folder)
    world.sim = Simulator(clock=lambda: world.now, token="token-abc", retry_after=7)
    async with world.sim:
        world.client = Client(
            base_url=world.sim.url,
            token=StaticToken("token-abc"),
            timeout=timedelta(seconds=5),
            limiter=Limiter(requests_per_second=10_000, clock=time.monotonic, sleep=lambda _: asyncio.sleep(0)),
            max_connections=4,
        )
        async with world.client:
            yield world


def read(path: Path) -> list[dict[str, Any]]:
    """The records of a file."""
    opened: Callable[..., Any] = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        match path.name.removesuffix(".gz").rpartition(".")[2]:
            case "json":
                return list(json.load(file))
            case "ndjson" | "jsonl":
                return [json.loads(line) for line in file]
            case _:
                return list(csv.DictReader(file))
