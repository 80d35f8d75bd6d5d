"""What systemd is told through its notification socket (sd_notify(3))."""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from acceptance.bright_data import BrightData
from acceptance.harness import Journal, Notifier
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives

READY = "READY=1\nSTATUS=1 watch, 1 channel, 1 snapshot in progress, no deliveries waiting"
MORE = "EXTEND_TIMEOUT_USEC=30000000"
STOPPING = f"STOPPING=1\n{MORE}"
ALIVE = "WATCHDOG=1"

INTERVAL_S = 1.0
OFTEN = str(int(INTERVAL_S * 1e6))
"""A watchdog with so little patience, in microseconds."""


class Manager(asyncio.DatagramProtocol):
    """The service manager's end of the socket. `told` is what it was told, but that the daemon is alive: `alive`."""

    def __init__(self) -> None:
        self.told: Journal[str] = Journal("the service manager")
        self.alive: Journal[str] = Journal("the watchdog of the service manager")

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Note one datagram."""
        text = data.decode()
        (self.alive if text == ALIVE else self.told).add(text)

    async def ready(self, times: int) -> None:
        """Wait until it was told so often that the daemon is ready."""
        await self.told.until(lambda told: sum(each.startswith("READY=1") for each in told) == times)

    async def told_alive(self) -> int:
        """How often it was told that the daemon is alive, when all that was sent is read: one in each turn."""
        for _ in range(100):
            await asyncio.sleep(0)
        return len(self.alive)


@asynccontextmanager
async def managing(address: str) -> AsyncIterator[Manager]:
    """A service manager that listens there; `@` begins the name of an abstract socket."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.setblocking(False)
    listening.bind("\0" + address[1:] if address.startswith("@") else address)
    transport, manager = await asyncio.get_running_loop().create_datagram_endpoint(Manager, sock=listening)
    try:
        yield manager
    finally:
        transport.close()


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Nobody else can write to the database."""
    connection = sqlite3.connect(database, isolation_level=None, timeout=60)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


@pytest.fixture
def blockable(notifier: Notifier) -> Notifier:
    """An installation whose daemon blocks its event loop once a snapshot is ready."""
    notifier.program = (sys.executable, "-m", "acceptance.blockable_daemon")
    notifier.environment["PYTHONPATH"] += f":{Path(__file__).parents[1]}"
    return notifier


async def test_the_service_manager_is_told_of_a_whole_life_in_order(
    api: BrightData, team: Receiver, notifier: Notifier, tmp_path: Path
) -> None:
    """READY=1 once everything runs, STATUS= as it changes, WATCHDOG=1 all the time, RELOADING=1 and READY=1 around a
    reload, also a refused one, and STOPPING=1 when the end begins.

    Type=notify-reload wants the time of the monotonic clock with RELOADING=1, in microseconds."""
    api.add("s_1", lives.complete(seconds=60))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    async with managing(str(tmp_path / "notify")) as manager:
        daemon = await notifier.start("run", NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC=OFTEN)
        await manager.alive.count(3)
        api.advance(60)
        changed = (await manager.told.count(2))[1]
        began = time.monotonic_ns() // 1000
        os.kill(daemon.pid, signal.SIGHUP)
        await manager.ready(2)
        notifier.config.write_text(notifier.config.read_text() + "wathces: []\n")
        await manager.ready(3)
        ended = time.monotonic_ns() // 1000
        await manager.alive.count(len(manager.alive) + 2)
        assert (await daemon.stop()).status == 0
        await manager.told.first(lambda each: each == STOPPING)
    told = manager.told.entries
    counts = "STATUS=1 watch, 1 channel, no snapshots in progress, "
    assert told[0] == READY
    assert changed.startswith(counts)
    moments = [
        int(each.removeprefix("RELOADING=1\nMONOTONIC_USEC=")) for each in told if each.startswith("RELOADING=1")
    ]
    assert [began, *moments, ended] == sorted([began, *moments, ended])
    words = [each.partition("\n")[0] for each in told if not each.startswith("STATUS=")]
    assert words == ["READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]
    done, refused = [each for each in told if each.startswith("READY=1")][1:]
    assert done.startswith(f"READY=1\n{counts}")
    assert "is refused" not in done
    assert "; the configuration on disk is refused, and the one before runs" in refused


async def test_a_blocked_loop_starves_the_watchdog(
    api: BrightData, team: Receiver, blockable: Notifier, tmp_path: Path
) -> None:
    """A call that does not come back holds up everything, and nobody says that all is well."""
    api.add("s_1", lives.complete(seconds=60))
    blockable.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    async with managing(str(tmp_path / "notify")) as manager:
        daemon = await blockable.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC=OFTEN)
        await manager.alive.count(3)
        api.advance(60)
        await daemon.wait_for_log("test.blocked")
        before = await manager.told_alive()
        await daemon.outlives(2 * INTERVAL_S)
        assert await manager.told_alive() == before


async def test_a_database_that_does_not_answer_starves_the_watchdog_until_it_does(
    api: BrightData, team: Receiver, blockable: Notifier, tmp_path: Path
) -> None:
    """Somebody locks the database for longer than the watchdog waits: the daemon says that it starves, and does."""
    api.add("s_1", lives.slow())
    blockable.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    async with managing(str(tmp_path / "notify")) as manager:
        daemon = await blockable.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC=OFTEN)
        await manager.alive.count(3)
        with locked(blockable.database):
            await daemon.wait_for_log("watchdog.starving", reason="the database does not answer")
            await daemon.outlives(INTERVAL_S)  # what is on its way arrives
            before = await manager.told_alive()
            await daemon.outlives(2 * INTERVAL_S)
            assert await manager.told_alive() == before
        await manager.alive.count(before + 3)
        await daemon.wait_for_log("watchdog.fed_again")


async def test_a_start_and_an_end_that_take_their_time_ask_for_more(
    api: BrightData, team: Receiver, blockable: Notifier, tmp_path: Path
) -> None:
    """As long as there is no READY=1, and from STOPPING=1 on: here somebody has locked the database both times."""
    api.add("s_1", lives.slow())
    blockable.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    async with managing(str(tmp_path / "notify")) as manager:
        sqlite3.connect(blockable.database).execute("PRAGMA journal_mode=WAL").connection.close()
        with locked(blockable.database):
            daemon = await blockable.start(NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC=OFTEN)
            await manager.told.count(12)
            assert set(manager.told.entries) == {MORE}
        await daemon.wait_for_log("transition.committed")
        await manager.alive.count(1)
        with locked(blockable.database):
            await daemon.wait_for_log("watchdog.starving")  # something is under way that cannot end
            os.kill(daemon.pid, signal.SIGTERM)
            await manager.told.first(lambda each: each == STOPPING)
            await manager.told.until(lambda told: len(told) - told.index(STOPPING) > 5)
        assert (await daemon.ended()).status == 0
    started = manager.told.entries.index(READY)
    stopping = manager.told.entries.index(STOPPING)
    assert set(manager.told.entries[:started]) == {MORE}
    assert MORE not in manager.told.entries[started:stopping]
    assert set(manager.told.entries[stopping + 1 :]) == {MORE}


async def test_a_watchdog_that_waits_for_another_process_is_not_fed(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """WATCHDOG_PID names whom it waits for (sd_watchdog_enabled(3)). The socket is an abstract one here."""
    api.add("s_1", lives.slow())
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    address = f"@notifier-test-{uuid4()}"
    async with managing(address) as manager:
        daemon = await notifier.start("run", NOTIFY_SOCKET=address, WATCHDOG_USEC=OFTEN, WATCHDOG_PID="1")
        await manager.told.count(1)
        await daemon.wait_for_log("transition.committed")
        assert (await daemon.stop()).status == 0
        await manager.told.first(lambda each: each == STOPPING)
    assert manager.told.entries[0] == READY
    assert not manager.alive.entries


async def test_a_service_manager_that_does_not_listen_holds_nothing_up(
    api: BrightData, team: Receiver, notifier: Notifier, tmp_path: Path
) -> None:
    """A socket that is not there, or not ours, does not stop the work."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    daemon = await notifier.start("run", NOTIFY_SOCKET=str(tmp_path / "nobody"))
    await daemon.wait_for_log("delivery.delivered")
    assert (await daemon.stop()).status == 0
