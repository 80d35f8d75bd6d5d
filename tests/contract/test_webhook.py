"""The signed webhook against real HTTP receivers: what they get, and what each of their answers means."""

import asyncio
import json
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from notifier import __version__
from notifier.channels.templates.samples import sample_events
from notifier.channels.webhook.channel import LARGEST_ANSWER, WebhookChannel
from notifier.channels.webhook.payload import body_of
from notifier.core.delivery.model import Event, Outcome, OutcomeKind
from notifier.core.delivery.states import FINAL

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


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serving(receiver):
        yield receiver


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


# What arrives


async def test_an_event_arrives_as_one_post_with_its_json(receiver: Receiver) -> None:
    outcome = await send(receiver.url)
    assert outcome == Outcome(kind=OutcomeKind.DELIVERED, reason="http_200", detail="thanks")
    (got,) = receiver.got
    assert got.line == "POST /hooks/snapshots?x=1 HTTP/1.1"
    assert got.body == body_of(EVENT)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == f"notifier/{__version__}"
    assert got.headers["webhook-id"] == EVENT.id
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))


VERIFY = """
import json, sys
from standardwebhooks import Webhook
given = json.load(sys.stdin)
print(json.dumps(Webhook(given["secret"]).verify(given["body"], given["headers"])))
"""


def verified_elsewhere(got: Got, secret: str) -> subprocess.CompletedProcess[str]:
    """What the specification's own package says of the request, in a process of its own."""
    given = json.dumps({"secret": secret, "headers": got.headers, "body": got.body.decode()})
    return subprocess.run([sys.executable, "-c", VERIFY], input=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("secret", [NEW, OLD], ids=["new", "old"])
async def test_the_signature_verifies_in_another_process_with_either_secret(receiver: Receiver, secret: str) -> None:
    await send(receiver.url, secrets=(NEW, OLD), clock=lambda: datetime.now(UTC))
    done = await asyncio.to_thread(verified_elsewhere, receiver.got[0], secret)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["data"]["event_id"] == EVENT.id
    assert len(receiver.got[0].headers["webhook-signature"].split(" ")) == 2


async def test_the_signature_does_not_verify_with_another_secret_or_body(receiver: Receiver) -> None:
    await send(receiver.url, clock=lambda: datetime.now(UTC))
    got = receiver.got[0]
    changed = Got(line=got.line, headers=got.headers, body=got.body.replace(b"ready", b"faked"))
    for case, secret in ((got, OLD), (changed, NEW)):
        done = await asyncio.to_thread(verified_elsewhere, case, secret)
        assert "No matching signature found" in done.stderr


async def test_the_time_is_signed_in_utc_whatever_the_zone_of_the_clock(receiver: Receiver) -> None:
    await send(receiver.url, clock=lambda: datetime.now(timezone(timedelta(hours=5, minutes=30))))
    done = await asyncio.to_thread(verified_elsewhere, receiver.got[0], NEW)
    assert done.returncode == 0, done.stderr


async def test_a_retry_has_the_same_id_and_body_and_a_new_timestamp(receiver: Receiver) -> None:
    times = iter([NOW, NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=5)])
    receiver.answer = answer("503 Service Unavailable")
    async with channel(receiver.url, clock=lambda: next(times)) as sender:
        assert (await sender.send(EVENT)).kind is OutcomeKind.RETRY
        receiver.answer = OK
        assert (await sender.send(EVENT)).kind is OutcomeKind.DELIVERED
    first, second = receiver.got
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == EVENT.id
    assert first.body == second.body
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


async def test_every_kind_of_event_can_be_sent(receiver: Receiver) -> None:
    async with channel(receiver.url) as sender:
        for event in sample_events():
            assert (await sender.send(event)).kind is OutcomeKind.DELIVERED


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


async def test_what_the_far_side_says_is_redacted_and_on_one_line(receiver: Receiver) -> None:
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


async def test_a_refused_connection_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    outcome = await send(f"http://127.0.0.1:{port}/{CANARY}")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "refused")
    assert CANARY not in outcome.detail


async def test_a_name_that_cannot_be_looked_up_is_tried_again() -> None:
    def lookup(*_: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    outcome = await send("http://hooks.example.com/", lookup=lookup)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "dns")


