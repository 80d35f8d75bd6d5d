"""Networks as companies have them: names that do not resolve, IPv6 alone, a proxy, an authority of one's own."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from support.waiting import until
from support.web_server import serving

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives
from notifier.core.health import api as apihealth

SECRET = "whsec_bm90IGEgc2VjcmV0LCBidXQgMjQgYnl0ZXM="


async def test_names_that_do_not_resolve_are_told_once_and_what_was_missed_afterwards(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The API without an address is unreachable, and no snapshot's status; a channel without one is tried again."""
    monkeypatch.setattr(apihealth, "DOWN_FOR", 0.0)
    monkeypatch.setattr(apihealth, "DOWN_PROBES", (0.05,))
    api.add("s_1", lives.complete(seconds=0))

    def configure(url: str) -> None:
        channels = {"team": team.url, "ops": ops.url, "gone": "json://receiver.invalid/hook"}
        notifier.configure(
            api=url, channels=channels, watches=["s_1"], defaults={"notify": ["team", "gone"]}, operators=["ops"]
        )

    configure("https://bright-data.invalid")
    async with running(notifier):
        (begun,) = await ops.received.count(1)
        assert "Bright Data cannot be reached" in begun.title
        assert len(team.received) == 0
        configure(api.url)
        _, over = await ops.received.count(2)
        assert "Bright Data answers again" in over.title
        await team.told(1)
        await until(lambda: bool(notifier.glance("delivery", "list", "--state", "retrying")))
    (gone,) = [each for each in await notifier.deliveries() if each["channel"] == "gone"]
    assert (gone["state"], gone["reason"]) == ("retrying", "dns")
    assert len(ops.received) == 2


class OnSix(BrightData):
    """Bright Data where there is no IPv4."""

    def __init__(self) -> None:
        super().__init__()
        self._host = "::1"


async def test_all_of_it_works_where_there_is_only_ipv6(notifier: Notifier) -> None:
    """Bright Data, a web service and a signed webhook at [::1]."""
    if not _has_six():
        pytest.skip("this machine has no IPv6")
    taking = Receiver("six")
    async with OnSix() as api, serving(taking.take, "::1") as port:
        api.add("s_1", lives.complete(seconds=0))
        hook = {"webhook": f"http://[::1]:{port}/signed", "secret": SECRET, "allow_private": True}
        channels = {"service": f"json://[::1]:{port}/service", "hook": hook}
        notifier.configure(api=api.url, channels=channels, watches=["s_1"])
        ended = await notifier.command("run", "--once")
        assert ended.status == 0, ended
    assert sorted(each.path for each in taking.received.entries) == ["/service", "/signed"]


def _has_six() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Proxy:
    """An HTTP proxy: it counts what it was asked for by host, and sends all of it to one place."""

    def __init__(self, port: int) -> None:
        self.asked: Counter[str] = Counter()
        self._port = port
        self.url = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Proxy"]:
        """Listen as long as the block lasts."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.asked[f"{method} {target.partition('://')[2].partition('/')[0] or target}"] += 1
        there_reader, there = await asyncio.open_connection("127.0.0.1", self._port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            there.write(head)
        await asyncio.gather(_pass_on(reader, there), _pass_on(there_reader, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def test_bright_data_is_asked_through_the_proxy_of_the_environment_and_no_proxy_is_heeded(
    api: BrightData, team: Receiver, notifier: Notifier, tmp_path: Path
) -> None:
    """Over a tunnel, so that the proxy sees no token; a host in NO_PROXY is reached directly."""
    api.add("s_1", lives.complete(seconds=0))
    context = authority_for("bright-data.invalid", tmp_path / "authority.pem")
    async with over_tls(api, context) as url, Proxy(int(url.rpartition(":")[2])).listening() as proxy:
        notifier.environment |= {"HTTPS_PROXY": proxy.url, "HTTP_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"}
        notifier.environment["SSL_CERT_FILE"] = str(tmp_path / "authority.pem")
        notifier.configure(api="https://bright-data.invalid", channels={"team": team.url}, watches=["s_1"])
        ended = await notifier.command("run", "--once")
    assert ended.status == 0, ended
    assert set(proxy.asked) == {"CONNECT bright-data.invalid:443"}
    assert len(team.copies) == 1


async def test_a_channel_goes_through_the_proxy(api: BrightData, team: Receiver, notifier: Notifier) -> None:
    api.add("s_1", lives.complete(seconds=0))
    there = int(team.web_url.rpartition(":")[2].partition("/")[0])
    async with Proxy(there).listening() as proxy:
        notifier.environment |= {"HTTP_PROXY": proxy.url, "http_proxy": proxy.url, "NO_PROXY": "127.0.0.1"}
        notifier.configure(api=api.url, channels={"team": "json://receiver.invalid/hook"}, watches=["s_1"])
        ended = await notifier.command("run", "--once")
        assert ended.status == 0, ended
        assert set(proxy.asked) == {"POST receiver.invalid"}


def authority_for(host: str, file: Path) -> ssl.SSLContext:
    """TLS for a server of that name, by an authority that nobody knows; it is written to the file."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(host).configure_cert(context)
    authority.cert_pem.write_to_path(str(file))
    return context


@asynccontextmanager
async def over_tls(api: BrightData, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Bright Data behind TLS; its address."""
    there = int(api.url.rpartition(":")[2])

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", there)
        await asyncio.gather(_pass_on(reader, there_writer), _pass_on(there_reader, writer))

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_an_authority_of_ones_own_is_believed_by_ssl_cert_file_and_refused_with_the_cure_without(
    api: BrightData, notifier: Notifier, tmp_path: Path
) -> None:
    """By the gateway to Bright Data, by Apprise and by the webhook alike."""
    file = tmp_path / "authority.pem"
    context = authority_for("localhost", file)
    api.add("s_1", lives.complete(seconds=0))
    taking = Receiver("tls")
    async with over_tls(api, context) as url, serving(taking.take, tls=context) as port:
        hook = {"webhook": f"https://localhost:{port}/signed", "secret": SECRET, "allow_private": True}
        channels = {"service": f"jsons://localhost:{port}/service", "hook": hook}
        notifier.configure(api=url, channels=channels, watches=["s_1"])

        refused = await notifier.command("run", "--once")
        assert refused.status == 1
        assert "name that authority's file in SSL_CERT_FILE" in refused.stderr
        missing = await notifier.command("run", "--once", SSL_CERT_FILE="/nowhere.pem")
        assert "SSL_CERT_FILE names /nowhere.pem, which does not exist" in missing.stderr
        assert len(taking.received) == 0
        ended = await notifier.command("run", "--once", SSL_CERT_FILE=str(file))

    assert ended.status == 0, ended
    assert sorted(each.path for each in taking.received.entries) == ["/service", "/signed"]
