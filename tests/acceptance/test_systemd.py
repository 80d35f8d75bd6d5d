"""What systemd is told through its notification socket (sd_notify(3))."""

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

from acceptance.bright_data import BrightData
from acceptance.far_sides import Receiver
from acceptance.harness import Journal, Notifier
from notifier.brightdata.simulator import life as lives


class Listener(asyncio.DatagramProtocol):
    """The service manager's end of the socket."""

    def __init__(self) -> None:
        self.told: Journal[str] = Journal("the service manager")

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Note one datagram."""
        self.told.add(data.decode())


async def test_the_service_manager_is_told_of_the_start_and_of_the_end(
    api: BrightData, team: Receiver, notifier: Notifier, tmp_path: Path
) -> None:
    """READY=1 comes once everything runs, STOPPING=1 when the end begins, and nothing else in between."""
    api.add("s_1", lives.slow())
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.setblocking(False)
    listening.bind(str(tmp_path / "notify"))
    transport, manager = await asyncio.get_running_loop().create_datagram_endpoint(Listener, sock=listening)
    try:
        daemon = await notifier.start("run", NOTIFY_SOCKET=str(tmp_path / "notify"))
        await manager.told.count(1)
        await daemon.wait_for_log("transition.committed")
        assert (await daemon.stop()).status == 0
        await manager.told.count(2)
    finally:
        transport.close()
    assert manager.told.entries == ["READY=1\nSTATUS=1 watch, 1 channel", "STOPPING=1"]


async def test_the_service_manager_is_told_of_the_begin_and_end_of_a_reload_also_of_a_refused_one(
    api: BrightData, team: Receiver, notifier: Notifier, tmp_path: Path
) -> None:
    """Type=notify-reload waits for READY=1 after RELOADING=1 with the time of the monotonic clock, in microseconds."""
    api.add("s_1", lives.slow())
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.setblocking(False)
    listening.bind(str(tmp_path / "notify"))
    transport, manager = await asyncio.get_running_loop().create_datagram_endpoint(Listener, sock=listening)
    try:
        daemon = await notifier.start("run", NOTIFY_SOCKET=str(tmp_path / "notify"))
        await manager.told.count(1)
        began = time.monotonic_ns() // 1000
        os.kill(daemon.pid, signal.SIGHUP)
        await manager.told.count(3)
        notifier.config.write_text(notifier.config.read_text() + "wathces: []\n")
        await manager.told.count(5)
        ended = time.monotonic_ns() // 1000
        assert (await daemon.stop()).status == 0
        await manager.told.count(6)
    finally:
        transport.close()
    ready, first, again, second, still, stopping = manager.told.entries
    assert {ready, again, still} == {"READY=1\nSTATUS=1 watch, 1 channel"}
    assert stopping == "STOPPING=1"
    moments = [int(each.removeprefix("RELOADING=1\nMONOTONIC_USEC=")) for each in (first, second)]
    assert [began, *moments, ended] == sorted([began, *moments, ended])


async def test_a_service_manager_that_does_not_listen_holds_nothing_up(
    api: BrightData, team: Receiver, notifier: Notifier, tmp_path: Path
) -> None:
    """A socket that is not there, or not ours, does not stop the work."""
    api.add("s_1", lives.complete(seconds=0))
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    daemon = await notifier.start("run", NOTIFY_SOCKET=str(tmp_path / "nobody"))
    await daemon.wait_for_log("delivery.delivered")
    assert (await daemon.stop()).status == 0
