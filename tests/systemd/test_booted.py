"""The service under a real systemd: installed as systemd/README.md says, killed, stopped, reloaded and ended.

Where no systemd can be booted, or the tests are not run as root, these tests say that they were not run.
"""

import os
import re
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml
from acceptance.bright_data import BrightData
from acceptance.harness import TOKEN
from acceptance.receivers import Receiver
from support.booting import System, booted, why_not
from support.installation import ROOT

from notifier.brightdata.simulator import life as lives

README = (ROOT / "systemd/README.md").read_text(encoding="utf-8")
CHECKOUT, PYTHON, MADE, LENT, PROGRAM = "/srv/notifier", "/opt/python", "/opt/made", "/opt/lent", "/opt/notifier"
"""Where the system has the checkout, the interpreter, the environment made for it, the packages lent to that, and the
installed program."""

INTERPRETER = Path(os.path.realpath(sys.executable)).name
SECRET = "canary-of-the-channel"
SHORTENED = "[Service]\nWatchdogSec=3s\nRestartSec=200ms\n"
"""What an administrator could write with `systemctl edit`: the times of the unit, shortened."""

DATABASE = "/var/lib/private/notifier/notifier.db"


@pytest.fixture
async def system(installed: Path, tmp_path: Path) -> AsyncIterator[System]:
    """A booted system with the program in place; what follows in the README is not done yet."""
    if reason := why_not():
        pytest.skip(f"not run: no systemd can be booted here ({reason})")
    mounts = {
        ROOT: CHECKOUT,
        Path(sys.base_prefix): PYTHON,
        installed: MADE,
        Path(sysconfig.get_path("purelib")): LENT,
    }
    folder = tmp_path / "system"
    folder.mkdir()
    async with booted(folder, mounts) as running:
        await _install(running)
        yield running


async def _install(system: System) -> None:
    """Put the program at the place that the unit names. Its interpreter must not lie below /root (ProtectHome=)."""
    await system.run("cp", "-a", f"{MADE}/.", PROGRAM)
    await system.run("ln", "-sfn", f"{PYTHON}/bin/{INTERPRETER}", f"{PROGRAM}/bin/python")
    await system.run("sed", "-i", f"s#^home = .*#home = {PYTHON}/bin#", f"{PROGRAM}/pyvenv.cfg")
    await system.run("sed", "-i", rf"1s#.*#\#!{PROGRAM}/bin/python#", f"{PROGRAM}/bin/notifier")
    await system.run("sh", "-c", f"echo {LENT} >$(echo {PROGRAM}/lib/python*/site-packages)/lent.pth")


def _commands() -> list[str]:
    """The commands of the README but the first, which installs the program."""
    first, *others = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).strip().splitlines()
    assert first.startswith(f"python3 -m venv {PROGRAM} && {PROGRAM}/bin/pip install "), first
    return others


@pytest.fixture
async def service(system: System, api: BrightData, team: Receiver) -> System:
    """The system with the service running in it: `s_1` ends after a minute of simulated time, and the team is told."""
    api.add("s_1", lives.complete(seconds=60))
    *others, start = _commands()
    assert start == "systemctl enable --now notifier"
    for command in others:
        await system.run("sh", "-e", "-c", f"cd {CHECKOUT} && {command}")
    configuration = yaml.safe_load((ROOT / "systemd/config.yaml").read_text(encoding="utf-8"))
    configuration |= {
        "api": {"base_url": api.url, "requests_per_second": 100},
        "http": "off",
        "channels": {"team": f"{team.url}?+secret=${{SLACK_URL}}"},
        "operators": [],
        "defaults": {"every": "1s", "notify": ["team"]},
        "watches": [{"snapshot": "s_1", "name": "Prices"}],
    }
    await system.write("/etc/notifier/config.yaml", yaml.safe_dump(configuration))
    await system.write("/etc/notifier/brightdata-token", TOKEN)
    await system.write("/etc/notifier/secrets/SLACK_URL", SECRET)
    # An interpreter that was built with a shared library looks for that where it was installed.
    await system.write("/etc/notifier/environment", f"LD_LIBRARY_PATH={PYTHON}/lib\n")
    await system.write("/etc/systemd/system/notifier.service.d/override.conf", SHORTENED)
    await system.run("systemctl", "daemon-reload")
    await system.run(*start.split())
    return system


async def _in_progress(service: System) -> None:
    """Wait until the service has said that it polls a snapshot that has not ended."""
    await service.until_shown("StatusText", lambda text: "1 snapshot in progress" in text)


