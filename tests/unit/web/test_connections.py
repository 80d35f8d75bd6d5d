"""What strangers can hold of a listener: so many connections, each for so long; honest requests get through."""

import asyncio
import contextlib
import resource

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from support.web_listener import Listening, listening, request

from notifier.web import connections
from notifier.web.connections import allowed
from notifier.web.live import hub

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: "
WHOLE = request(close=False)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers shortly, or with much."""
    body = b"x" * 64 * 1024 * 1024 if scope["path"] == "/much" else b"here"
    await PlainTextResponse(body)(scope, receive, send)


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    """Begins an event stream that never ends."""
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    await asyncio.Event().wait()


async def halves(made: Listening, number: int) -> list[asyncio.StreamReader]:
    """So many requests, of which only the half is sent."""
    return [await made.say(HALF) for _ in range(number)]


async def test_half_requests_hold_no_more_than_the_cap_and_an_honest_one_is_answered() -> None:
    """1,100 of them took every descriptor of the daemon. Here 200 come, and the cap is 20."""
    async with listening(answer, most=20, head=3_600) as made:
        await halves(made, 200)
        assert await made.status_of() == 200
        assert made.open <= 20


async def test_one_address_has_a_cap_of_its_own() -> None:
    async with listening(answer, most=100, most_of_one=5, head=3_600) as made:
        await halves(made, 50)
        assert await made.status_of() == 200
        assert made.open <= 5


def test_every_open_page_of_one_address_can_read_itself_at_once_and_others_have_room_left() -> None:
    assert connections.MOST_OF_ONE >= 2 * hub.MOST_OF_ONE
    assert connections.MOST - connections.MOST_OF_ONE >= connections.LEAST


async def test_an_event_stream_makes_room_only_when_nothing_else_is_idle() -> None:
    async with listening(stream, most=2, head=3_600) as made:
        streamed = await made.say(WHOLE)
        await streamed.readuntil(b"data: 1\n\n")
        (half,) = await halves(made, 1)
        await made.until(2)
        other = await made.say(WHOLE)  # instead of the half
        await other.readuntil(b"data: 1\n\n")
        with contextlib.suppress(ConnectionError):
            assert await half.read() == b""
        await (await made.say(WHOLE)).readuntil(b"data: 1\n\n")  # instead of the older stream
        assert made.open == 2
        assert len(made.tasks) == 2


async def test_half_a_request_is_ended_after_its_time() -> None:
    async with listening(answer, head=0.05) as made:
        (reader,) = await halves(made, 1)
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 20) == b""
        await made.until(0)


async def test_a_connection_that_is_kept_open_ends_after_its_time() -> None:
    """Also one whose second request comes only by half."""
    async with listening(answer, idle=0.05) as made:
        assert b"200 OK" in await made.answer_to(WHOLE + HALF)


async def test_an_answer_that_is_never_made_is_given_up() -> None:
    async def hangs(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    async with listening(hangs, answer=0.05) as made:
        assert await made.answer_to(WHOLE) == b""
        async with asyncio.timeout(20):
            while made.tasks:  # noqa: ASYNC110
                await asyncio.sleep(0)


async def test_who_does_not_read_the_answer_is_let_go() -> None:
    async with listening(answer, idle=0.05) as made:
        await made.say(request("/much", close=False))
        await made.until(1)
        await made.until(0)


def test_a_listener_takes_an_eighth_of_the_descriptors_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, most in ((1_024, 128), (256, 32), (20, connections.LEAST), (resource.RLIM_INFINITY, 128)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert allowed() == most
