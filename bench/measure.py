"""What both sides of a comparison are measured by, in their own process."""

import asyncio
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(kw_only=True)
class Work:
    """What was done: how late each poll began, in seconds, and how many went wrong."""

    lags: list[float] = field(default_factory=list)
    errors: int = 0


async def measured(work: Work, *, warm_up: float, seconds: float) -> dict[str, float]:
    """Let the work run, and say what it cost after the warm-up: polls, CPU, lags in seconds, memory in KiB."""
    await asyncio.sleep(warm_up)
    work.lags.clear()
    work.errors = 0
    cpu, began = _cpu(), time.monotonic()
    await asyncio.sleep(seconds)
    cpu, took = _cpu() - cpu, time.monotonic() - began
    lags = sorted(work.lags) or [float("nan")]
    return {
        "polls": len(work.lags),
        "polls_per_second": len(work.lags) / took,
        "cpu_share": cpu / took,
        "cpu_ms_per_poll": 1000 * cpu / max(1, len(work.lags)),
        "lag_p50_ms": 1000 * statistics.median(lags),
        "lag_p99_ms": 1000 * lags[int(0.99 * (len(lags) - 1))],
        "lag_max_ms": 1000 * lags[-1],
        "errors": work.errors,
        "memory_kib": _memory(),
    }


def print_result(result: dict[str, float]) -> None:
    """Hand the figures to the parent process."""
    json.dump(result, sys.stdout)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _memory() -> float:
    """The resident memory now, in KiB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise RuntimeError("the kernel does not say how much memory this process has")


def ids_of(path: Path, number: int) -> Sequence[str]:
    """The first ids of a file that the simulated Bright Data wrote."""
    return tuple(json.loads(path.read_text(encoding="utf-8"))["snapshots"][:number])
