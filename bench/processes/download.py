"""A download: the notifier's own downloader, or (`plain`) httpx streaming an answer into a file.

The event loop of either is watched meanwhile, as in a reload.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from bench.measure import cpu_seconds, memory_kib, tell
from bench.processes.reload import Probe
from notifier.brightdata.datasets.client import Client
from notifier.brightdata.datasets.results import ResultsClient
from notifier.brightdata.http.tokens import StaticToken
from notifier.brightdata.limits.limiter import Limiter
from notifier.core.errors import DownloadError
from notifier.downloads.downloader import Downloader
from notifier.downloads.request import DownloadRequest, Format

Fetch = Callable[[str, Path], Awaitable[str]]


async def main(*, url: str, snapshot: str, plain: bool, batch: int) -> None:
    """Download once, and say what it cost."""
    probe = Probe()
    side = _plain(url) if plain else _notifier(url, batch)
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".bench-") as folder:
        # What a client needs to begin, such as reading the system's certificates, is no part of a download.
        async with side as fetch:
            before = memory_kib("VmRSS")
            watching = asyncio.create_task(probe.run())
            await asyncio.sleep(0.1)
            probe.clear()
            began, cpu = time.monotonic(), cpu_seconds()
            said = await fetch(snapshot, Path(folder))
            took, cpu = time.monotonic() - began, cpu_seconds() - cpu
            watching.cancel()
        size = _size(Path(folder))
    grown = memory_kib("VmHWM") - before
    tell(probe.figures() | {"took_s": took, "cpu_s": cpu, "size": size, "grown_mib": grown / 1024, "said": said})


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@asynccontextmanager
async def _notifier(url: str, batch: int) -> AsyncIterator[Fetch]:
    client = Client(
        base_url=url,
        token=StaticToken("bench"),
        timeout=timedelta(seconds=10),
        limiter=Limiter(requests_per_second=1_000, clock=time.monotonic),
        max_connections=4,
    )

    async def fetch(snapshot: str, folder: Path) -> str:
        downloader = Downloader(observer=client, results=ResultsClient(client.gateway), batch=batch)
        try:
            await downloader.fetch(DownloadRequest(snapshot_id=snapshot, folder=folder, format=Format.NDJSON))
        except DownloadError as error:
            return str(error)
        return ""

    async with client:
        yield fetch


@asynccontextmanager
async def _plain(url: str) -> AsyncIterator[Fetch]:
    async with httpx.AsyncClient(timeout=10) as client:

        async def fetch(snapshot: str, folder: Path) -> str:
            with (folder / "results").open("wb") as file:
                async with client.stream("GET", f"{url}/datasets/v3/snapshot/{snapshot}") as answer:
                    async for piece in answer.aiter_bytes():
                        file.write(piece)
            return ""

        yield fetch


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