async def test_a_lookup_that_hangs_is_tried_again() -> None:
    released = threading.Event()

    def lookup(*_: object) -> list[Any]:
        released.wait()
        return []

    try:
        outcome = await send("http://hooks.example.com/", lookup=lookup, timeout=SHORT)
    finally:
        released.set()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "connect_timeout")


async def test_a_handshake_that_hangs_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        outcome = await send(f"https://127.0.0.1:{silent.getsockname()[1]}/", timeout=SHORT)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "connect_timeout")


async def test_a_server_that_speaks_no_tls_is_tried_again() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        outcome = await send(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "tls")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def certificate_for(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context


@pytest.mark.usefixtures("trusted")
async def test_tls_with_a_certificate_for_the_name_delivers(authority: trustme.CA) -> None:
    receiver = Receiver()
    async with serving(receiver, certificate_for(authority, "hooks.example.com")):
        url = f"https://hooks.example.com:{receiver.port}/"
        assert (await send(url, lookup=lookup_of("127.0.0.1"))).kind is OutcomeKind.DELIVERED


@pytest.mark.usefixtures("trusted")
async def test_a_certificate_for_another_name_sends_nothing(authority: trustme.CA) -> None:
    receiver = Receiver()
    async with serving(receiver, certificate_for(authority, "other.example.com")):
        url = f"https://hooks.example.com:{receiver.port}/"
        outcome = await send(url, lookup=lookup_of("127.0.0.1"))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.RETRY, "tls")
    assert receiver.got == []


# Which addresses are connected to


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1", "127.1", "0x7f000001", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]"],
)
async def test_a_private_address_is_refused_in_every_spelling(receiver: Receiver, host: str) -> None:
    outcome = await send(f"http://{host}:{receiver.port}/", allow_private=False)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.PERMANENT, "private_address")
    assert "allow_private: true" in outcome.detail
    assert receiver.got == []


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "fd00::1", "64:ff9b::7f00:1"])
async def test_a_public_name_with_a_private_address_is_refused(receiver: Receiver, address: str) -> None:
    url = f"http://hooks.example.com:{receiver.port}/"
    outcome = await send(url, allow_private=False, lookup=lookup_of(address))
    assert (outcome.kind, outcome.reason) == (OutcomeKind.PERMANENT, "private_address")
    assert outcome.detail.startswith(f"hooks.example.com is {address}, a ")
    assert receiver.got == []


async def test_the_addresses_that_were_checked_are_the_ones_connected_to(receiver: Receiver) -> None:
    """One lookup for each attempt: there is no second one that could say something else (DNS rebinding)."""
    asked: list[str] = []
    url = f"http://hooks.example.com:{receiver.port}/"
    async with channel(url, lookup=lookup_of("127.0.0.1", asked=asked)) as sender:
        await sender.send(EVENT)
        await sender.send(EVENT)
    assert asked == ["hooks.example.com"] * 2
    assert len(receiver.got) == 2


async def test_a_refused_webhook_is_sent_once_it_is_allowed(receiver: Receiver) -> None:
    url = f"http://localhost:{receiver.port}/"
    assert (await send(url, allow_private=False)).reason == "private_address"
    assert (await send(url, allow_private=True, lookup=lookup_of("127.0.0.1"))).kind is OutcomeKind.DELIVERED


async def test_the_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert (await send(receiver.url)).kind is OutcomeKind.DELIVERED


# Life


async def test_a_send_that_is_cancelled_stays_cancelled(receiver: Receiver) -> None:
    arrived = asyncio.Event()

    async def tell(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()

    receiver.answer = b""
    receiver.then = tell
    async with channel(receiver.url) as sender:
        task = asyncio.create_task(sender.send(EVENT))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_error_inside_is_a_value_too(receiver: Receiver) -> None:
    def broken() -> datetime:
        raise LookupError(CANARY)

    outcome = await send(receiver.url, clock=broken)
    assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCERTAIN, "unexpected")
    assert CANARY not in outcome.detail


async def test_a_channel_that_was_closed_opens_again(receiver: Receiver) -> None:
    sender = channel(receiver.url)
    for _ in range(2):
        assert (await sender.send(EVENT)).kind is OutcomeKind.DELIVERED
        await sender.aclose()


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "https://", "http://[::1", "http://0177.0.0.1/", "https://user:password@example.com/"]
)
def test_an_address_that_cannot_be_one_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="channel pipeline: "):
        channel(url)


def test_a_channel_without_a_secret_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="a secret is wanted"):
        channel("https://example.com/", secrets=())
