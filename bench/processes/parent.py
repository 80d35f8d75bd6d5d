"""Starts the processes of a comparison and talks with them: the simulated Bright Data, and the sides that poll it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any


@dataclass(kw_only=True)
class Line:
    """A process that is spoken with in lines."""

    process: "subprocess.Popen[str]"

    def say(self, word: str) -> None:
        """Say a word."""
        _pipe(self.process.stdin).write(f"{word}\n")
        _pipe(self.process.stdin).flush()

    def hear(self) -> dict[str, Any]:
        """The next answer.

        Raises:
            SystemExit: the process has ended.
        """
        line = _pipe(self.process.stdout).readline()
        if not line:
            raise SystemExit(f"a side of the comparison ended with status {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, word: str) -> dict[str, Any]:
        """Say a word and wait for its answer."""
        self.say(word)
        return self.hear()


def _pipe(pipe: "IO[str] | None") -> "IO[str]":
    assert pipe is not None
    return pipe


@contextmanager
def process(module: str, **arguments: object) -> Iterator[Line]:
    """A module of this folder, run with these arguments until the block ends."""
    command = [sys.executable, "-m", f"bench.processes.{module}", json.dumps(arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield Line(process=running)
        finally:
            if not _pipe(running.stdin).closed:
                _pipe(running.stdin).close()  # its word to end
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()


@dataclass(kw_only=True)
class SimulatedApi:
    """The simulated Bright Data."""

    line: Line
    url: str

    def begin(self) -> dict[str, float]:
        """Let the ends come; when each does, in monotonic seconds."""
        return self.line.ask("begin")

    def notified(self) -> dict[str, float]:
        """When it posted to the hook of each end, in monotonic seconds."""
        return self.line.ask("notified")

    def count(self) -> dict[str, int]:
        """What it was asked so api: `requests`, and the answers by status."""
        return self.line.ask("count")


@contextmanager
def simulated_api(
    snapshots: int,
    *,
    datasets: int = 1,
    ends: int = 0,
    over: float = 0.0,
    requests_per_second: float | None = None,
    notify: str | None = None,
) -> Iterator[SimulatedApi]:
    """A simulated Bright Data in a process of its own."""
    with process(
        "bright_data",
        snapshots=snapshots,
        datasets=datasets,
        ends=ends,
        over=over,
        requests_per_second=requests_per_second,
        notify=notify,
    ) as line:
        yield SimulatedApi(line=line, url=line.hear()["url"])


@dataclass(kw_only=True)
class Result:
    """What a side has done: its `figures`; the requests that the API got meanwhile, and in all.

    `ends` are the snapshots' real ends, `found` and `committed` when the side saw them and had them durable.
    """

    figures: dict[str, float]
    counts: Mapping[str, int]
    total: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, float] = field(default_factory=dict)
    found: Mapping[str, float] = field(default_factory=dict)
    committed: Mapping[str, float] = field(default_factory=dict)


def measure(module: str, api: SimulatedApi, *, ends: bool = False, **arguments: object) -> Result:
    """Run a side against the simulated API and return its measurements."""
    with process(module, url=api.url, **arguments) as side:
        warm_up = side.hear()["warm_up"]
        before = api.count()
        ends_at = api.begin() if ends else {}
        figures = side.ask("measure")
        after = api.count()
        last = side.hear()
    return Result(
        figures=figures | {"warm_up": warm_up},
        counts={key: number - before.get(key, 0) for key, number in after.items()},
        total=api.count(),
        ends=ends_at,
        found=last["found"],
        committed=last["committed"],
    )


def print_load() -> None:
    """How busy the machine is: the figures of one that is shared are compared by their ratios only."""
    averages = Path("/proc/loadavg").read_text(encoding="ascii").split()[:3]
    print(f"{time.strftime('%H:%M:%S')}, load average {' '.join(averages)}", flush=True)
