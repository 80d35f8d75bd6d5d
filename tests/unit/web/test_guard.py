"""Who is answered over HTTP, and in what words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from notifier.core.isolation import Faults
from notifier.web.guard import guard, is_own_name, knows

TOKEN = "p4ge-t0ken-0123456789"


@asynccontextmanager
async def guarded(token: str | None) -> AsyncIterator[str]:
    """The address of a guarded application."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/broken":
            raise RuntimeError("canary")
        return web.Response(text="shown")

    app = web.Application(middlewares=[guard(token, Faults(lambda _: None))])
    for path in ("/", "/healthz", "/broken"):
        app.router.add_get(path, answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def get(url: str, **headers: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        assert response.headers["Server"].startswith("notifier/")
        assert response.headers["Cache-Control"] == "no-store"
        return response.status, await response.text()


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8787", "LOCALHOST", "notifier.localhost:1", "127.0.0.1:8787", "[::1]:8787", None],
)
def test_this_machines_names_for_itself_are_answered(host: str | None) -> None:
    assert is_own_name(host)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8787",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.0.1",
        "[::2]",
        "",
        ":",
    ],
)
def test_any_other_name_is_not(host: str) -> None:
    assert not is_own_name(host)


@given(st.text(max_size=40), st.text(max_size=40))
def test_only_a_bearer_of_the_very_token_knows_it(scheme: str, given_token: str) -> None:
    said = f"{scheme} {given_token}"
    assert knows(said, TOKEN) == (said.strip().lower().startswith("bearer ") and said.split(" ", 1)[1].strip() == TOKEN)
    assert knows(f"bearer {TOKEN}", TOKEN)


async def test_without_a_token_a_strangers_name_is_refused_with_the_way_out() -> None:
    async with guarded(None) as url:
        assert await get(url) == (200, "shown")
        status, text = await get(url, Host="evil.example")
        assert (status, "Host" in text) == (403, True)
        assert await get(f"{url}/healthz", Host="evil.example") == (200, "shown")


async def test_with_a_token_only_who_knows_it_is_answered_by_whatever_name() -> None:
    async with guarded(TOKEN) as url:
        assert (await get(url))[0] == 401
        assert (await get(url, Authorization=f"Bearer {TOKEN}x"))[0] == 401
        assert (await get(url, Authorization=f"Basic {TOKEN}"))[0] == 401
        assert await get(url, Authorization=f"Bearer {TOKEN}", Host="proxy.example") == (200, "shown")
        assert await get(f"{url}/healthz") == (200, "shown")
        assert (await get(f"{url}/nothing"))[0] == 401  # what there is, is not told either


async def test_what_fails_is_answered_without_its_reason() -> None:
    async with guarded(None) as url:
        status, text = await get(f"{url}/broken")
        assert status == 500
        assert "canary" not in text
        assert await get(f"{url}/nothing") == (404, "Not Found; / says what there is\n")
