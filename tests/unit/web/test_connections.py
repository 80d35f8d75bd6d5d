"""What strangers can hold of a listener: so many connections, each for so long; honest requests get through."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from notifier.config.model import Http
from notifier.web import connections
from notifier.web.connections import Connections, allowed
from notifier.web.server import Server

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers shortly, or with much."""
    body = b"x" * 64 * 1024 * 1024 if scope["path"] == "/much" else b"here"
    await PlainTextResponse(body)(scope, receive, send)


class Running:
    """A server that listens, and what it counts."""

    def __init__(self, port: int, counted: list[Connections]) -> None:
        self.port = port
        self._counted = counted

    @property
    def open(self) -> int:
        return len(self._counted[-1])

    async def until(self, number: int) -> None:
        """Wait until so many connections are open."""
        async with asyncio.timeout(20):
            while self.open != number:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def ask(self) -> int:
        timeout = aiohttp.ClientTimeout(total=20)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            async with session.get(f"http://127.0.0.1:{self.port}/") as response:
                return response.status


@asynccontextmanager
async def running(monkeypatch: pytest.MonkeyPatch, **bounds: float) -> AsyncIterator[Running]:
    counted: list[Connections] = []

    def counting(application: ASGIApp) -> Connections:
        counted.append(Connections(application, **bounds))  # type: ignore[arg-type]
        return counted[-1]

    monkeypatch.setattr(connections, "Connections", counting)
    told: asyncio.Queue[str] = asyncio.Queue()
    listening = Server(
        Http(host="127.0.0.1", port=0), make=lambda _: answer, changed=lambda where, _: told.put_nowait(where)
    )
    task = asyncio.create_task(listening.run())
    try:
        address = await told.get()
        yield Running(int(address.rpartition(":")[2]), counted)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def halves(port: int, number: int) -> list[asyncio.StreamReader]:
    """So many requests, of which only the half is sent."""
    readers = []
    for _ in range(number):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(HALF)
        HELD.append(writer)
        readers.append(reader)
    return readers


HELD: list[asyncio.StreamWriter] = []


@pytest.fixture(autouse=True)
async def _let_go() -> AsyncIterator[None]:
    yield
    while HELD:
        writer = HELD.pop()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_half_requests_hold_no_more_than_the_cap_and_an_honest_one_is_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1,100 of them took every descriptor of the daemon. Here 200 come, and the cap is 20."""
    async with running(monkeypatch, most=20, head=3_600) as made:
        await halves(made.port, 200)
        assert await made.ask() == 200
        assert made.open <= 20


async def test_one_address_has_a_cap_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, most=100, most_of_one=5, head=3_600) as made:
        await halves(made.port, 50)
        assert await made.ask() == 200
        assert made.open <= 5


async def test_half_a_request_is_ended_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, head=0.05) as made:
        (reader,) = await halves(made.port, 1)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 20) == b""
        await made.until(0)


async def test_a_connection_that_is_kept_open_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one whose second request comes only by half."""
    async with running(monkeypatch, idle=0.05) as made:
        reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + HALF)
        with contextlib.suppress(ConnectionError):
            assert b"200 OK" in await asyncio.wait_for(reader.read(), 20)
        writer.close()


async def test_who_does_not_read_the_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(monkeypatch, idle=0.05) as made:
        _, writer = await asyncio.open_connection("127.0.0.1", made.port, limit=1_024)
        writer.write(b"GET /much HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await writer.drain()
        HELD.append(writer)
        await made.until(1)
        await made.until(0)


def test_a_listener_takes_an_eighth_of_the_descriptors_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, most in ((1_024, 128), (256, 32), (20, connections.LEAST), (resource.RLIM_INFINITY, 128)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert allowed() == most
