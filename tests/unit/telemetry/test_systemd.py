"""What the service manager hears, over a real datagram socket."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from support.moving_clock import MovingClock, run

from notifier.telemetry import systemd
from notifier.telemetry.systemd import EXTEND, more_time, notify, watchdog_interval


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.settimeout(5)
        yield listening


def test_assignments_arrive_as_one_datagram(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    notify("READY=1", "STATUS=3 watches, ünï")
    assert manager.recv(1024).decode() == "READY=1\nSTATUS=3 watches, ünï"


def test_a_name_with_an_at_is_an_abstract_socket(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"notifier-test-{uuid4()}"
    manager.bind(f"\0{name}")
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
    notify("STOPPING=1")
    assert manager.recv(1024) == b"STOPPING=1"


def test_without_a_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")


@pytest.mark.parametrize("address", ["/nowhere/notify", "@nobody-listens-here", "relative", "x" * 500])
def test_a_manager_that_does_not_listen_stops_nothing(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify("READY=1")


def test_a_manager_that_does_not_empty_its_socket_holds_up_for_a_moment_only(
    manager: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.bind(str(tmp_path / "notify"))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setattr(systemd, "_PATIENCE_S", 0.001)
    for _ in range(700):  # more than a queue holds (net.unix.max_dgram_qlen)
        notify("STATUS=again")


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, timedelta(seconds=60)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "7"}, timedelta(seconds=60)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "0", "WATCHDOG_PID": "7"}, None),
        ({"WATCHDOG_USEC": "soon", "WATCHDOG_PID": "7"}, None),
        ({"WATCHDOG_USEC": "٣"}, None),
    ],
)
def test_the_watchdog_waits_for_the_process_that_it_names(environ: dict[str, str], interval: timedelta | None) -> None:
    assert watchdog_interval(environ, pid=7) == interval


def test_more_time_is_asked_for_again_and_again_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(systemd, "notify", told.append)

    async def test(clock: MovingClock) -> None:
        with more_time(timedelta(minutes=1)):
            await asyncio.sleep(4)
            assert told == [], "what is quick asks for nothing"
            await asyncio.sleep(30)
            assert 34 / 30 < len(told) < 60 / 5
            await asyncio.sleep(3600)
        assert told == [EXTEND] * 12
        with more_time(timedelta(minutes=1)):
            await asyncio.sleep(4)
        await asyncio.sleep(60)
        assert len(told) == 12, "after the end nothing is asked for"

    run(test)
    assert EXTEND == "EXTEND_TIMEOUT_USEC=30000000"
