"""The outcome of a webhook for every answer, and for none, against real HTTP receivers."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from support.webhook_receiver import (
    CANARY,
    NOW,
    SHORT,
    Receiver,
    answer,
    send,
    serving,
    until_it_hangs_up,
)

from notifier.channels.webhook.channel import LARGEST_ANSWER
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.core.delivery.retry_decision import FINAL


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serving(receiver):
        yield receiver


# What an answer means


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, OutcomeKind.DELIVERED) for status in (200, 201, 202, 204)),
        *((status, OutcomeKind.PERMANENT) for status in (301, 302, 304, 307, 308)),
        *((status, OutcomeKind.PERMANENT) for status in (400, 401, 403, 404, 405, 410, 413, 422)),
        *((status, OutcomeKind.RETRY) for status in (408, 421, 425, 429, 500, 501, 502, 503, 504)),
    ],
)
async def test_the_status_decides(receiver: Receiver, status: int, kind: OutcomeKind) -> None:
    receiver.answer = f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\n\r\n".encode()
    outcome = await send(receiver.url)
    assert (outcome.kind, outcome.reason) == (kind, f"http_{status}")


async def test_gone_has_the_reason_that_ends_a_delivery(receiver: Receiver) -> None:
    receiver.answer = answer("410 Gone")
    assert (await send(receiver.url)).reason in FINAL


@pytest.mark.parametrize("header", ["90", format_datetime(NOW.replace(microsecond=0) + timedelta(seconds=91), True)])
@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_retry_after_is_read_as_seconds_and_as_a_date(receiver: Receiver, status: str, header: str) -> None:
    receiver.answer = answer(status, f"Retry-After: {header}")
    pause = (await send(receiver.url)).retry_after
    assert pause is not None
    assert timedelta(seconds=90) <= pause <= timedelta(seconds=91)


async def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    elsewhere = Receiver()
    async with serving(elsewhere):
        receiver.answer = answer("307 Temporary Redirect", f"Location: {elsewhere.url}")
        outcome = await send(receiver.url)
    assert outcome.detail == f"a redirect to {elsewhere.url}, which is not followed"
    assert (len(receiver.got), len(elsewhere.got)) == (1, 0)


async def test_an_endless_answer_is_cut(receiver: Receiver) -> None:
    async def go_on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"z" * LARGEST_ANSWER)
            await writer.drain()

    receiver.answer = b"HTTP/1.1 500 No\r\n\r\n"
    receiver.then = go_on
    outcome = await send(receiver.url)
    assert (outcome.kind, outcome.detail) == (OutcomeKind.RETRY, "z" * 500)


async def test_an_answer_whose_body_never_ends_is_judged_by_its_status(receiver: Receiver) -> None:
    receiver.answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nso far"
    receiver.then = until_it_hangs_up
    outcome = await send(receiver.url, timeout=SHORT)
    assert outcome == Outcome(kind=OutcomeKind.DELIVERED, reason="http_202", detail="so far")


async def test_the_receivers_answer_is_redacted_and_on_one_line(receiver: Receiver) -> None:
    receiver.answer = answer("400 Bad Request", body=f"no:\r\n\t{CANARY} \xff".encode("latin-1"))
    assert (await send(receiver.url)).detail == "no: *** \ufffd"


# When there is no answer


async def test_no_answer_in_time_is_uncertain(receiver: Receiver) -> None:
    receiver.answer = b""
    receiver.then = until_it_hangs_up
    outcome = await send(receiver.url, timeout=SHORT)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCERTAIN, "read_timeout")
    assert len(receiver.got) == 1


async def test_a_connection_closed_without_an_answer_is_uncertain(receiver: Receiver) -> None:
    receiver.answer = b""
    outcome = await send(receiver.url)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCERTAIN, "connection_lost")


async def test_a_connection_reset_after_the_request_is_uncertain_and_not_sent_again(receiver: Receiver) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    receiver.answer = b""
    receiver.then = reset
    outcome = await send(receiver.url)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCERTAIN, "connection_lost")
    assert len(receiver.got) == 1


async def test_an_answer_that_is_no_http_is_uncertain(receiver: Receiver) -> None:
    receiver.answer = b"220 mail.example.com ESMTP\r\n\r\n"
    outcome = await send(receiver.url)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCERTAIN, "bad_answer")
    assert "example" not in outcome.detail


async def test_a_refused_connection_is_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    outcome = await send(f"http://127.0.0.1:{port}/{CANARY}")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "refused")
    assert CANARY not in outcome.detail


async def test_a_name_without_an_address_is_retried() -> None:
    def lookup(*_: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    outcome = await send("http://hooks.example.com/", lookup=lookup)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "dns")


async def test_a_lookup_that_hangs_is_retried() -> None:
    released = threading.Event()

    def lookup(*_: object) -> list[Any]:
        released.wait()
        return []

    try:
        outcome = await send("http://hooks.example.com/", lookup=lookup, timeout=SHORT)
    finally:
        released.set()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "connect_timeout")


async def test_a_handshake_that_hangs_is_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = await send(f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout=SHORT)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "connect_timeout")


async def test_a_server_without_tls_is_retried() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        outcome = await send(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "tls")
