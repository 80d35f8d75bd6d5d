"""A send is bounded in bytes and time, through every library of a plugin, and leaves no connection open."""

import asyncio
import gc
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.deliveries import event_about
from support.waiting import until

from notifier.channels import bounded_sender
from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.webhook.channel import WebhookChannel
from notifier.core.delivery.model import Message, Outcome, OutcomeKind
from notifier.network import MOST_LOOKUPS

HELLO = Message(title="✅ Prices: ready", body="Snapshot: s_1\nEvent: evt_1")
SOON = timedelta(seconds=0.5)
LATE = timedelta(seconds=30)

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class RawServer:
    """A server on a raw socket, with its connections, the bytes it sent, and its open connections."""

    def __init__(self) -> None:
        self.port = self.connections = self.sent = 0
        self.open: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def raw_server(talk: Talk) -> AsyncIterator[RawServer]:
    side = RawServer()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        side.connections += 1
        side.open.add(task)
        written = writer.write

        def counting(data: bytes) -> None:
            side.sent += len(data)
            written(data)

        writer.write = counting  # type: ignore[method-assign,assignment]
        try:
            await talk(reader, writer)
        except OSError:
            pass  # it was cut, as expected
        finally:
            side.open.discard(task)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    side.port = server.sockets[0].getsockname()[1]
    try:
        yield side
    finally:
        server.close()
        for task in list(side.open):
            task.cancel()


def flood(line: bytes, first: bytes = b"") -> Talk:
    """Says this line without end, as soon as something or (for a server that speaks first) nothing was said."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first:
            await reader.read(1)
            writer.write(first)
        while True:
            writer.write(line * max(1, 30_000 // len(line)))
            await writer.drain()

    return talk


def drip(first: bytes) -> Talk:
    """Says this, and then one byte after the other, each before any timeout for a read."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(first)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    return talk


def says(answer: bytes) -> Talk:
    """Says this once it was spoken to, and nothing more."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)
        await silence(reader, writer)

    return talk


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes everything and says nothing."""
    while await reader.read(65_536):
        pass


def channel(url: str, limit: timedelta = LATE) -> AppriseChannel:
    return AppriseChannel(name="far", url=url, redact=str, limit=limit)


MAIL = "mailto://u:p@127.0.0.1:{}?mode=insecure&from=a@example.com&to=b@example.com"

