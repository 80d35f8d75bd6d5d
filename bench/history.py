"""What a long history costs: the start, and what people ask, as whole processes beside the same with a short history.

The daemon is stopped again as soon as it says that it has started; commands read the database without one. Each figure
is the best of three: on a shared machine the others tell of the neighbours.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from bench.processes.parent import print_load

SHORT = 1_000
TRIES = 3
START = "start"
LONGEST_S = {START: 3.0, "status": 0.7, "watch list": 0.7, "delivery list": 0.7}
MOST_MIB = {"status": 100.0, "watch list": 100.0, "delivery list": 100.0}
COMMANDS = ("status", "watch list", "watch show s_old_1", "delivery list", "delivery list --state dead", "channel list")
LONGEST_START_S = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a process took: its time in seconds, and its memory at its most in MiB."""

    seconds: float
    mebibytes: float


def compare(deliveries: int) -> bool:
    """Measure and print; whether the bounds were kept."""
    print(f"HISTORY of {deliveries:,} deliveries, of as many snapshots, beside one of {SHORT:,}")
    with tempfile.TemporaryDirectory(prefix="notifier-bench-") as folder:
        short, long = (_costs(Path(folder) / str(number), number) for number in (SHORT, deliveries))
    print(f"{'':30}{'took, s':>9}{'of the short':>14}{'MiB':>8}{'of the short':>14}")
    kept = True
    for name, cost in long.items():
        ratios = cost.seconds / short[name].seconds, cost.mebibytes / short[name].mebibytes
        print(f"{name:30}{cost.seconds:>9.2f}{ratios[0]:>13.2f}x{cost.mebibytes:>8.0f}{ratios[1]:>13.2f}x")
        kept &= cost.seconds <= LONGEST_S.get(name, cost.seconds) and cost.mebibytes <= MOST_MIB.get(name, 1e9)
    print(f"wanted: a start within {LONGEST_S[START]:g} s, status within {LONGEST_S['status']:g} s and 100 MiB")
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept


def _costs(folder: Path, deliveries: int) -> dict[str, Cost]:
    folder.mkdir()
    began = time.monotonic()
    # In a process of its own: the memory of this one would count as that of those that it starts.
    making = [sys.executable, "-m", "bench.processes.history", str(folder / "notifier.db"), str(deliveries)]
    subprocess.run(making, check=True)
    print(f"made one of {deliveries:,} in {time.monotonic() - began:.1f} s", flush=True)
    watches = [{"snapshot": f"s_old_{number}"} for number in range(3)] + [{"snapshot": "s_new"}, {"dataset": "gd_0"}]
    config = {
        "api": {"token": "bench", "base_url": "http://127.0.0.1:9"},
        "http": "off",
        "channels": {"team": "json://127.0.0.1:9/", "ops": "json://127.0.0.1:9/ops"},
        "defaults": {"notify": ["team"], "on": ["failed"]},
        "watches": watches,
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    costs = {START: _best(partial(_start, folder))}
    costs |= {words: _best(partial(_command, folder, words.split())) for words in COMMANDS}
    shutil.rmtree(folder)
    return costs


def _best(measure: Callable[[], Cost]) -> Cost:
    tries = [measure() for _ in range(TRIES)]
    return Cost(seconds=min(each.seconds for each in tries), mebibytes=min(each.mebibytes for each in tries))


def _command(folder: Path, words: Sequence[str]) -> Cost:
    began = time.monotonic()
    process = subprocess.Popen(_notifier(*words), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"`notifier {' '.join(words)}` ended with status {process.returncode}")
    return Cost(seconds=time.monotonic() - began, mebibytes=usage.ru_maxrss / 1024)


def _start(folder: Path) -> Cost:
    began = time.monotonic()
    process = subprocess.Popen(_notifier("run"), cwd=folder, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "daemon.started" in line or time.monotonic() - began > LONGEST_START_S:
            break
    took = time.monotonic() - began
    process.send_signal(signal.SIGTERM)
    process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    return Cost(seconds=took, mebibytes=usage.ru_maxrss / 1024)


def _notifier(*words: str) -> list[str]:
    return [sys.executable, "-m", "notifier", *words, "--config", "config.yaml"]
