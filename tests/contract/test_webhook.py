"""Signed webhooks against real HTTP receivers: what arrives, over which connections."""

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import trustme
from support.webhook_receiver import (
    CANARY,
    EVENT,
    NEW,
    NOW,
    OK,
    OLD,
    Got,
    Receiver,
    answer,
    channel,
    lookup_of,
    send,
    serving,
)

from notifier import __version__
from notifier.channels.templates.samples import sample_events
from notifier.channels.webhook.payload import body_of
from notifier.core.delivery.model import Outcome, OutcomeKind


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with serving(receiver):
        yield receiver


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


async def test_the_time_is_signed_in_utc_for_any_zone_of_the_clock(receiver: Receiver) -> None:
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
    with pytest.raises(ValueError, match="it needs a secret"):
        channel("https://example.com/", secrets=())
