"""One rule decides which certificates are trusted, for every library that connects."""

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


class TlsServer:
    """A server over TLS that counts completed handshakes, and sends nothing after them."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        self.trusted = 0
        self.port = self.starttls_port = 0

    async def immediate(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.trusted += 1
        writer.close()

    async def after_starttls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"220 hello\r\n")
            await reader.readline()
            writer.write(b"250-server\r\n250 STARTTLS\r\n")
            await reader.readline()
            writer.write(b"220 go on\r\n")
            await writer.start_tls(self.context)
            self.trusted += 1
        except (OSError, ssl.SSLError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def tls_server(authority: trustme.CA) -> AsyncIterator[TlsServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = TlsServer(context)
    immediate = await asyncio.start_server(server.immediate, "localhost", 0, ssl=context)
    later = await asyncio.start_server(server.after_starttls, "localhost", 0)
    server.port, server.starttls_port = (each.sockets[0].getsockname()[1] for each in (immediate, later))
    try:
        yield server
    finally:
        immediate.close()
        later.close()


async def by_apprise(url: str) -> None:
    await AppriseChannel(name="server", url=url, redact=str).send(Message(title="hello", body="evt_1"))


async def by_webhook(port: int) -> None:
    async with WebhookChannel(
        name="server",
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


CLIENTS: dict[str, Callable[[TlsServer], Awaitable[object]]] = {
    "requests": lambda server: by_apprise(f"jsons://localhost:{server.port}/"),
    "mail over TLS": lambda server: by_apprise(f"mailtos://u:p@localhost:{server.port}?mode=ssl&{MAIL}"),
    "mail after STARTTLS": lambda server: by_apprise(
        f"mailtos://u:p@localhost:{server.starttls_port}?mode=starttls&{MAIL}"
    ),
    "mqtt": lambda server: by_apprise(f"mqtts://localhost:{server.port}/topic"),
    "a signed webhook": lambda server: by_webhook(server.port),
    "Bright Data": lambda server: by_the_api(server.port),
    "the heartbeat": lambda server: ping(f"https://localhost:{server.port}/"),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("named", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_the_first_variable_that_is_set_decides_for_every_library(
    client: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable that decides trusts the server's authority, or another one.

    Those that come after it name the opposite each time: REQUESTS_CA_BUNDLE used to win for Apprise.
    """
    right, wrong = trustme.CA(), trustme.CA()
    right.cert_pem.write_to_path(str(tmp_path / "right.pem"))
    wrong.cert_pem.write_to_path(str(tmp_path / "wrong.pem"))
    after = network.VARIABLES[network.VARIABLES.index(named) + 1 :]
    for name in network.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    async with tls_server(right) as server:
        for decides, others, trusted in (("right", "wrong", True), ("wrong", "right", False)):
            monkeypatch.setenv(named, str(tmp_path / f"{decides}.pem"))
            for name in after:
                if name != "SSL_CERT_DIR":  # which counts together with SSL_CERT_FILE
                    monkeypatch.setenv(name, str(tmp_path / f"{others}.pem"))
            server.trusted = 0
            await CLIENTS[client](server)
            assert bool(server.trusted) == trusted
    gc.collect()  # a connection that is still open fails this test, and not a later one