async def test_the_service_has_its_credentials_tells_its_status_and_keeps_its_files_to_itself(
    service: System, api: BrightData, team: Receiver
) -> None:
    await api.more_asked(1)  # with the right token: any other is refused by the simulator
    await _in_progress(service)
    api.advance(60)
    (told,) = await team.received.count(1)
    assert told.headers["secret"] == SECRET
    await service.until_shown("StatusText", lambda text: "no snapshots in progress, no deliveries waiting" in text)
    listed = await service.run("find", str(Path(DATABASE).parent), "-printf", "%y %m %u %f\n")
    assert {(kind, mode, user) for kind, mode, user, _ in map(str.split, listed.splitlines())} == {
        ("d", "700", "notifier"),
        ("f", "600", "notifier"),
        ("s", "600", "notifier"),
    }
    status = await service.run(f"{PROGRAM}/bin/notifier", "status", "--config", "/etc/notifier/config.yaml")
    assert "ready" in status
    journal = await service.journal()
    assert TOKEN not in journal
    assert SECRET not in journal


async def test_a_service_that_is_killed_starts_again_and_tells_what_happened_meanwhile_once(
    service: System, api: BrightData, team: Receiver
) -> None:
    await _in_progress(service)
    await service.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "notifier")
    api.advance(60)
    await service.until_shown("NRestarts", "1".__eq__)
    await service.until_shown("StatusText", lambda text: "no snapshots in progress, no deliveries waiting" in text)
    assert await service.show("ActiveState") == "active"
    assert list(team.copies.values()) == [1]


async def test_a_service_that_no_longer_works_is_ended_by_the_watchdog_and_starts_again(
    service: System, api: BrightData, team: Receiver
) -> None:
    await _in_progress(service)
    await service.run("systemctl", "kill", "--kill-whom=main", "--signal=STOP", "notifier")
    api.advance(60)
    await service.until_shown("NRestarts", "1".__eq__)
    await team.told(1)
    assert "Watchdog timeout" in await service.journal()
    await service.until_shown("StatusText", lambda text: "no snapshots in progress, no deliveries waiting" in text)
    assert list(team.copies.values()) == [1]


async def test_a_reload_takes_up_a_new_watch_and_says_in_the_status_why_one_is_refused(
    service: System, api: BrightData, team: Receiver
) -> None:
    api.add("s_2", lives.complete(seconds=60))
    before = await service.show("MainPID")
    await service.write("/etc/notifier/watches.d/more.yaml", "watches: [{snapshot: s_2, name: More}]\n")
    await service.run("systemctl", "reload", "notifier")
    await service.until_shown("StatusText", lambda text: text.startswith("2 watches"))
    await service.write("/etc/notifier/watches.d/more.yaml", "watches: [{snapsot: s_2, name: More}]\n")
    await service.run("systemctl", "reload", "notifier")
    refused = await service.until_shown("StatusText", lambda text: "is refused" in text)
    assert refused.startswith("2 watches")
    api.advance(60)
    assert len(await team.told(2)) == 2
    assert await service.show("MainPID") == before


async def test_a_service_that_is_stopped_ends_in_order_within_five_seconds(service: System) -> None:
    await _in_progress(service)
    await service.run("systemctl", "stop", "notifier")
    assert await service.show("Result") == "success"
    assert await service.show("ExecMainStatus") == "0"
    began = int(await service.show("ActiveExitTimestampMonotonic"))
    ended = int(await service.show("InactiveEnterTimestampMonotonic"))
    assert ended - began < 5_000_000  # microseconds


async def test_what_root_writes_with_a_strict_umask_is_read_and_a_file_with_errors_stops_no_start(
    service: System, api: BrightData, team: Receiver
) -> None:
    """The service's user exists only while it runs; and a crash with a broken file beside waits for no person."""
    api.add("s_2", lives.complete(seconds=60))
    program = f"{PROGRAM}/bin/notifier"
    await _in_progress(service)
    await service.run("sh", "-c", f"umask 077 && {program} watch add s_2 --config /etc/notifier/config.yaml")
    await service.until_shown("StatusText", lambda text: text.startswith("2 watches"))
    checked = await service.run("sh", "-c", f"cd / && {program} config check --config /etc/notifier/config.yaml")
    assert "no errors. 2 watches" in checked, "root has the credentials of the unit"
    await service.write("/etc/notifier/watches.d/odd.yaml", "nonsense\n")
    await service.run("systemctl", "kill", "--kill-whom=main", "--signal=KILL", "notifier")
    await service.until_shown("NRestarts", "1".__eq__)
    await service.until_shown("StatusText", lambda text: "started with the one that it loaded last" in text)
    api.advance(60)
    assert len(await team.told(2)) == 2
    await service.run("rm", "/etc/notifier/watches.d/odd.yaml")
    await service.until_shown("StatusText", lambda text: "loaded last" not in text)
    assert set(team.copies.values()) == {1}
