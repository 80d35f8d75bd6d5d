"""One rule says whose certificates are believed, on every wire: the same far side is believed by all or by none."""

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from support.deliveries import event_about

from notifier import network
from notifier.brightdata.http.transport import Transport
from notifier.channels.apprise.channel import AppriseChannel
from notifier.channels.ping import ping
from notifier.channels.webhook.channel import WebhookChannel
from notifier.core.delivery.model import Message

SECRET = "whsec_dGhlIG5ldyBzZWNyZXQgb2YgdGhlIHJlY2VpdmVy"
MAIL = "from=a@example.com&to=b@example.com"


class Far:
    """A far side over TLS that counts the handshakes that came to their end, and says nothing after them."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.believed = 0
        self.port = self.starttls_port = 0

    async def immediate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.believed += 1
        writer.close()

    async def after_starttls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 hello\r\n")
            await reader.readline()
            writer.write(b"250-far\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 go on\r\n")
            await writer.start_tls(self.context)
            self.believed += 1
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def far_side(authority: trustme.CA) -> AsyncIterator[Far]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    far = Far(context)
    immediate = await asyncio.start_server(far.immediate, "localhost", 0, ssl=context)
    later = await asyncio.start_server(far.after_starttls, "localhost", 0)
    far.port, far.starttls_port = (each.sockets[0].getsockname()[1] for each in (immediate, later))
    try:
        yield far
    finally:
        immediate.close()
        later.close()


async def by_apprise(url: str) -> None:
    await AppriseChannel(name="far", url=url, redact=str).send(Message(title="hello", body="evt_1"))


async def by_webhook(port: int) -> None:
    async with WebhookChannel(
        name="far",
        url=f"https://localhost:{port}/",
        secrets=[SECRET],
        allow_private=True,
        redact=str,
        clock=lambda: datetime.now(UTC),
        timeout=timedelta(seconds=10),
    ) as hook:
        await hook.send(event_about("s_1"))


async def by_the_api(port: int) -> None:
    async with Transport(connections=1) as carrier:
        try:
            await carrier.carry(carrier.build_request("GET", f"https://localhost:{port}/"))
        except Exception:  # noqa: BLE001 - only the handshake counts here
            return


WIRES: dict[str, Callable[[Far], Awaitable[object]]] = {
    "requests": lambda far: by_apprise(f"jsons://localhost:{far.port}/"),
    "mail over TLS": lambda far: by_apprise(f"mailtos://u:p@localhost:{far.port}?mode=ssl&{MAIL}"),
    "mail after STARTTLS": lambda far: by_apprise(f"mailtos://u:p@localhost:{far.starttls_port}?mode=starttls&{MAIL}"),
    "mqtt": lambda far: by_apprise(f"mqtts://localhost:{far.port}/topic"),
    "a signed webhook": lambda far: by_webhook(far.port),
    "Bright Data": lambda far: by_the_api(far.port),
    "the heartbeat": lambda far: ping(f"https://localhost:{far.port}/"),
}


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("named", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_the_first_variable_that_is_set_decides_on_every_wire(
    wire: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that decides names the far side's authority: it is believed. It names another one: it is not.

    Those that come after it name the opposite each time: REQUESTS_CA_BUNDLE used to win for Apprise.
    """
    right, wrong = trustme.CA(), trustme.CA()
    right.cert_pem.write_to_path(str(tmp_path / "right.pem"))
    wrong.cert_pem.write_to_path(str(tmp_path / "wrong.pem"))
    after = network.VARIABLES[network.VARIABLES.index(named) + 1 :]
    for name in network.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    async with far_side(right) as far:
        for decides, others, believed in (("right", "wrong", True), ("wrong", "right", False)):
            monkeypatch.setenv(named, str(tmp_path / f"{decides}.pem"))
            for name in after:
                if name != "SSL_CERT_DIR":  # which counts together with SSL_CERT_FILE
                    monkeypatch.setenv(name, str(tmp_path / f"{others}.pem"))
            far.believed = 0
            await WIRES[wire](far)
            assert bool(far.believed) == believed
    gc.collect()  # a connection that is still open fails this test, and not a later one
