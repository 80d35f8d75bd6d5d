"""One connection: what a client may send and leave unread, and what its end means for its request."""

import asyncio
import time

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from support.web_listener import listening, request

from notifier.web import server
from notifier.web.connection import LARGEST_HEAD, LARGEST_URL, MOST_AHEAD, MOST_HEADERS

ASKED: list[str] = []


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the size of the body, and notes the path."""
    ASKED.append(scope["path"])
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"here {len(body)}")(scope, receive, send)


@pytest.fixture(autouse=True)
def _nothing_asked() -> None:
    ASKED.clear()


@pytest.mark.parametrize(
    "sent",
    [
        request("/" + "x" * LARGEST_URL),
        request("/?" + "x" * 10_000_000),
        request("/", *(f"X-{number}: y" for number in range(MOST_HEADERS))),
        request("/", "X: " + "y" * 10_000_000),
        b"GET / HTTP/1.1\r\nX: " + b"y" * 10_000_000,
    ],
    ids=["url", "query", "headers", "header", "unended header"],
)
async def test_a_head_that_is_too_large_is_refused_before_any_route(sent: bytes) -> None:
    """The answer may be lost, because the client still sends when the connection is closed."""
    async with listening(answer) as made:
        said = await made.answer_to(sent)
        assert said[:12] in (b"", b"HTTP/1.1 400", b"HTTP/1.1 431")
        assert ASKED == []
        assert await made.status_of() == 200


async def test_a_head_is_taken_up_to_its_bounds() -> None:
    headers = [f"X-{number}: {'y' * (LARGEST_HEAD // 200)}" for number in range(MOST_HEADERS - 5)]
    async with listening(answer) as made:
        assert await made.status_of("/" + "x" * (LARGEST_URL - 1), *headers) == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_answered_in_words_and_closed(sent: bytes) -> None:
    """No traceback, and nothing that two servers in a row could read as different requests."""
    async with listening(answer) as made:
        said = await made.answer_to(sent)
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\nserver: notifier/")
    assert said.endswith(b"\r\n\r\nthis is no request that can be answered\n")
    assert ASKED == []


async def test_requests_may_come_before_the_answers_but_not_without_end() -> None:
    async with listening(answer) as made:
        said = await made.answer_to(request(close=False) * MOST_AHEAD + request())
        assert said.count(b"200 OK") == MOST_AHEAD + 1
        began = time.process_time()
        await made.answer_to(request(close=False) * 100_000)
        assert time.process_time() - began < 1
        assert len(ASKED) < 100


async def test_a_client_that_asks_whether_to_go_on_is_told_so() -> None:
    async with listening(answer) as made:
        said = await made.answer_to(request("/", "Expect: 100-continue", method="POST", body=b"body"))
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert said.endswith(b"here 4")


async def test_no_other_protocol_is_spoken_and_the_request_is_answered_all_the_same() -> None:
    headers = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: eA==")
    async with listening(answer) as made:
        reader = await made.say(request("/", *headers, close=False))
        assert b"200 OK" in await reader.readuntil(b"here 0")
        assert await made.status_of() == 200


async def test_an_old_client_without_host_is_answered_and_closed() -> None:
    async with listening(answer) as made:
        assert (await made.answer_to(b"GET / HTTP/1.0\r\n\r\n")).endswith(b"here 0")


class Endless:
    """An answer that never comes, and its end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.canceled = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.begun.set()
        try:
            await self.goes_on.wait()
        except asyncio.CancelledError:
            self.canceled.set()
            raise
        await PlainTextResponse("done")(scope, receive, send)


async def test_a_page_that_nobody_waits_for_any_more_is_not_made() -> None:
    endless = Endless()
    async with listening(endless) as made, asyncio.timeout(20):
        await made.say(request())
        await endless.begun.wait()
        await made.hang_up()
        await endless.canceled.wait()


async def test_what_changes_something_is_done_to_its_end_though_the_client_is_gone() -> None:
    endless = Endless()
    async with listening(endless) as made, asyncio.timeout(20):
        await made.say(request(method="POST"))
        await endless.begun.wait()
        (task,) = made.tasks
        await made.hang_up()
        await made.until(0)
        endless.goes_on.set()
        await task
    assert not endless.canceled.is_set()


class Stream:
    """An event stream of so many bytes a message, and how many messages went out."""

    def __init__(self, size: int, messages: int) -> None:
        self._message = b"data: " + b"x" * size + b"\n\n"
        self._messages = messages
        self.sent = 0
        self.canceled = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            for _ in range(self._messages):
                await send({"type": "http.response.body", "body": self._message, "more_body": True})
                self.sent += 1
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.canceled.set()
            raise


async def test_an_event_stream_lasts_longer_than_any_other_answer() -> None:
    async with listening(Stream(10, 1), head=0.02, answer=0.02, idle=0.02, stalled=0.02) as made:
        reader = await made.say(request())
        await reader.readuntil(b"xx\n\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 0.2)
        assert made.open == 1


async def test_a_reader_of_an_event_stream_that_reads_nothing_is_ended_and_holds_little() -> None:
    stream = Stream(64 * 1024, 10_000)
    async with listening(stream, stalled=0.1) as made, asyncio.timeout(20):
        await made.connect()
        await made.say(request())
        await stream.canceled.wait()
        await made.until(1)
    assert stream.sent < 1_000  # what the buffers of the two sockets hold


async def test_an_event_stream_ends_with_the_server_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_END_WITHIN_S", 3_600)
    stream = Stream(10, 1)
    async with asyncio.timeout(20), listening(stream) as made:
        reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
        writer.write(request())
        await reader.readuntil(b"xx\n\n")
    assert stream.canceled.is_set()
    writer.close()
