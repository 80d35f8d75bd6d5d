"""Where the daemon listens: as the configuration says, from then on, as soon as it can be."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from notifier.config.model import Http
from notifier.web.server import Server, why_not

SOON = timedelta(milliseconds=10)


class Told:
    """What was told of the address, to be waited for."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def __call__(self, address: str, trouble: str) -> None:
        self._told.put_nowait((address, trouble))

    async def next(self) -> tuple[str, str]:
        async with asyncio.timeout(60):
            return await self._told.get()


def application(http: Http) -> ASGIApp:
    return PlainTextResponse(str(http.token))


@asynccontextmanager
async def running(http: Http | None) -> AsyncIterator[tuple[Server, Told]]:
    told = Told()
    server = Server(http, make=application, changed=told, again=SOON)
    task = asyncio.create_task(server.run())
    try:
        yield server, told
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def text_of(address: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(address) as response:
        return await response.text()


def at(port: int = 0, host: str = "127.0.0.1", token: str | None = None) -> Http:
    return Http(host=host, port=port, token=token)


async def test_it_listens_and_tells_the_port_that_it_was_given() -> None:
    async with running(at()) as (_, told):
        address, trouble = await told.next()
        assert trouble == ""
        assert await text_of(address) == "None"
    with pytest.raises(aiohttp.ClientConnectionError):
        await text_of(address)


def has_ipv6() -> bool:
    """Whether this machine has its IPv6 loopback."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
async def test_ipv6_has_its_brackets() -> None:
    async with running(at(host="::1")) as (_, told):
        address, _ = await told.next()
        assert address.startswith("http://[::1]:")
        assert await text_of(address) == "None"


async def test_a_port_that_is_taken_is_told_once_and_had_as_soon_as_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with running(at(port)) as (server, told):
            address, trouble = await told.next()
            assert address == f"127.0.0.1:{port}"
            assert "another program listens there" in trouble
            assert server.trouble.startswith(address)
            other.close()
            assert await told.next() == (f"http://127.0.0.1:{port}", "")
            assert server.trouble == ""


async def test_another_address_or_token_is_taken_up_and_the_old_one_is_left() -> None:
    async with running(at()) as (server, told):
        first, _ = await told.next()
        server.configure(at(token="other"))
        second, _ = await told.next()
        assert await text_of(second) == "other"
        server.configure(None)
        assert await told.next() == ("", "")
        for address in (first, second):
            with pytest.raises(aiohttp.ClientConnectionError):
                await text_of(address)
        server.configure(at())
        assert await text_of((await told.next())[0]) == "None"


async def test_an_address_that_is_the_same_is_listened_on_undisturbed() -> None:
    async with running(at()) as (server, told):
        address, _ = await told.next()
        server.configure(at())
        assert await text_of(address) == "None"


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.EADDRINUSE, "another program"),
        (errno.EADDRNOTAVAIL, "no such address"),
        (errno.EACCES, "1024"),
        (errno.EIO, "another address"),
    ],
)
def test_every_failure_has_its_cure(number: int, cure: str) -> None:
    assert cure in why_not(OSError(number, "x"))
