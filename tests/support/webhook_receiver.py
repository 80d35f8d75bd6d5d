"""A webhook channel, and a receiver on loopback that answers with the bytes of its choice."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from notifier.channels.templates.samples import sample_events
from notifier.channels.webhook.channel import WebhookChannel
from notifier.core.delivery.model import Event, Outcome

NEW = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
OLD = "whsec_Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="
EVENT = sample_events()[4]
NOW = datetime(2026, 11, 23, 14, 32, 0, 900_000, tzinfo=UTC)
CANARY = "canary-7f3a9d1b"
SHORT = timedelta(seconds=0.3)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


OK = answer("200 OK", body=b"thanks")


@dataclass(frozen=True, kw_only=True, slots=True)
class Got:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Takes webhooks on a port of its own, and answers each with the bytes given."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer = OK
        self.then: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/snapshots?x=1"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            line, *rest = head.strip().split("\r\n")
            headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in rest)}
            body = await reader.readexactly(int(headers["content-length"]))
            self.got.append(Got(line=line, headers=headers, body=body))
            writer.write(self.answer)
            if self.then is not None:
                await self.then(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(receiver: Receiver, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield


async def until_it_hangs_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


def channel(url: str, **options: Any) -> WebhookChannel:
    defaults: dict[str, Any] = {
        "name": "pipeline",
        "secrets": (NEW,),
        "allow_private": True,
        "redact": lambda text: text.replace(CANARY, "***"),
        "clock": lambda: NOW,
    }
    return WebhookChannel(url=url, **(defaults | options))


async def send(url: str, event: Event = EVENT, **options: Any) -> Outcome:
    async with channel(url, **options) as sender:
        return await sender.send(event)


def lookup_of(*addresses: str, asked: list[str] | None = None) -> Callable[..., list[Any]]:
    """A resolver that knows these addresses for every name."""

    def lookup(host: str, port: int, family: int, kind: int) -> list[Any]:
        if asked is not None:
            asked.append(host)
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        return [
            (each, kind, socket.IPPROTO_TCP, "", (address, port) if each == socket.AF_INET else (address, port, 0, 0))
            for each, address in zip(families, addresses, strict=True)
        ]

    return lookup
