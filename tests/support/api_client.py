"""The real client of the API, and a server that answers with the bytes of its choice."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from notifier.brightdata.datasets.client import Client
from notifier.brightdata.http.tokens import StaticToken, TokenSource
from notifier.brightdata.limits.limiter import Limiter
from notifier.brightdata.simulator.life import Life, Step
from notifier.core.snapshot.model import Facts, Observation, Seen, Unclear

CANARY = "canary-7f3a/9+d1"
ENDED = Life(steps=(Step(status="ready"),), facts={"records": 10, "errors": 0, "collection_duration": 36592})
READY = Seen(status="ready", facts=Facts(dataset_id="gd_1", records=10, errors=0, collection_duration_ms=36592))


def new_limiter(rate: float = 1_000.0) -> Limiter:
    return Limiter(requests_per_second=rate, clock=time.monotonic)


def client_of(
    url: str, *, timeout: float = 5.0, token: TokenSource | None = None, limiter: Limiter | None = None
) -> Client:
    return Client(
        base_url=url,
        token=token or StaticToken(CANARY),
        timeout=timedelta(seconds=timeout),
        limiter=limiter or new_limiter(),
        max_connections=100,
    )


async def poll(url: str, snapshot_id: str = "s_1", *, timeout: float = 5.0) -> Observation:
    async with client_of(url, timeout=timeout) as client:
        return await client.observe(snapshot_id)


def unclear(observation: Observation) -> Unclear:
    assert isinstance(observation, Unclear), observation
    assert "canary" not in observation.detail
    assert observation.detail.isprintable()
    assert 0 < len(observation.detail) <= 200
    return observation


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_server(answer: bytes, *, then: Handler | None = None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that answers every request with these bytes, then does `then` or hangs up; and the requests it got."""
    requests = list[bytes]()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            if then is not None:
                await then(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
