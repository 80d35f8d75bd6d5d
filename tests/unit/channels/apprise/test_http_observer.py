"""No redirect is followed, and what is read of an answer is bounded in bytes and time."""

import asyncio

import pytest
from aiohttp import web
from support.web_server import Handler, serving

from notifier.channels.apprise import http_observer
from notifier.channels.apprise.channel import AppriseChannel
from notifier.core.delivery.model import Message, Outcome, OutcomeKind

MESSAGE = Message(title="✅ Prices: ready", body="Event: evt_1")


async def answered(answer: Handler) -> tuple[Outcome, list[str]]:
    """Returns the outcome of a message to a server that answers like this, and the requests that it got."""
    asked: list[str] = []

    async def noting(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(f"{request.method} {request.path}")
        return await answer(request)

    async with serving(noting) as port:
        far = AppriseChannel(name="far", url=f"json://127.0.0.1:{port}/", redact=str)
        return await far.send(MESSAGE), asked


async def test_a_redirect_is_a_failure_and_is_not_followed() -> None:
    async def redirects(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/login"})

    outcome, asked = await answered(redirects)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.PERMANENT, "http_302")
    assert asked == ["POST /"]


async def test_only_the_beginning_of_a_huge_answer_is_read() -> None:
    sent = 0

    async def talks(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3_000):
            await response.write(b"x" * 65_536)
            sent += 65_536
        return response

    outcome, _ = await answered(talks)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DELIVERED, "http_200")
    assert sent < 64 * 1024 * 1024


async def test_an_answer_that_drips_is_cut_and_its_status_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_observer, "LONGEST_ANSWER_S", 0.0)
    never = asyncio.Event()

    async def drips(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100000"})
        await response.prepare(request)
        await response.write(b"x")
        await never.wait()
        return response

    outcome, _ = await answered(drips)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.DELIVERED, "http_200")


async def test_an_unknown_charset_does_not_make_a_delivered_message_fail() -> None:
    async def unknown_charset(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"thank you", headers={"Content-Type": "text/html; charset=undefined"})

    outcome, _ = await answered(unknown_charset)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.DELIVERED, "thank you")
