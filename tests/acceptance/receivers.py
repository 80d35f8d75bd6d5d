"""Receivers of messages over HTTP: a web service that answers as a test says, and Slack behind TLS. Real sockets."""

import asyncio
import json
import re
import ssl
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trustme
from aiohttp import web
from support.web_server import serving

from acceptance.harness import Journal

_EVENT = re.compile(r"\b(?:evt|ntc)_[0-9a-f]{20}\b")


def event_ids(text: str) -> list[str]:
    """The ids of the events and notices that a text names."""
    return _EVENT.findall(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a receiver answers.

    It `hangs`: nothing at all, until the other side has had enough; or it `resets` the connection; or it answers only
    `after_s` seconds, whether or not the other side still waits.
    """

    status: int = 200
    body: str = "thank you"
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    resets: bool = False
    after_s: float = 0


HANG = Answer(hangs=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A message that arrived, and the answer it was given.

    `raw` and `headers` are the request's own; `at` is a Unix time.
    """

    title: str
    message: str
    path: str
    answer: Answer
    raw: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    at: float = field(default_factory=time.time)

    @property
    def news(self) -> tuple[str, str]:
        """The watch's name and the first word of what happened to it, from the title."""
        found = re.fullmatch(r"\S+ (.+?): (\w+)\b.*", self.title)
        assert found, self.title
        return found[1], found[2]

    @property
    def event_id(self) -> str:
        """The event it tells."""
        (found,) = self.event_ids
        return found

    @property
    def event_ids(self) -> list[str]:
        """The events it tells; a digest tells many, each once."""
        return list(dict.fromkeys(event_ids(self.message)))


class Receiver:
    """Takes Apprise's `json://` messages and signed webhooks, and answers 200 unless told otherwise."""

    def __init__(self, name: str) -> None:
        self.received: Journal[Received] = Journal(f"the receiver {name}")
        self.usual = Answer()
        self.url = self.web_url = ""
        self._next: deque[Answer] = deque()

    def answer_next(self, *answers: Answer) -> None:
        """The next messages are answered so, one each."""
        self._next.extend(answers)

    def answer_only(self, *answers: Answer) -> None:
        """The next messages are answered so, one each, and nothing that was said before of them counts."""
        self._next.clear()
        self.answer_next(*answers)

    @property
    def copies(self) -> Counter[str]:
        """How many times each event came in and was taken."""
        taken = (each for each in self.received.entries if each.answer.status == 200 and not each.answer.hangs)
        return Counter(event_id for each in taken for event_id in each.event_ids)

    async def told(self, number: int) -> list[str]:
        """The events that were taken, in order, as soon as there are that many or more."""
        await self.received.until(lambda _: len(self.copies) >= number)
        return list(self.copies)

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        answer = self._next.popleft() if self._next else self.usual
        raw = await request.read()
        body = json.loads(raw)
        self.received.add(
            Received(
                title=body.get("title") or body["type"],
                message=body.get("message", raw.decode()),
                path=request.path,
                answer=answer,
                raw=raw,
                headers=dict(request.headers),
            )
        )
        if answer.resets:
            assert request.transport is not None
            request.transport.abort()
        if answer.hangs or answer.resets:
            await asyncio.Event().wait()
        if answer.after_s:
            await asyncio.sleep(answer.after_s)
        return web.Response(status=answer.status, text=answer.body, headers=answer.headers)


@asynccontextmanager
async def receiver(name: str) -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    taking = Receiver(name)
    async with serving(taking.take) as port:
        taking.url = f"json://127.0.0.1:{port}/hook"
        taking.web_url = f"http://127.0.0.1:{port}/hook"
        yield taking


@dataclass(frozen=True, kw_only=True, slots=True)
class SlackPost:
    """A request that was meant for Slack."""

    path: str
    payload: dict[str, Any]

    @property
    def text(self) -> str:
        """All that a reader in Slack sees."""
        return json.dumps(self.payload, ensure_ascii=False)


def server_context(authority: trustme.CA, host: str) -> ssl.SSLContext:
    """TLS for a server of that name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    return context


class Slack:
    """An HTTP proxy that lets tunnels to hooks.slack.com end in itself, and answers there as Slack does."""

    HOST = "hooks.slack.com"

    def __init__(self, tls: ssl.SSLContext) -> None:
        self.posts: Journal[SlackPost] = Journal("Slack")
        self._tls = tls
        self._handling: set[asyncio.Task[None]] = set()
        self.proxy = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Slack"]:
        """Listen as long as the block lasts."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            await asyncio.gather(*self._handling)
            await server.wait_closed()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handling.add(task)
        try:
            asked, _ = await _request(reader)
            assert asked.startswith(f"CONNECT {self.HOST}:443 "), asked
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await writer.start_tls(self._tls)
            asked, body = await _request(reader)
            method, path, _ = asked.split(" ")
            assert method == "POST", asked
            self.posts.add(SlackPost(path=path, payload=json.loads(body)))
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            await writer.drain()
        finally:
            writer.close()
            self._handling.discard(task)


async def _request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    """The first line of an HTTP request, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = re.search(r"(?i)^content-length: *(\d+)", head, re.MULTILINE)
    return head.splitlines()[0], await reader.readexactly(int(length[1])) if length else b""
