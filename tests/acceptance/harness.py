"""The real command as a user has it: a folder with a YAML file, and processes of `notifier`.

Nothing here sleeps. A `Journal` collects what happens, and a test waits until it holds what the test is about; the
deadline is long, because only a failing test ever comes to it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import yaml
from typer.testing import CliRunner

from acceptance.fork_server import Forked, ForkServer
from notifier.cli import app

DEADLINE = 40.0
"""Seconds for anything to happen, on a machine that is busy with other things."""

TOKEN = "canary-token-d41d8cd98f00"
"""The API token of every test. It may stand in no output of any of them."""

PROGRAM = (sys.executable, "-m", "notifier")
"""The command itself, as it starts on any machine."""

NEVER_SHOWN = (
    "Traceback (most recent call last)",
    "This is a bug in notifier",
    "This is a fault of the program",
    "Exception ignored",
    "never retrieved",
    "never awaited",
    "was destroyed but it is pending",
)
"""What no user may ever see, whatever went wrong."""

T = TypeVar("T")


class Journal(Generic[T]):
    """What has come so far, in order, and a way to wait for more of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.entries: list[T] = []
        self._closed = False
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self.entries)

    def add(self, entry: T) -> None:
        """Something came."""
        self.entries.append(entry)
        self._wake()

    def close(self) -> None:
        """Nothing more will come: whoever still waits waits in vain, and is told at once."""
        self._closed = True
        self._wake()

    async def until(self, met: Callable[[Sequence[T]], bool]) -> None:
        """Wait until the entries meet the condition.

        Raises:
            AssertionError: they do not within the deadline, or nothing more will come.
        """
        try:
            async with asyncio.timeout(DEADLINE):
                while not met(self.entries):
                    if self._closed:
                        raise AssertionError(f"{self.name} ended before what was waited for: {self._last()}")
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name}: not within {DEADLINE:g} s; the last entries: {self._last()}") from None

    async def first(self, matches: Callable[[T], bool]) -> T:
        """The first entry that matches, as soon as there is one."""
        await self.until(lambda entries: any(map(matches, entries)))
        return next(filter(matches, self.entries))

    async def count(self, number: int) -> list[T]:
        """The entries, as soon as there are that many or more."""
        await self.until(lambda entries: len(entries) >= number)
        return self.entries

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _last(self) -> str:
        return "".join(f"\n  {entry}" for entry in self.entries[-20:]) or "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A process that ended; `seconds` is how long that took from the start, or from the signal that asked for it."""

    status: int
    stdout: str
    stderr: str
    seconds: float


