"""The daemon's own HTTP server on a free port, and clients that write bytes of their own choice."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

from starlette.types import ASGIApp

from notifier.config.model import Http
from notifier.web import connections
from notifier.web.server import Server


class Listening:
    """A server that listens: its port and its connections."""

    def __init__(self, port: int, counted: list[connections.Connections]) -> None:
        self.port = port
        self._counted = counted
        self._writers: list[asyncio.StreamWriter] = []

    @property
    def open(self) -> int:
        """The number of its connections."""
        return len(self._counted[-1])

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        """Its requests under way."""
        return self._counted[-1].state.tasks

    async def until(self, number: int) -> None:
        """Wait until so many connections are open."""
        async with asyncio.timeout(20):
            while self.open != number:  # noqa: ASYNC110
                await asyncio.sleep(0)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection, which ends with the server at the latest."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return reader, writer

    async def say(self, request: bytes) -> asyncio.StreamReader:
        """Send this on a new connection."""
        reader, writer = await self.connect()
        writer.write(request)
        return reader

    async def answer_to(self, request: bytes) -> bytes:
        """Send this on a new connection, and return all that comes until the server closes it."""
        reader = await self.say(request)
        async with asyncio.timeout(20):
            with contextlib.suppress(ConnectionError):
                return await reader.read()
        return b""

    async def status_of(self, path: str = "/", *headers: str, method: str = "GET", body: bytes = b"") -> int:
        """The status of an orderly request."""
        return int((await self.answer_to(request(path, *headers, method=method, body=body))).split(b" ")[1])

    async def hang_up(self) -> None:
        """Close all its clients."""
        while self._writers:
            writer = self._writers.pop()
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def request(path: str = "/", *headers: str, method: str = "GET", body: bytes = b"", close: bool = True) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", *headers]
    if not any(each.lower().startswith("host:") for each in headers):
        lines.append("Host: 127.0.0.1")
    if close:
        lines.append("Connection: close")
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def listening(application: ASGIApp, **bounds: Any) -> AsyncIterator[Listening]:
    """Serve an application. Bounds are those of `Connections`."""
    counted: list[connections.Connections] = []
    original = connections.Connections

    def counting(served: ASGIApp) -> connections.Connections:
        counted.append(original(served, **bounds))
        return counted[-1]

    address: asyncio.Queue[str] = asyncio.Queue()
    server = Server(
        Http(host="127.0.0.1", port=0), make=lambda _: application, changed=lambda where, _: address.put_nowait(where)
    )
    with mock.patch.object(connections, "Connections", counting):
        task = asyncio.create_task(server.run())
        found = await address.get()
    listener = Listening(int(found.rpartition(":")[2]), counted)
    try:
        yield listener
    finally:
        await listener.hang_up()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
