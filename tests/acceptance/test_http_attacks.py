"""A thousand strangers at the web server of the real daemon: it polls, delivers and answers as before."""

import asyncio
import contextlib
import resource
from collections.abc import Iterator

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.http_pages import Pages, pages_of
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives

TOKEN = "canary-page-token-0123456789"
STRANGERS = 1_000
KINDS = (
    b"",
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Half: ",
    b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 10,
    b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer guess\r\n\r\n",
    b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\nx",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
)
"""Who says nothing, says half, reads nothing, guesses, promises, and speaks TLS."""


@pytest.fixture(autouse=True)
def _descriptors() -> Iterator[None]:
    """Enough of them for the strangers, who live in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4_096), hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Strangers:
    """Connections that are opened again as soon as they are closed."""

    def __init__(self, address: str) -> None:
        self._port = int(address.rpartition(":")[2])
        self.opened = 0

    async def __call__(self, kind: bytes) -> None:
        """Be one of them, until cancelled."""
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1_024)
                try:
                    self.opened += 1
                    writer.write(kind)
                    while not reader.at_eof() and b"metrics" not in kind:
                        await reader.read(100)
                    await asyncio.sleep(60 if b"metrics" in kind else 0.5)
                finally:
                    writer.close()


async def late(pages: Pages) -> float:
    """The wake-ups of the event loop so far that were more than 100 ms late."""
    return await pages.metric("notifier_event_loop_lag_seconds_count") - await pages.metric(
        "notifier_event_loop_lag_seconds_bucket", le="0.1"
    )


async def test_a_thousand_connections_hold_up_neither_polls_nor_deliveries_nor_honest_clients(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    api.add("s_1", lives.of("running", "ready", seconds=60, records=1))
    notifier.configure(
        api=api.url,
        channels={"team": team.url},
        watches=[{"snapshot": "s_1", "every": "1s"}],
        http={"listen": "127.0.0.1:0", "token": TOKEN},
    )
    notifier.secrets |= {TOKEN}
    daemon = await notifier.daemon()
    pages = await pages_of(daemon, TOKEN)
    await api.more_asked(1)
    before = await late(pages)
    strangers = Strangers(pages.address)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(strangers(KINDS[number % len(KINDS)])) for number in range(STRANGERS)]
        async with asyncio.timeout(40):
            while strangers.opened < STRANGERS:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        await api.more_asked(3)
        assert (await pages.get("/healthz")).text == "alive\n"
        assert (await pages.get("/readyz")).text == "ready\n"
        assert await pages.metric("process_open_fds") < 250
        api.advance(60)
        await team.told(1)
        for task in tasks:
            task.cancel()
    assert await late(pages) - before <= 2
    assert (await daemon.stop()).status == 0
