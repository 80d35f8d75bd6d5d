"""Attacks on the web server, over real sockets: nobody gets in, nothing leaks, nothing is changed."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import fields
from functools import cache
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.types import ASGIApp
from support.web import asking, sources
from support.web_listener import Listening, listening, request

from notifier.config.model import Http
from notifier.core.isolation import Faults
from notifier.core.work_units import UnitFault
from notifier.web.access.cookie import PLAIN
from notifier.web.access.guard import HOOKS, PUBLIC, PUBLIC_FILES
from notifier.web.access.sessions import Sessions
from notifier.web.api import application as api
from notifier.web.application import ROUTERS, application
from notifier.web.isolation import LARGEST_BODY
from notifier.web.sources import Actions

TOKEN = "p4ge-t0ken-0123456789"
CANARY = "canary-metric"
BEARER = f"Authorization: Bearer {TOKEN}"
API = "/api"
COOKIE = f"Cookie: {PLAIN}={Sessions(TOKEN).new()}"
FOREIGN = "Origin: https://evil.example"


class World:
    """A server, what it was made to do, and what failed in it."""

    def __init__(self, made: Listening, done: list[str], faults: list[UnitFault]) -> None:
        self.made, self.done, self.faults = made, done, faults

    async def answer_to(self, path: str, *headers: str, **options: Any) -> bytes:
        """The answer to an orderly request."""
        return await self.made.answer_to(request(path, *headers, **options))


@cache
def made(token: str | None) -> tuple[ASGIApp, list[str], list[UnitFault]]:
    """The application, made once, with lists of what is done and what fails."""
    done: list[str] = []
    faults: list[UnitFault] = []

    def noting(name: str) -> Any:
        async def act(*arguments: Any) -> None:
            done.append(name)

        return act

    actions = Actions(**{field.name: noting(field.name) for field in fields(Actions)})
    read = sources(metrics=f"{CANARY} 1\n".encode(), actions=actions)
    return (
        application(read, http=Http(host="127.0.0.1", port=0, token=token), faults=Faults(faults.append)),
        done,
        faults,
    )


@asynccontextmanager
async def world(token: str | None) -> AsyncIterator[World]:
    served, done, faults = made(token)
    done.clear()
    faults.clear()
    async with listening(served) as listener:
        yield World(listener, done, faults)


@pytest.fixture
async def guarded() -> AsyncIterator[World]:
    """A server with a token."""
    async with world(TOKEN) as found:
        yield found


@pytest.fixture
async def local() -> AsyncIterator[World]:
    """A server on loopback without a token."""
    async with world(None) as found:
        yield found


def routes(*methods: str) -> Iterator[tuple[str, str]]:
    """Every route of these methods with a path, those apart that answer anybody."""
    found = [("", route) for make in ROUTERS for route in make(sources()).routes]
    found += [("/api/v1", route) for make in api.ROUTERS for route in make(sources()).routes]
    for prefix, route in found:
        if not isinstance(route, APIRoute) or route.path in PUBLIC or route.path.startswith((HOOKS, PUBLIC_FILES)):
            continue
        path = prefix + re.sub(r"\{[^}]+\}", "1", route.path)
        yield from ((method, path) for method in sorted(route.methods or ()) if method in methods)


GETS, CHANGES = list(routes("GET")), list(routes("POST", "PUT", "PATCH", "DELETE"))


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "said",
    [(), ("Authorization: Bearer wrong",), (f"Authorization: Basic {TOKEN}",), (f"Authorization: {TOKEN}",),
     ("Authorization: Bearer",), (f"Cookie: {PLAIN}={TOKEN}",), (f"Cookie: {PLAIN}=9999999999.x.y",),
     (f"{COOKIE}x",), ("X-Forwarded-For: 127.0.0.1", "X-Original-URL: /healthz", "X-Rewrite-URL: /healthz")],
)  # fmt: skip
async def test_no_route_answers_without_the_token(guarded: World, said: tuple[str, ...]) -> None:
    """What is added later is behind it, too. The answer is the same for what there is not."""
    for method, path in (*GETS, *CHANGES, ("GET", "/no-such-path"), ("OPTIONS", "/metrics"), ("TRACE", "/")):
        answer = await guarded.answer_to(path, *said, method=method)
        assert status_of(answer) == 401, path
        assert CANARY.encode() not in answer
    assert (guarded.done, guarded.faults) == ([], [])


async def test_the_token_and_a_session_open_every_page(guarded: World) -> None:
    for said in (BEARER, COOKIE):
        assert CANARY.encode() in await guarded.answer_to("/metrics", said)


@pytest.mark.parametrize(
    "said",
    [
        (FOREIGN,), ("Origin: null",), ("Sec-Fetch-Site: cross-site",), (FOREIGN, "Sec-Fetch-Site: cross-site"),
        ("Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1"), ("Origin: http://127.0.0.1.evil.example",),
        ("Origin: http://127.0.0.1:1",),
    ],
)  # fmt: skip
async def test_another_web_page_changes_nothing(guarded: World, local: World, said: tuple[str, ...]) -> None:
    """Neither with the cookie of a browser that is signed in, nor on loopback without a token."""
    form = ("Content-Type: application/x-www-form-urlencoded", *said)
    assert CHANGES
    for method, path in (*CHANGES, ("POST", "/sign-out")):
        assert status_of(await guarded.answer_to(path, COOKIE, *form, method=method, body=b"a=1")) == 403, path
        assert status_of(await local.answer_to(path, *form, method=method, body=b"a=1")) == 403, path
    assert (guarded.done, local.done, guarded.faults, local.faults) == ([], [], [], [])


async def test_a_name_of_a_strangers_own_that_leads_here_reads_and_changes_nothing(local: World) -> None:
    """DNS rebinding: the browser believes that evil.example is this daemon, so the request is of the same origin."""
    for host in ("evil.example", "evil.example:8787", "127.0.0.1.evil.example", ""):
        for method, path in (*GETS, *CHANGES):
            answer = await local.answer_to(
                path, f"Host: {host}", f"Origin: http://{host}", "Sec-Fetch-Site: same-origin", method=method
            )
            assert status_of(answer) == 403, (host, path)
            assert CANARY.encode() not in answer
    assert local.done == []


@pytest.mark.parametrize(
    "path",
    [
        "//metrics", "/./metrics", "/healthz/../metrics", "/healthz/..%2fmetrics", "/static/../metrics",
        "/static/%2e%2e/metrics", "/static/..%2f..%2f..%2f..%2fetc/passwd", "/static//etc/passwd",
        "/static/%2fetc%2fpasswd", "/static/app.css%00.png", "/static/..%5c..%5cserver.py", "/sign-in/../metrics",
        "/hooks/../metrics", "/hooks/brightdata/..%2f..%2fmetrics", "/METRICS", "/metrics/", "/metrics%20",
        "/metrics%00",
        "/metrics;/healthz", "/healthz%00/metrics", "http://127.0.0.1/metrics", "http://evil.example/healthz", "*",
        "/%", "/%zz", "/%ff%fe", "/metrics?/healthz", "/metrics#/healthz",
    ],
)  # fmt: skip
async def test_no_spelling_of_a_path_leads_past_the_guard(guarded: World, path: str) -> None:
    answer = await guarded.answer_to(path)
    assert CANARY.encode() not in answer
    assert b"root:" not in answer
    assert status_of(answer) in (400, 401, 404, 405) or b"\r\n\r\nalive\n" in answer
    assert guarded.faults == []


@pytest.mark.parametrize("injected", ["%0d%0aSet-Cookie:%20a=b", "%0aX:%20y", "%E5%98%8D%E5%98%8ASet-Cookie: a=b"])
async def test_nothing_of_a_request_becomes_a_header_of_the_answer(guarded: World, injected: str) -> None:
    browser = ("Accept: text/html", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate")
    path = f"/watches/{injected}?next=/{injected}".replace(" ", "%20")
    body = f"token={TOKEN}&next=/{injected}".encode()
    for answer in (
        await guarded.answer_to(path, "Accept: text/html"),
        await guarded.answer_to(path, *browser),
        await guarded.answer_to(path, BEARER),
        await guarded.answer_to("/sign-in", method="POST", body=body),
    ):
        head = answer.partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
        assert all(not line.startswith((b"x:", b"set-cookie: a=")) for line in head)
        assert b"\n" not in b"".join(head)
    assert guarded.faults == []


@pytest.mark.parametrize(
    "onwards",
    ["https://evil.example", "//evil.example", "/%5cevil.example", "/%09/evil.example", "javascript:alert(1)"],
)
async def test_signing_in_leads_to_no_other_site(guarded: World, onwards: str) -> None:
    body = f"token={TOKEN}&next={onwards}".encode()
    head = await guarded.answer_to("/sign-in", method="POST", body=body)
    assert b"\r\nlocation: /\r\n" in head.lower()
    assert onwards.encode() not in await guarded.answer_to(f"/sign-in?next={onwards}")


async def test_who_guesses_the_token_is_slowed_down_and_those_who_have_it_are_not(guarded: World) -> None:
    statuses = [
        status_of(await guarded.answer_to("/sign-in", method="POST", body=b"token=%d" % number)) for number in range(20)
    ]
    assert statuses == [403] * 10 + [429] * 10
    assert status_of(await guarded.answer_to("/metrics", BEARER)) == 200
    assert status_of(await guarded.answer_to("/metrics", COOKIE)) == 200


async def test_a_body_without_end_is_refused_and_costs_no_memory(guarded: World) -> None:
    head = request("/sign-in", "Transfer-Encoding: chunked", method="POST")
    reader, writer = await guarded.made.connect()
    writer.write(head)
    sent, chunk = 0, b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(20):
            while sent < 100 * LARGEST_BODY and not reader.at_eof():
                writer.write(chunk)
                await writer.drain()
                sent += 0x10000
    assert sent < 20 * LARGEST_BODY  # what the buffers of the two sockets hold
    assert status_of(await guarded.answer_to("/healthz")) == 200
    assert guarded.faults == []


@pytest.mark.parametrize("path", ["/sign-in", "/watches/1/mute"])
async def test_too_large_a_body_is_the_clients_fault_and_not_ours(path: str) -> None:
    served, done, faults = made(TOKEN)
    done.clear()
    async with asking(served) as client:
        body = b"x" * (LARGEST_BODY + 1)
        answer = await client.post(path, content=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, "larger than 1024 KiB" in answer.text) == (413, True)
    assert (done, faults) == ([], [])


@pytest.mark.parametrize("path", ["/channels/", "/sign-in/", f"{HOOKS}brightdata/canary-secret/", "/api"])
async def test_a_slash_too_many_leads_nowhere(guarded: World, path: str) -> None:
    """Behind a proxy that takes https away, a redirect would lead to plain http, with the path's secret in it."""
    for method in ("GET", "POST"):
        answer = await guarded.answer_to(path, BEARER, method=method)
        assert (status_of(answer), b"location" in answer.lower()) == (404, False)


async def test_a_body_that_is_announced_and_never_comes_holds_nothing_but_its_connection(guarded: World) -> None:
    for _ in range(60):
        await guarded.made.say(request("/sign-in", "Content-Length: 1000000", method="POST"))
    assert status_of(await guarded.answer_to("/healthz")) == 200
