"""Boots a real systemd in namespaces of its own (`boot`), and runs commands in them."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from acceptance.harness import DEADLINE

_BOOT = Path(__file__).with_name("boot")
_NAMESPACES = ("unshare", "--fork", "--pid", "--mount", "--cgroup", "--uts", "--ipc", "true")
_ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "COLUMNS=200")

_AGAIN_S = 0.1
"""Seconds between two questions. Where no D-Bus runs nobody tells of a change; and each question is a process, which
takes from the service what that has to work with."""


class System:
    """A booted systemd. Its commands are run as root."""

    def __init__(self, leader: int) -> None:
        """
        Args:
            leader: the process id of systemd, as its caller sees it.
        """
        self._leader = leader

    async def run(self, *command: str, status: int = 0) -> str:
        """What a command prints that ends with that status.

        Raises:
            AssertionError: it ends with another one.
        """
        done = await asyncio.to_thread(self._run, *command)
        if done.returncode != status:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}{await self.journal()}")
        return done.stdout

    async def write(self, path: str, text: str) -> None:
        """Write a file under the usual umask; one that is there keeps its mode."""
        await self.run("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', "sh", path, text)

    async def show(self, name: str) -> str:
        """A property of the service `notifier`, as `systemctl show` prints it."""
        return (await self.run("systemctl", "show", "--value", "--property", name, "notifier")).strip()

    async def journal(self) -> str:
        """What the services and systemd wrote."""
        return (await asyncio.to_thread(self._run, "journalctl", "--no-pager", "--output=cat")).stdout

    async def until(self, met: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until the condition is met.

        Raises:
            AssertionError: it is not within the deadline.
        """
        end = time.monotonic() + DEADLINE
        while not await met():
            assert time.monotonic() < end, f"not within {DEADLINE:g} s: {what}\n{await self.journal()}"
            await asyncio.sleep(
                _AGAIN_S
            )  # each question is a process, and would take what the service has to work with

    async def until_shown(self, name: str, met: Callable[[str], bool]) -> str:
        """Wait until a property of the service meets the condition; the property then.

        Raises:
            AssertionError: it does not within the deadline.
        """

        async def shown() -> bool:
            return met(await self.show(name))

        await self.until(shown, name)
        return await self.show(name)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        inside = ("nsenter", "--target", str(self._leader), "--all", "--wd=/", "--", "env", "-i", *_ENVIRONMENT)
        return subprocess.run((*inside, *command), capture_output=True, text=True, check=False, timeout=2 * DEADLINE)


def why_not() -> str | None:
    """Why no systemd can be booted here; None if it can."""
    if os.geteuid() != 0:
        return "not root"
    probe = subprocess.run(_NAMESPACES, capture_output=True, text=True, check=False)
    return probe.stderr.strip() if probe.returncode else None


@asynccontextmanager
async def booted(folder: Path, mounts: Mapping[Path, str]) -> AsyncIterator[System]:
    """A booted system, until the end of the block.

    Args:
        folder: an empty one, for its use.
        mounts: what of this machine it sees at other places than here.

    Raises:
        AssertionError: it does not boot.
    """
    pairs = [f"{path}={place}" for path, place in mounts.items()]
    pipe = asyncio.subprocess.PIPE
    booting = await asyncio.create_subprocess_exec(
        _BOOT, folder, *pairs, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    )
    leader = 0
    try:
        end = time.monotonic() + DEADLINE
        while not leader or not _answers(leader):
            if booting.returncode is not None or time.monotonic() > end:
                raise AssertionError(await _output(booting))
            await asyncio.sleep(0.01)
            leader = leader or _leader(booting.pid)
        system = System(leader)
        await system.run("systemctl", "is-system-running", "--wait")
        yield system
    finally:
        if leader:
            os.kill(leader, signal.SIGKILL)  # with it ends all that it started (pid_namespaces(7))
        elif booting.returncode is None:
            os.killpg(booting.pid, signal.SIGKILL)
        await _output(booting)


async def _output(booting: asyncio.subprocess.Process) -> str:
    """What the boot script wrote, as soon as it has ended."""
    return "\n".join(part.decode() for part in await booting.communicate())


def _answers(leader: int) -> bool:
    """Whether a systemd takes commands."""
    return Path(f"/proc/{leader}/root/run/systemd/private").exists()


def _leader(ancestor: int) -> int:
    """The process id of the systemd below a process; 0 if there is none yet."""
    with contextlib.suppress(OSError):  # a process that has ended meanwhile
        for child in Path(f"/proc/{ancestor}/task/{ancestor}/children").read_text(encoding="ascii").split():
            if Path(f"/proc/{child}/comm").read_text(encoding="ascii").strip() == "systemd":
                return int(child)
            if found := _leader(int(child)):
                return found
    return 0
