"""The far sides that a notification may have: a web service, Slack behind HTTPS, a mail server. All real sockets."""

import asyncio
import json
import re
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from acceptance.harness import Journal

_EVENT = re.compile(r"\bevt_[0-9a-f]{20}\b")


def event_ids(text: str) -> list[str]:
    """The ids of the events that a text names."""
    return _EVENT.findall(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a far side answers. `hangs`: nothing at all, until the other side has had enough."""

    status: int = 200
    body: str = "thank you"
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False


HANG = Answer(hangs=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """A message that arrived, and the answer it was given."""

    title: str
    message: str
    path: str
    answer: Answer

    @property
    def news(self) -> tuple[str, str]:
        """The watch's name and the first word of what happened to it, from the title."""
        found = re.fullmatch(r"\S+ (.+?): (\w+)\b.*", self.title)
        assert found, self.title
        return found[1], found[2]

    @property
    def event_id(self) -> str:
        """The event it tells."""
        (found,) = event_ids(self.message)
        return found


class Receiver:
    """Takes Apprise's `json://` messages, and answers 200 unless told otherwise."""

    def __init__(self, name: str) -> None:
        self.received: Journal[Received] = Journal(f"the receiver {name}")
        self.usual = Answer()
        self.url = ""
        self._next: deque[Answer] = deque()

    def answer_next(self, *answers: Answer) -> None:
        """The next messages are answered so, one each."""
        self._next.extend(answers)

    @property
    def copies(self) -> Counter[str]:
        """How many times each event came in and was taken."""
        return Counter(each.event_id for each in self.received.entries if each.answer.status == 200)

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        answer = self._next.popleft() if self._next else self.usual
        body = json.loads(await request.read())
        self.received.add(Received(title=body["title"], message=body["message"], path=request.path, answer=answer))
        if answer.hangs:
            await asyncio.Event().wait()
        return web.Response(status=answer.status, text=answer.body, headers=answer.headers)


@asynccontextmanager
async def serving(handler: Callable[[web.BaseRequest], Awaitable[web.Response]]) -> AsyncIterator[int]:
    """A web server on loopback; its port."""
    runner = web.ServerRunner(web.Server(handler, handler_cancellation=True, access_log=None), shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def receiver(name: str) -> AsyncIterator[Receiver]:
    """A receiver that listens."""
    taking = Receiver(name)
    async with serving(taking.take) as port:
        taking.url = f"json://127.0.0.1:{port}/hook"
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


class MailServer:
    """A mail server that takes mail only over STARTTLS and only from one user."""

    def __init__(self, tls: ssl.SSLContext, user: str, password: str) -> None:
        self.mails: Journal[EmailMessage] = Journal("the mail server")
        self._tls = tls
        self._login = LoginPassword(user.encode(), password.encode())
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["MailServer"]:
        """Listen as long as the block lasts."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._protocol, "localhost", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    def _protocol(self) -> SMTP:
        return SMTP(
            self,
            hostname="localhost",
            tls_context=self._tls,
            require_starttls=True,
            auth_required=True,
            authenticator=self._authenticate,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=login == self._login, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail; aiosmtpd calls this by its name."""
        assert session.ssl is not None
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.add(mail)
        return "250 OK"
