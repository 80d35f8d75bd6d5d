"""The far sides that a notification may have: a web service, Slack behind HTTPS, a mail server. All real sockets."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import trustme
from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from paho.mqtt.enums import CallbackAPIVersion

from acceptance.harness import DEADLINE, Journal

_EVENT = re.compile(r"\b(?:evt|ntc)_[0-9a-f]{20}\b")


def event_ids(text: str) -> list[str]:
    """The ids of the events and notices that a text names."""
    return _EVENT.findall(text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What a far side answers.

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


class PlainMailServer:
    """A mail server without TLS that can be in trouble: `refused` recipients, a wrong password, a cut in DATA."""

    def __init__(self, password: str | None = None) -> None:
        """Take mail only with that password; from everybody, without one."""
        self.mails: Journal[tuple[str, ...]] = Journal("the plain mail server")
        self.refused: set[str] = set()
        self.cuts = 0
        self._password = password
        self.port = 0

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator["PlainMailServer"]:
        """Listen as long as the block lasts."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._protocol, "127.0.0.1", port)
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
            auth_require_tls=False,
            authenticator=self._authenticate,
            loop=asyncio.get_running_loop(),
        )

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        right = self._password in (None, login.password.decode())
        message = None if right else "535 5.7.8 this password ran out on Monday"
        return AuthResult(success=right, handled=False, message=message)

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or refuse it; aiosmtpd calls this by its name."""
        if address in self.refused:
            return f"550 5.1.1 nobody here is called {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take one mail, or hang up with the mail in hand."""
        self.mails.add(tuple(envelope.rcpt_tos))
        if self.cuts:
            self.cuts -= 1
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


class Broker:
    """A real MQTT broker, mosquitto from Debian, that can be started and stopped at its port."""

    def __init__(self, folder: Path, port: int, login: tuple[str, str] | None = None) -> None:
        """It takes everybody, or only one user with that password."""
        self.port = port
        self._folder = folder
        self._login = login

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Journal[str]]:
        """The broker runs as long as the block lasts; what is published on `snapshots` comes to the journal."""
        settings = self._folder / "mosquitto.conf"
        anonymous = "true" if self._login is None else "false"
        text = f"listener {self.port} 127.0.0.1\nallow_anonymous {anonymous}\nuser root\n"
        if self._login is not None:
            passwords = self._folder / "passwords"
            command = ["mosquitto_passwd", "-b", "-c", str(passwords), *self._login]
            await (await asyncio.create_subprocess_exec(*command)).wait()
            text += f"password_file {passwords}\n"
        settings.write_text(text)
        path = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        assert path, "mosquitto is missing: run tests/system-packages"
        process = await asyncio.create_subprocess_exec(path, "-c", str(settings), stderr=asyncio.subprocess.PIPE)
        assert process.stderr is not None
        try:
            async with asyncio.timeout(DEADLINE):
                while b" running" not in await process.stderr.readline():
                    assert process.returncode is None
            reading = asyncio.create_task(process.stderr.read())
            async with self._subscribed() as published:
                yield published
            process.terminate()
            await reading
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[Journal[str]]:
        published: Journal[str] = Journal("the MQTT broker")
        loop = asyncio.get_running_loop()
        client = mqtt.Client(CallbackAPIVersion.VERSION2)

        def take(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            loop.call_soon_threadsafe(published.add, message.payload.decode())

        def subscribe(*_: Any) -> None:
            client.subscribe("snapshots", qos=1)

        client.on_message = take
        client.on_connect = subscribe
        if self._login is not None:
            client.username_pw_set(*self._login)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        try:
            yield published
        finally:
            client.disconnect()
            await asyncio.to_thread(client.loop_stop)


def free_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