class Process:
    """One running `notifier`. Its log is read as it is written."""

    def __init__(self, process: asyncio.subprocess.Process | Forked, name: str) -> None:
        self.log: Journal[dict[str, Any]] = Journal(f"the log of {name}")
        self.stdout: Journal[str] = Journal(f"the output of {name}")
        self._stderr: list[str] = []
        self._process = process
        self._began = time.monotonic()
        self._reading = asyncio.gather(self._read_stdout(), self._read_stderr())

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.returncode is None

    @property
    def output(self) -> str:
        """All that it wrote so far."""
        return "".join(self.stdout.entries) + "".join(self._stderr)

    async def wait_for_log(self, event: str, **fields: object) -> dict[str, Any]:
        """The first log line of that event with those fields, as soon as it is written."""
        return await self.log.first(lambda line: line["event"] == event and fields.items() <= line.items())

    async def ended(self) -> Ended:
        """Wait until it ends by itself, and hold its output against what no user may see."""
        try:
            async with asyncio.timeout(DEADLINE):
                # The timeout may cancel this wait, but not the reading: `close` waits for it again.
                await asyncio.shield(self._reading)
                status = await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"still running after {DEADLINE:g} s: {self.output}") from None
        seconds = time.monotonic() - self._began
        return Ended(status=status, stdout="".join(self.stdout.entries), stderr="".join(self._stderr), seconds=seconds)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> Ended:
        """Send a signal, and wait for the end."""
        self._began = time.monotonic()
        self._process.send_signal(number)
        return await self.ended()

    async def outlives(self, seconds: float) -> None:
        """Let it work for that long, and not less: it must not end by itself."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
            raise AssertionError(f"it ended by itself: {self.output}")

    async def kill(self) -> Ended:
        """End it as a power cut would."""
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
            self._process.kill()
        return await self.ended()

    async def _read_stdout(self) -> None:
        if self._process.stdout is not None:
            async for line in self._process.stdout:
                self.stdout.add(line.decode())
        self.stdout.close()

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode()
            self._stderr.append(text)
            if text.startswith("{") and text.endswith("}\n"):
                self.log.add(json.loads(text))
        self.log.close()


_CODE = os.environ.get("PYTHONPATH", str(Path(__file__).parents[2]))
"""The source under test is the one the tests belong to, also where another one is installed."""

_LANGUAGE = "C.UTF-8"
FORK_SERVER = ForkServer(
    {"PATH": os.environ["PATH"], "LANG": _LANGUAGE, "PYTHONPATH": f"{_CODE}:{Path(__file__).parents[1]}"}
)


class Notifier:
    """One installation: a folder, its config.yaml, an environment of its own, and the processes started in it.

    `program` is the command that the processes run; None forks them from one that has imported everything (`forked`).
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.config = folder / "config.yaml"
        self.database = folder / "notifier.db"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": _LANGUAGE,
            "COLUMNS": "120",
            "NO_PROXY": "127.0.0.1,localhost",
            "PYTHONPATH": _CODE,
        }
        self.secrets = {TOKEN}
        self.program: Sequence[str] | None = None
        self._processes: list[Process] = []

    def configure(
        self,
        *,
        api: str,
        channels: Mapping[str, object],
        watches: Iterable[str | Mapping[str, object]],
        api_options: Mapping[str, object] | None = None,
        defaults: Mapping[str, object] | None = None,
        **sections: object,
    ) -> None:
        """Write the config.yaml. A watch may be given by its snapshot's id alone; it tells every channel.

        Args:
            api: the base address of Bright Data.
            channels, watches: as in the YAML.
            api_options, defaults: what is to stand in these sections beside or instead of the usual.
            sections: further sections of the file.
        """
        data = {
            "api": {"token": TOKEN, "base_url": api, "requests_per_second": 100, **(api_options or {})},
            "channels": dict(channels),
            "defaults": {"every": "1s", "notify": list(channels), **(defaults or {})},
            "watches": [{"snapshot": watch} if isinstance(watch, str) else dict(watch) for watch in watches],
            "http": "off",  # many daemons run side by side, and one port is for one
            **sections,
        }
        self.config.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def database_files(self) -> list[Path]:
        """The database with all that belongs to it."""
        return sorted(path for path in self.folder.glob(f"{self.database.name}*") if path.is_file())

    async def start(self, *arguments: str, stdout: int = asyncio.subprocess.PIPE, **environment: str) -> Process:
        """Start a process and do not wait for it. Its output is read, unless `stdout` is a file for it."""
        process = await self._run(arguments, stdout, self.environment | environment)
        started = Process(process, f"notifier {' '.join(arguments)}")
        self._processes.append(started)
        return started

    async def _run(
        self, arguments: Sequence[str], stdout: int, environment: Mapping[str, str]
    ) -> asyncio.subprocess.Process | Forked:
        if self.program is None:
            return await FORK_SERVER.start(arguments, folder=self.folder, environment=environment, stdout=stdout)
        return await asyncio.create_subprocess_exec(
            *self.program,
            *arguments,
            cwd=self.folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=asyncio.subprocess.PIPE,
            limit=2**24,
        )

    async def daemon(self, *arguments: str) -> Process:
        """Start the daemon, and wait until it says that it is ready."""
        started = await self.start("run", *arguments)
        await started.wait_for_log("daemon.started")
        return started

    async def command(self, *arguments: str, stdout: int = asyncio.subprocess.PIPE, **environment: str) -> Ended:
        """Run a command to its end."""
        return await (await self.start(*arguments, stdout=stdout, **environment)).ended()

    async def json(self, *arguments: str) -> Any:
        """What a command prints with --json; it must succeed."""
        ended = await self.command(*arguments, "--json")
        assert ended.status == 0, ended
        return json.loads(ended.stdout)

    async def deliveries(self) -> list[dict[str, Any]]:
        """All deliveries, the oldest first."""
        found: list[dict[str, Any]] = self.glance("delivery", "list", "--limit", "10000")
        return found[::-1]

    def glance(self, *arguments: str) -> Any:
        """What a command that only reads prints with --json, run in this process: a start takes a second of CPU."""
        words = [*arguments, "--json", "--config", str(self.config)]
        result = CliRunner().invoke(app, words, env=self.environment)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def forget(self) -> None:
        """Do not hold what has ended by now against what nobody may see: the test was about just that."""
        self._processes = [process for process in self._processes if process.alive]

    async def close(self) -> None:
        """Kill what still runs, and check every output of this installation for what no user may see.

        Raises:
            AssertionError: a process could not be ended, or showed what no user may see. All processes have been
                killed by then, and no other exception leaves a teardown: pytest does not catch a CancelledError there,
                and would keep this test's fixtures for the tests that follow.
        """
        killed = await asyncio.gather(*(process.kill() for process in self._processes), return_exceptions=True)
        for failure in killed:
            if isinstance(failure, BaseException):
                raise AssertionError(f"a process did not end: {failure!r}") from failure
        for process in self._processes:
            for text in (*NEVER_SHOWN, *self.secrets):
                assert text not in process.output, f"{text!r} was shown: {process.output}"
