"""The machine itself in trouble: no file descriptors left, and a clock that jumps."""

import asyncio
import os
import resource
import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from acceptance.bright_data import BrightData
from acceptance.harness import Notifier
from acceptance.in_process import running
from acceptance.receivers import Receiver
from notifier.app import jobs
from notifier.brightdata.simulator import life as lives

SNAPSHOTS = [f"s_{number}" for number in range(10)]


async def test_a_daemon_without_file_descriptors_goes_on_when_there_are_some_again(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Looks and sends fail as what they are, and are made again; who asks how it does waits, and is answered then."""
    for snapshot in SNAPSHOTS:
        api.add(snapshot, lives.complete(seconds=60))
    hook = {"webhook": team.web_url, "secret": "whsec_bm90IGEgc2VjcmV0LCBidXQgMjQgYnl0ZXM=", "allow_private": True}
    channels = {"team": {"url": team.url, "pace": "1000/s"}, "hook": hook}
    notifier.configure(
        api=api.url, channels=channels, watches=SNAPSHOTS, api_options={"batch": "never"}, defaults={"every": "1s"}
    )
    daemon = await notifier.daemon()
    await api.more_asked(len(SNAPSHOTS))
    before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (3, before[1]))

    api.advance(60)
    asking = [asyncio.create_task(notifier.command("healthcheck")) for _ in range(2)]
    await daemon.wait_for_log("machine.exhausted")
    await daemon.outlives(1.5)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before)

    await team.told(len(SNAPSHOTS))
    await daemon.log.until(
        lambda lines: sum(line["event"] == "delivery.delivered" for line in lines) >= len(channels) * len(SNAPSHOTS)
    )
    assert {each["state"] for each in await notifier.deliveries()} == {"delivered"}
    assert (await daemon.stop()).status == 0
    assert len([line for line in daemon.log.entries if line["event"] == "machine.exhausted"]) == 1
    assert "Too many open files" in daemon.output
    assert set(team.copies.values()) == {2}, "each event once to each channel"
    for each in await asyncio.gather(*asking):
        assert each.status in (0, 1)


ANOTHER_USER = "54321"
AS_ANOTHER_USER = (
    *("setpriv", "--reuid", ANOTHER_USER, "--regid", ANOTHER_USER, "--clear-groups"),
    *("--inh-caps", "+dac_override,+dac_read_search", "--ambient-caps", "+dac_override,+dac_read_search", "--"),
)
"""The limit on processes holds for no root. What the tests stand on may be root's alone."""

HOLDS_THREADS = """
import sys, threading
for _ in range(120):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have another user's limit")
async def test_a_daemon_without_further_threads_looks_on_tells_so_and_ends_in_order(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """Its user has as many threads as its limit allows (RLIMIT_NPROC, as `TasksMax=`): what needs none goes on."""
    for snapshot in SNAPSHOTS:
        api.add(snapshot, lives.complete(seconds=60))
    hook = {"webhook": team.web_url, "secret": "whsec_bm90IGEgc2VjcmV0LCBidXQgMjQgYnl0ZXM=", "allow_private": True}
    notifier.configure(api=api.url, channels={"hook": hook}, watches=SNAPSHOTS, api_options={"batch": "never"})
    notifier.folder.chmod(0o777)
    notifier.program = [*AS_ANOTHER_USER, "prlimit", "--nproc=60", "--", sys.executable, "-m", "notifier"]
    daemon = await notifier.daemon()
    await api.more_asked(len(SNAPSHOTS))
    other = await asyncio.create_subprocess_exec(
        *(*AS_ANOTHER_USER, sys.executable, "-c", HOLDS_THREADS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"ready\n"
        told = await daemon.wait_for_log("machine.short")
        assert "no further threads" in told["text"]
        api.advance(60)
        await team.told(len(SNAPSHOTS))
        assert (await daemon.stop()).status == 0
    finally:
        other.kill()
        await other.wait()
    assert "Traceback" not in daemon.output


async def test_a_control_socket_that_is_removed_under_a_running_daemon_is_made_again(
    api: BrightData, team: Receiver, notifier: Notifier
) -> None:
    """As by hand, or by a service that clears /run; a command that comes too early says the truth."""
    notifier.configure(api=api.url, channels={"team": team.url}, watches=["s_1"])
    daemon = await notifier.daemon()
    (socket,) = notifier.folder.glob("*.sock")
    socket.unlink()
    early = await notifier.command("healthcheck")
    assert early.status == 0 or f"a daemon runs (process {daemon.pid})" in early.stderr
    await daemon.wait_for_log("control.socket_made_again", path=str(socket))
    assert (await notifier.json("healthcheck"))["healthy"]
    assert (await daemon.stop()).status == 0
    assert not socket.exists()


@pytest.mark.parametrize("shift", [timedelta(days=-1), timedelta(days=2)], ids=["back", "ahead"])
async def test_a_clock_that_jumps_delays_nothing_and_tells_nothing_twice(
    shift: timedelta, api: BrightData, team: Receiver, notifier: Notifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends after the jump is told as soon as without it; ahead is also what a machine sees that slept."""
    monkeypatch.setattr(jobs, "CLOCK_CHECK", timedelta(milliseconds=50))
    api.add("s_before", lives.complete(seconds=30))
    api.add("s_after", lives.complete(seconds=60))
    notifier.configure(
        api=api.url,
        channels={"team": {"url": team.url, "pace": "1000/s"}},
        watches=["s_before", "s_after"],
        api_options={"batch": "never"},
        defaults={"every": "1s", "stalled_after": "off"},
    )
    with time_machine.travel(datetime.now(UTC), tick=True) as clock:
        async with running(notifier):
            await api.more_asked(2)
            api.advance(30)
            await team.told(1)
            clock.shift(shift)
            api.advance(30)
            await team.told(2)
    assert set(team.copies.values()) == {1}
    assert {each["state"] for each in await notifier.deliveries()} == {"delivered"}
