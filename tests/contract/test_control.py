"""What commands ask of the daemon, over a real socket: done by the daemon, or by the command when none runs."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.fakes import START
from support.outboxes import micros, rows, settled, sql, take, tell

from notifier.control import server
from notifier.control.client import ask
from notifier.control.handler import DaemonActions
from notifier.control.protocol import Diff, GotThrough, Health, Mute, Request, Retry, Unmute
from notifier.control.server import listening
from notifier.core.delivery.model import Outcome, OutcomeKind
from notifier.core.errors import NotifierError, Unanswered
from notifier.store.sqlite import lock
from notifier.store.sqlite.lock import DatabaseLock, holder
from notifier.store.store import Store

GONE = Outcome(kind=OutcomeKind.PERMANENT, reason="http_410")


def socket_of(database: Path) -> Path:
    return database.with_name(database.name + ".sock")


async def dead(store: Store, number: int = 1) -> None:
    for each in range(number):
        await tell(store, "chat", snapshot_id=f"s_{each}")
    await settled(store, (await take(store)).send, GONE)


async def raw(database: Path, line: bytes) -> dict[str, Any]:
    """The answer to this line; an empty one if there was none."""
    reader, writer = await asyncio.open_unix_connection(str(socket_of(database)))
    writer.write(line)
    writer.write_eof()
    answer = await reader.readline()
    writer.close()
    await writer.wait_closed()
    found: dict[str, Any] = json.loads(answer) if answer else {}
    return found


async def test_the_daemon_does_what_is_asked_and_wakes_the_channels(store: Store, database: Path) -> None:
    woken: list[set[str]] = []
    await dead(store, 2)
    async with listening(database, store, DaemonActions(wake=lambda channels: woken.append(set(channels)))):
        assert await ask(database, Mute(watch="s_1", until="2099-01-01T00:00:00+00:00")) == {
            "muted": "s_1",
            "until": "2099-01-01T00:00:00+00:00",
        }
        assert sql(database, "SELECT watch_id FROM mutes") == [("s_1",)]
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": True}
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}
        assert await ask(database, Retry(ids=(1,))) == {"retried": 1}
        assert await ask(database, Retry(channel="chat", since=START.isoformat())) == {"retried": 1}
        assert await ask(database, Retry()) == {"retried": 0}
    assert woken == [{"chat"}, {"chat"}, set()]
    assert {row.state for row in rows(database)} == {"pending"}


async def test_without_a_daemon_the_command_does_it_itself(database: Path) -> None:
    async with Store(database) as store:
        await dead(store)
    assert await ask(database, Retry(ids=(1,))) == {"retried": 1}
    assert await ask(database, Mute(watch="s_1")) == {"muted": "s_1", "until": None}
    assert rows(database)[0].state == "pending"


async def test_a_socket_that_a_killed_daemon_left_behind_is_no_daemon(database: Path) -> None:
    async with Store(database) as store, listening(database, store, DaemonActions()):
        socket_of(database).rename(database.with_name("left"))
    database.with_name("left").rename(socket_of(database))
    assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}
    async with Store(database) as store, listening(database, store, DaemonActions()):
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}


def remove(path: Path) -> None:
    path.unlink()


def put_a_file(path: Path) -> None:
    path.unlink()
    path.write_text("not a socket")


def put_a_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def put_another_socket(path: Path) -> None:
    path.unlink()
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("spoil", [remove, put_a_file, put_a_link, put_another_socket])
async def test_a_socket_that_is_taken_away_under_a_daemon_is_made_again_and_meanwhile_the_truth_is_told(
    store: Store, database: Path, spoil: Callable[[Path], None]
) -> None:
    async with listening(database, store, DaemonActions()) as control_socket:
        reader, early = await asyncio.open_unix_connection(str(socket_of(database)))
        await control_socket.check()
        with capture_logs() as nothing:
            await control_socket.check()
        spoil(socket_of(database))
        for request in (Health(), Unmute(watch="s_1")):
            with pytest.raises(Unanswered, match=rf"a daemon runs \(process {os.getpid()}\).* is gone") as told:
                await ask(database, request)
            assert str(socket_of(database)) in str(told.value)
        with capture_logs() as logged:
            await control_socket.check()
            await control_socket.check()
        assert nothing == []
        assert [each["event"] for each in logged] == ["control.socket_made_again"]
        assert stat.S_IMODE(socket_of(database).stat().st_mode) == 0o600
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}
        early.write(b'["unmute", {"watch": "s_1"}]\n')  # who was connected before is answered, too
        assert await asyncio.wait_for(reader.readline(), 20) != b""
        early.close()
    assert not socket_of(database).exists()


async def test_a_socket_that_cannot_be_made_again_is_told_once_and_tried_until_it_can(
    store: Store, database: Path
) -> None:
    async with listening(database, store, DaemonActions()) as control_socket:
        socket_of(database).unlink()
        (socket_of(database) / "in the way").mkdir(parents=True)
        with capture_logs() as logged:
            for _ in range(3):
                await control_socket.check()
        assert [each["event"] for each in logged] == ["control.socket_lost"]
        shutil.rmtree(socket_of(database))
        with capture_logs() as logged:
            await control_socket.check()
        assert [each["event"] for each in logged] == ["control.socket_made_again"]
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}


async def test_a_folder_in_the_sockets_place_is_told_at_the_start(store: Store, database: Path) -> None:
    socket_of(database).mkdir()
    with pytest.raises(NotifierError, match=r"notifier\.db\.sock: the socket for commands cannot be made"):
        async with listening(database, store, DaemonActions()):
            raise AssertionError("it listens")


def test_who_has_a_database_is_told_without_taking_its_lock(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert holder(database) is None
    with DatabaseLock(database):
        assert holder(database) == f"process {os.getpid()}"
        monkeypatch.setattr(lock, "_held", set())  # as another process sees it
        assert holder(database) == f"process {os.getpid()}"
        database.with_name(database.name + ".lock").unlink()
        assert holder(database) == "another process"
    assert holder(database) is None


async def test_the_socket_is_its_owners_alone_and_goes_with_the_daemon(store: Store, database: Path) -> None:
    async with listening(database, store, DaemonActions()):
        assert stat.S_IMODE(socket_of(database).stat().st_mode) == 0o600
    assert not socket_of(database).exists()


async def test_a_path_longer_than_an_address_takes_is_no_hindrance(tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 120) / ("e" * 120)
    folder.mkdir(parents=True)
    database = folder / "notifier.db"
    async with Store(database) as store, listening(database, store, DaemonActions()):
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}


@pytest.mark.parametrize(
    "line",
    [b"\n", b"garbage\n", b"{}\n", b"[1, 2]\n", b'["mute"]\n', b'["mute", {"wat": 1}]\n', b'["mute", []]\n', b"\xff\n",
     b'["format", {}]\n', b'["retry", {"ids": 7}]\n', b'["mute", {"watch": {}}]\n',
     b'["retry", {"ids": [99999999999999999999999]}]\n', b'["retry", {"since": "yesterday"}]\n',
     b"[" * 100_000 + b"\n", b"x" * (1024 * 1024 + 9) + b"\n", b""],
)  # fmt: skip
async def test_what_is_no_request_is_answered_with_an_error_and_changes_nothing(
    store: Store, database: Path, line: bytes
) -> None:
    async with listening(database, store, DaemonActions()):
        assert set(await raw(database, line)) == {"error"}
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}
    assert sql(database, "SELECT * FROM mutes") == []


async def test_one_that_says_nothing_holds_nobody_up(store: Store, database: Path) -> None:
    async with listening(database, store, DaemonActions()):
        _, writer = await asyncio.open_unix_connection(str(socket_of(database)))
        assert await ask(database, Unmute(watch="s_1")) == {"unmuted": "s_1", "was_muted": False}
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize("request_", [Retry(ids=(10**30,)), Retry(since="yesterday")])
async def test_what_cannot_be_done_is_said_in_words(database: Path, running: bool, request_: Request) -> None:
    if not running:
        with pytest.raises(NotifierError, match="this cannot be done"):
            await ask(database, request_)
        return
    async with Store(database) as store, listening(database, store, DaemonActions()):
        with pytest.raises(NotifierError, match="does not understand"):
            await ask(database, request_)


@pytest.mark.parametrize("answer", [b"", b'{"done'])
async def test_a_daemon_that_ends_before_it_has_answered_is_told(database: Path, answer: bytes) -> None:
    async def end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    server = await asyncio.start_unix_server(end, str(socket_of(database)))
    with pytest.raises(NotifierError, match="ended before it answered"):
        await ask(database, Unmute(watch="s_1"))
    server.close()


async def test_a_daemon_that_does_not_answer_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung.wait()
        writer.close()

    hung = asyncio.Event()
    monkeypatch.setattr("notifier.control.client._LONGEST_ANSWER_S", 0.05)
    server = await asyncio.start_unix_server(hang, str(socket_of(database)))
    with pytest.raises(Unanswered, match="has not answered within 0 s, so it is not known whether it has done it"):
        await ask(database, Unmute(watch="s_1"))
    with pytest.raises(Unanswered, match="has not answered within 0 s; ask again"):
        await ask(database, Diff())
    hung.set()
    server.close()


async def test_one_who_may_not_ask_is_told_so(store: Store, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asyncio, "open_unix_connection", refused)
    with pytest.raises(NotifierError, match=r"notifier\.db\.sock: cannot connect to the daemon: Permission denied"):
        await ask(database, Unmute(watch="s_1"))


async def test_what_is_asked_of_a_watch_holds_for_as_long_as_it_says(store: Store, database: Path) -> None:
    async with listening(database, store, DaemonActions()):
        await ask(database, Mute(watch="s_1", until=(START + timedelta(hours=2)).isoformat()))
    assert sql(database, "SELECT watch_id, until FROM mutes") == [("s_1", micros(START + timedelta(hours=2)))]


async def test_without_a_daemon_there_is_nothing_to_compare_the_files_with(tmp_path: Path) -> None:
    with pytest.raises(NotifierError, match="no daemon runs"):
        await ask(tmp_path / "n.db", Diff())


async def test_what_waits_for_a_channel_that_works_is_due_with_a_daemon_and_without(
    store: Store, database: Path
) -> None:
    heard: list[str] = []
    await tell(store, "chat")
    await settled(store, (await take(store)).send, Outcome(kind=OutcomeKind.RETRY, reason="refused"))
    async with listening(database, store, DaemonActions(got_through=heard.append)):
        assert await ask(database, GotThrough(channel="chat")) in ({"hastened": 1}, {"hastened": 0})
        assert await ask(database, GotThrough(channel="mail")) == {"hastened": 0}
    assert heard == ["chat", "mail"]


async def said(reader: asyncio.StreamReader) -> bytes:
    """All that the daemon says until it ends the connection, in whatever way."""
    with contextlib.suppress(ConnectionError):
        return await asyncio.wait_for(reader.read(), 20)
    return b""


async def test_connections_that_ask_nothing_are_few_and_end(
    store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes a descriptor that the daemon's work needs."""
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 3)
    path = str(socket_of(database))
    async with listening(database, store, DaemonActions()):
        waiting = [await asyncio.open_unix_connection(path) for _ in range(3)]
        reader, fourth = await asyncio.open_unix_connection(path)
        assert await said(reader) == b""
        for _, writer in (*waiting, (reader, fourth)):
            writer.close()


async def test_half_a_request_is_ended_after_its_time(
    store: Store, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_LONGEST_REQUEST_S", 0.01)
    async with listening(database, store, DaemonActions()):
        reader, writer = await asyncio.open_unix_connection(str(socket_of(database)))
        writer.write(b'["unm')
        assert b"does not understand" in await said(reader)
        writer.close()