FLOODS = {
    "a greeting that never ends": (MAIL, flood(b"220-hello\r\n")),
    "headers without end": ("json://127.0.0.1:{}/", flood(b"X: " + b"y" * 60_000 + b"\r\n", b"HTTP/1.1 200 OK\r\n")),
    "interim answers without end": (
        "json://127.0.0.1:{}/",
        flood(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 C\r\n\r\n"),
    ),
    # PUBLISH with 200 MB of payload: `paho` gathers it in a thread of its own
    "a packet of a broker": (
        "mqtt://127.0.0.1:{}/t?qos=1",
        flood(b"y" * 100, b"\x20\x02\x00\x00\x30\x80\x84\xaf\x5f\x00\x01a"),
    ),
}


@pytest.mark.parametrize("what", FLOODS)
async def test_an_answer_without_end_is_cut(what: str) -> None:
    """1,400 MiB came in 5 s at each try. Now: one mebibyte, and what the kernel had taken in."""
    url, talk = FLOODS[what]
    async with raw_server(talk) as side:
        outcome = await channel(url.format(side.port)).send(HELLO)
        while side.open:
            await asyncio.wait(side.open)
    assert outcome.kind in (OutcomeKind.RETRY, OutcomeKind.UNCERTAIN)
    assert outcome.reason == "answer_too_large"
    assert outcome.detail == "more than 1024 KiB came back; the connection was cut"
    assert side.sent < 32 * 1024 * 1024
    if "mqtt" not in url:  # there the message may have been handed over just before
        assert (outcome.kind is OutcomeKind.UNCERTAIN) == ("json" in url), "no mail was handed over"


HANGS: dict[str, tuple[str, Talk]] = {
    "headers that drip": ("json://127.0.0.1:{}/?rto=20", drip(b"HTTP/1.1 200 OK\r\nX: ")),
    "a status line that drips": ("json://127.0.0.1:{}/?rto=20", drip(b"HTTP/1.1 200 ")),
    "a greeting that drips": (MAIL, drip(b"220-")),
    "a TLS handshake that never ends": ("jsons://127.0.0.1:{}/?rto=20&cto=20", silence),
    "a TLS record that drips": ("jsons://127.0.0.1:{}/?rto=20&cto=20", drip(b"\x16\x03\x03\x40\x00")),
    "mail over TLS": ("mailtos://u:p@127.0.0.1:{}?mode=ssl&from=a@example.com&to=b@example.com", silence),
    "a broker that is silent": ("mqtt://127.0.0.1:{}/t?qos=1", silence),
    "a broker over TLS": ("mqtts://127.0.0.1:{}/t?qos=1", silence),
    "a confirmation that never comes": ("mqtt://127.0.0.1:{}/t?qos=1&rto=1", says(b"\x20\x02\x00\x00")),
}


@pytest.mark.parametrize("what", HANGS)
async def test_a_service_that_hangs_is_cut_at_the_limit_and_leaves_nothing_open(what: str) -> None:
    """Threads and descriptors are back to where they were."""
    url, talk = HANGS[what]
    async with raw_server(talk) as side:
        channels = [channel(url.format(side.port), SOON) for _ in range(10)]
        await channels[0].send(HELLO)  # what is imported or opened once
        await ended(side)
        before = descriptors()
        outcomes = await asyncio.gather(*(each.send(HELLO) for each in channels))
        assert left_running() == []
        # On a busy machine the service notices a connection only when it has been cut.
        await until(lambda: side.connections > 0 and not side.open and descriptors() <= before)
    assert {each.kind for each in outcomes} <= {OutcomeKind.RETRY, OutcomeKind.UNCERTAIN}, outcomes


async def test_fifty_cut_sends_leave_nothing_and_the_next_is_delivered() -> None:
    """One channel and a server that drips fifty times, then recovers: each send is attempted, none is `busy`."""
    is_well = False

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not is_well:
            await drip(b"HTTP/1.1 200 OK\r\nX: ")(reader, writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    async with raw_server(talk) as side:
        tried = channel(f"json://127.0.0.1:{side.port}/?rto=20", timedelta(seconds=0.05))
        before = descriptors()
        outcomes = [await tried.send(HELLO) for _ in range(50)]
        await ended(side)
        assert {each.reason for each in outcomes} == {"send_timeout"}
        assert OutcomeKind.UNCERTAIN in {each.kind for each in outcomes}
        assert left_running() == []
        await until(lambda: descriptors() <= before)
        is_well = True
        tried._cutter._limit = LATE
        assert (await tried.send(HELLO)).kind is OutcomeKind.DELIVERED


async def test_a_proxy_that_hangs_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(silence) as side:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{side.port}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        outcome = await channel("jsons://example.invalid/?rto=20&cto=20", SOON).send(HELLO)
        await ended(side)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "send_timeout")


async def test_a_silent_name_server_holds_a_few_threads_and_late_answers_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lookup cannot be cut. Three threads wait at most, then the channel is `busy`; none of them sends later."""
    answers, looking = threading.Event(), []
    real = socket.getaddrinfo

    def silent(*arguments: object, **options: object) -> object:
        looking.append(threading.current_thread())
        answers.wait(60)
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(bounded_sender, "GRACE_S", 0.05)
    async with raw_server(flood(b"x")) as side:
        tried = channel(f"json://localhost:{side.port}/", timedelta(seconds=0.05))
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", silent)
            outcomes = [await tried.send(HELLO) for _ in range(5)]
        answers.set()
        for thread in looking:
            await asyncio.to_thread(thread.join, 20)
        assert side.connections == 0
    assert [each.reason for each in outcomes] == ["send_timeout"] * 3 + ["busy"] * 2
    assert {each.kind for each in outcomes} == {OutcomeKind.RETRY}, "nothing can have gone out"


async def test_lookups_of_a_webhook_that_hang_are_few() -> None:
    answers = threading.Event()
    calls = 0

    def silent(*_: object) -> list[object]:
        nonlocal calls
        calls += 1
        answers.wait(60)
        return []

    hook = WebhookChannel(
        name="hook",
        url="https://example.com/hook",
        secrets=["whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIHJlY2VpdmVy"],
        allow_private=True,
        redact=str,
        clock=lambda: datetime.now(UTC),
        timeout=timedelta(seconds=0.6),  # of which a third is left when the connection has its limit
        lookup=silent,
    )
    async with hook:
        outcomes = [await hook.send(event_about("s_1")) for _ in range(6)]
    answers.set()
    assert calls == MOST_LOOKUPS
    assert {each.kind for each in outcomes} == {OutcomeKind.RETRY}
    assert outcomes[-1].reason == "dns"


async def test_headers_without_end_to_a_webhook_are_cut() -> None:
    outcome, side = await hooked(flood(b"X: " + b"y" * 8_000 + b"\r\n", b"HTTP/1.1 200 OK\r\n"))
    assert outcome.kind is OutcomeKind.UNCERTAIN
    assert side.sent < 32 * 1024 * 1024


async def test_interim_answers_without_end_to_a_webhook_are_cut() -> None:
    outcome, side = await hooked(flood(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert outcome.kind is OutcomeKind.UNCERTAIN
    assert side.sent < 32 * 1024 * 1024


async def hooked(talk: Talk) -> tuple[Outcome, RawServer]:
    async with raw_server(talk) as side:
        hook = WebhookChannel(
            name="hook",
            url=f"http://127.0.0.1:{side.port}/hook",
            secrets=["whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIHJlY2VpdmVy"],
            allow_private=True,
            redact=str,
            clock=lambda: datetime.now(UTC),
            timeout=LATE,
        )
        async with hook:
            outcome = await hook.send(event_about("s_1"))
        await ended(side)
        return outcome, side


async def ended(side: RawServer) -> None:
    """Wait until the service has seen the end of every connection."""
    while side.open:
        await asyncio.wait(set(side.open), timeout=20)


def descriptors() -> int:
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def left_running() -> list[str]:
    """The threads of sends that have not ended, nor end at once."""
    found = [each for each in threading.enumerate() if each.name.startswith(("channel-", "paho", "lookup-"))]
    for thread in found:
        thread.join(20)
    return [each.name for each in found if each.is_alive()]
