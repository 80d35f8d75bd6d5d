"""The disk in trouble: the daemon keeps polling, says so once, loses nothing, and writes again when it can."""

import asyncio
import json
import resource
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import disks

from acceptance.bright_data import BrightData
from acceptance.harness import DEADLINE, Notifier, Process
from acceptance.receivers import Receiver
from notifier.brightdata.simulator import life as lives

SNAPSHOTS = [f"s_{number}" for number in range(20)]


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk that can be filled."""
    with disks.small_disk() as folder:
        yield folder


def configure(notifier: Notifier, api: BrightData, team: Receiver, ops: Receiver, **sections: object) -> None:
    """Snapshots that end in a minute, each with a message that takes some room, and one that goes on."""
    for snapshot in SNAPSHOTS:
        api.add(snapshot, lives.failed(seconds=60, message="x" * 2_000))
    api.add("s_slow", lives.of("running", "ready", seconds=1e9))
    notifier.configure(
        api=api.url,
        channels={"team": {"url": team.url, "pace": "1000/s"}, "ops": ops.url},
        watches=[*SNAPSHOTS, {"snapshot": "s_slow", "on": ["failed"]}],
        api_options={"batch": "never"},
        defaults={"notify": ["team"], "every": "1s"},
        operators=["ops"],
        **sections,
    )


async def end_in_trouble(notifier: Notifier, api: BrightData, daemon: Process, trouble: str) -> None:
    """All snapshots end, and the daemon goes on to poll and says what is the matter."""
    api.advance(60)
    await daemon.wait_for_log("store.trouble", trouble=trouble)
    asked = await notifier.command("healthcheck", "--json")
    assert asked.status == 1
    health = json.loads(asked.stdout)
    assert (health["healthy"], health["store"]["trouble"]) == (False, trouble)


async def all_told_once(team: Receiver, daemon: Process) -> None:
    """Each end exactly once, and the daemon ends in order."""
    await team.told(len(SNAPSHOTS))
    await daemon.wait_for_log("store.recovered")
    assert set(team.copies.values()) == {1}
    assert len(team.copies) == len(SNAPSHOTS)


async def test_what_ends_while_the_disk_is_full_is_told_once_when_there_is_room(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier, small_disk: Path
) -> None:
    """The operators are told past the outbox, once, and once when it is over."""
    configure(notifier, api, team, ops, state=f"sqlite:///{small_disk}/notifier.db")
    daemon = await notifier.daemon()
    await api.asked.until(lambda asked: sum("s_slow" in each.raw_path for each in asked) >= 2)  # its first is committed
    ballast = disks.fill(small_disk)

    await end_in_trouble(notifier, api, daemon, "full")
    (begun,) = await ops.received.count(1)
    await api.more_asked(2)
    assert len(team.copies) < len(SNAPSHOTS)
    ballast.unlink()
    await all_told_once(team, daemon)
    _, over = await ops.received.count(2)

    assert "the disk of the database is full" in begun.title
    assert f"{small_disk}/notifier.db: there is no room on its disk" in begun.message
    assert "the database can be written again" in over.title
    assert (await notifier.command("healthcheck")).status == 0
    assert (await daemon.stop()).status == 0
    assert len(ops.received) == 2
    assert sum(line["event"] == "store.trouble" for line in daemon.log.entries) == 1


async def test_what_ends_while_the_database_cannot_be_written_is_told_once_when_it_can(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """An error of I/O at each write, here by a limit to the size of files, is waited for in the same way."""
    configure(notifier, api, team, ops)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(notifier.folder / "notify"))
    manager.setblocking(False)
    notifier.environment["NOTIFY_SOCKET"] = str(notifier.folder / "notify")
    daemon = await notifier.daemon()
    await api.more_asked(len(SNAPSHOTS) + 1)
    before = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (1, before[1]))

    await end_in_trouble(notifier, api, daemon, "failing")
    (begun,) = await ops.received.count(1)
    async with asyncio.timeout(DEADLINE):
        while "it cannot be used" not in (await asyncio.get_running_loop().sock_recv(manager, 4_096)).decode():
            pass
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, before)
    await all_told_once(team, daemon)
    _, over = await ops.received.count(2)

    assert "the database cannot be used" in begun.title
    assert "the database can be written again" in over.title
    assert (await daemon.stop()).status == 0
    assert len(ops.received) == 2
    manager.close()


async def test_a_daemon_whose_disk_is_full_still_ends_within_five_seconds_and_the_next_one_tells_all(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """It says that not everything could be written; what it held is found again by the next poll."""
    configure(notifier, api, team, ops)
    daemon = await notifier.daemon()
    await api.more_asked(len(SNAPSHOTS) + 1)
    _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (1, hard))
    await end_in_trouble(notifier, api, daemon, "failing")

    ended = await daemon.stop()

    assert ended.status == 1
    assert ended.seconds < 15, "5 s on a machine that has nothing else to do"
    assert "it cannot be used" in ended.stderr.splitlines()[-1]
    daemon = await notifier.daemon()
    await team.told(len(SNAPSHOTS))
    assert (await daemon.stop()).status == 0
    assert set(team.copies.values()) == {1}


async def test_a_full_disk_at_the_start_is_refused_with_the_way_out(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier, small_disk: Path
) -> None:
    """Exit status 1, and words that say what to do."""
    configure(notifier, api, team, ops, state=f"sqlite:///{small_disk}/notifier.db")
    disks.fill(small_disk)
    ended = await notifier.command("run")
    assert ended.status == 1
    assert "make some" in ended.stderr


async def test_a_disk_that_cannot_be_written_at_the_start_is_refused_with_the_way_out(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier, small_disk: Path
) -> None:
    """It says which file could not be made, and that `state:` names it."""
    configure(notifier, api, team, ops, state=f"sqlite:///{small_disk}/notifier.db")
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(small_disk)], check=True)
    ended = await notifier.command("run")
    assert ended.status == 1
    assert "cannot be made (Read-only file system)" in ended.stderr
    assert "`state:`" in ended.stderr


async def test_a_wal_that_is_removed_while_the_daemon_runs_ends_it_loudly_and_nothing_is_told_again(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """What was told stands in the WAL alone: it is saved from the open file before the daemon ends."""
    configure(notifier, api, team, ops)
    daemon = await notifier.daemon()
    api.advance(60)
    await team.told(len(SNAPSHOTS))
    await daemon.log.until(lambda lines: sum(line["event"] == "delivery.delivered" for line in lines) >= len(SNAPSHOTS))
    notifier.database.with_name(f"{notifier.database.name}-wal").unlink()
    ended = await daemon.ended()

    assert ended.status == 1
    assert "-wal: this file, which belongs to the database, was taken away" in ended.stderr.splitlines()[-1]
    (told,) = await ops.received.count(1)
    assert "the notifier has ended: its database cannot be used" in told.title
    daemon = await notifier.daemon()
    await api.more_asked(1)
    assert (await daemon.stop()).status == 0
    assert set(team.copies.values()) == {1}


async def test_a_database_that_breaks_while_it_runs_ends_the_daemon_loudly_and_the_operators_know(
    api: BrightData, team: Receiver, ops: Receiver, notifier: Notifier
) -> None:
    """Exit status 1 and words without a traceback; the operators are told past the outbox."""
    configure(notifier, api, team, ops)
    daemon = await notifier.daemon()
    await api.more_asked(len(SNAPSHOTS) + 1)

    notifier.database.rename(notifier.database.with_suffix(".gone"))
    ended = await daemon.ended()

    assert ended.status == 1
    assert "the file was taken away or replaced" in ended.stderr.splitlines()[-1]
    (told,) = await ops.received.count(1)
    assert "the notifier has ended: its database cannot be used" in told.title
    assert "taken away" in told.message
