"""What both sides of a comparison are measured by, in their own process, and how they talk with their parent."""

import asyncio
import json
import os
import resource
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

TRIES = 300
PAUSE_S = 0.002


@dataclass(kw_only=True)
class Work:
    """What was done since the measuring began.

    `lags` says how late each request's poll began, in seconds; `turns` when it began and when it was due, by one clock,
    if the side knows; `watches` which ones they were; `errors` how many went wrong; `listed` how many snapshots were
    polled through lists besides.
    """

    lags: list[float] = field(default_factory=list)
    turns: list[tuple[float, float]] = field(default_factory=list)
    watches: set[str] = field(default_factory=set)
    errors: int = 0
    listed: int = 0

    def clear(self) -> None:
        """Begin to measure."""
        self.lags.clear()
        self.turns.clear()
        self.watches.clear()
        self.errors = self.listed = 0


async def measured(work: Work, *, seconds: float) -> dict[str, float]:
    """Let the work run, and say what it cost: polls, observations, CPU, lags in milliseconds, memory in KiB."""
    work.clear()
    cpu, began = cpu_seconds(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, took = cpu_seconds() - cpu, time.monotonic() - began
    first, middle, late, latest = (1000 * lag for lag in quantiles(work.lags, 0.01, 0.5, 0.99, 1.0))
    return {
        "polls": len(work.lags),
        "polls_per_second": len(work.lags) / took,
        "polled": len(work.watches),
        "observations": len(work.lags) + work.listed,
        "cpu_share": cpu / took,
        "cpu_ms_per_poll": 1000 * cpu / max(1, len(work.lags)),
        "cpu_us_per_observation": 1e6 * cpu / max(1, len(work.lags) + work.listed),
        "lag_p1_ms": first,
        "lag_p50_ms": middle,
        "lag_p99_ms": late,
        "lag_max_ms": latest,
        "overtaken_ms": 1000 * overtaken(work.turns),
        "errors": work.errors,
        "memory_kib": memory_kib("VmRSS"),
        "memory_peak_kib": memory_kib("VmHWM"),
        "seconds": took,
    }


def overtaken(turns: Iterable[tuple[float, float]]) -> float:
    """By how much at most one that had begun before another was due after it; 0 if the most overdue always went first.

    Args:
        turns: when each began, and when it was due, in seconds.
    """
    most, latest = 0.0, float("-inf")
    for _, due in sorted(turns):
        most, latest = max(most, latest - due), max(latest, due)
    return most


HOOK_SECRET = "bench-0123456789abcdef01234567"
"""The secret of the daemon's hooks."""


def free_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def quantiles(values: Sequence[float], *parts: float) -> list[float]:
    """The values below which these parts of all lie; not-a-number when there are none."""
    in_order = sorted(values) or [float("nan")]
    return [statistics.median(in_order) if part == 0.5 else in_order[int(part * (len(in_order) - 1))] for part in parts]


def tell(message: Mapping[str, object]) -> None:
    """Hand a line to the parent process."""
    print(json.dumps(message), flush=True)


async def told() -> str:
    """The parent's next word; empty when it has closed the line."""
    line: str = await asyncio.to_thread(sys.stdin.readline)
    return line.strip()


def print_machine() -> None:
    """What the machine itself takes of the daemon's time just now: a sync of its disk, and waking a process up.

    A commit waits for the first once, and each hop between threads and processes for the second.
    """
    page = bytes(4096)
    synced, woken = [], []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(TRIES):
            began = time.perf_counter()
            os.pwrite(file.fileno(), page, 0)
            os.fdatasync(file.fileno())
            synced.append(time.perf_counter() - began)
            began = time.perf_counter()
            time.sleep(PAUSE_S)
            woken.append(time.perf_counter() - began - PAUSE_S)
    for label, took in (("4 KiB and fdatasync", synced), ("woken too late by", woken)):
        middle, late = (1000 * each for each in quantiles(took, 0.5, 0.99))
        print(f"the machine: {label}, p50 {middle:.1f} ms, p99 {late:.1f} ms")


def ids(number: int) -> list[str]:
    """The ids of the simulated snapshots, the same in every process."""
    return [f"sd_bench_{index:06}" for index in range(number)]


def cpu_seconds() -> float:
    """The CPU time that this process took so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory_kib(field_name: str) -> float:
    """The resident memory now, or at its most, in KiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{field_name}:"):
            return float(line.split()[1])
    raise RuntimeError("the kernel does not say how much memory this process has")
