"""How much work a poll is: the daemon and a plain script poll the same simulated snapshots, one after the other.

Each side has a process of its own, and so has the simulated Bright Data. No poll may begin over 1 s late and none may
go wrong: if one does on the daemon's side, the figures are not kept.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FEW = 10
LATEST_MS = 1000

_ROWS = (
    ("polls per second", "polls_per_second", "{:.1f}"),
    ("CPU per poll, ms", "cpu_ms_per_poll", "{:.3f}"),
    ("CPU of one core", "cpu_share", "{:.1%}"),
    ("memory, MiB", "memory_mib", "{:.1f}"),
    ("memory per watch, KiB", "memory_per_watch_kib", "{:.1f}"),
    ("late by, median, ms", "lag_p50_ms", "{:.1f}"),
    ("late by, 99 of 100, ms", "lag_p99_ms", "{:.1f}"),
    ("late by, at most, ms", "lag_max_ms", "{:.1f}"),
    ("errors", "errors", "{:.0f}"),
)


@contextmanager
def _simulator(watches: int) -> Iterator[tuple[str, Path]]:
    """A simulated Bright Data in a process of its own: its address, and the file of its ids."""
    command = [sys.executable, "-m", "bench.side_bright_data", str(watches)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ids.json"
        with (
            path.open("w", encoding="utf-8") as output,
            subprocess.Popen(command, stdout=output) as process,
        ):
            try:
                while not (written := path.read_text(encoding="utf-8")).endswith("}\n"):
                    if process.poll() is not None:
                        raise SystemExit("the simulated Bright Data ended at once")
                yield json.loads(written)["url"], path
            finally:
                process.terminate()


def _side(name: str, url: str, ids: Path, watches: int, every: float, seconds: float) -> dict[str, float]:
    command = [
        sys.executable,
        "-m",
        f"bench.{name}",
        url,
        str(ids),
        str(watches),
        str(every),
        str(2 * every),
        str(seconds),
    ]
    result: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return result


def _measure(name: str, url: str, ids: Path, watches: int, every: float, seconds: float) -> dict[str, float]:
    few = _side(name, url, ids, FEW, every, every)
    many = _side(name, url, ids, watches, every, seconds)
    many["memory_mib"] = many["memory_kib"] / 1024
    many["memory_per_watch_kib"] = (many["memory_kib"] - few["memory_kib"]) / (watches - FEW)
    return many


def compare(watches: int, every: float, seconds: float) -> bool:
    """Measure both sides and print them with their ratio; whether the daemon was in time and right."""
    print(f"{watches:,} watches every {every:g} s, measured for {seconds:g} s a side")
    with _simulator(watches) as (url, ids):
        ours, plain = (_measure(name, url, ids, watches, every, seconds) for name in ("side_notifier", "side_plain"))
    print(f"{'':26}{'notifier':>12}{'plain':>12}{'ratio':>9}")
    for label, key, form in _ROWS:
        ratio = f"{ours[key] / plain[key]:.2f}" if plain[key] else "-"
        print(f"{label:26}{form.format(ours[key]):>12}{form.format(plain[key]):>12}{ratio:>9}")
    wanted = watches / every
    print(f"wanted: {wanted:.1f} polls per second, none late by over {LATEST_MS / 1000:g} s, no error")
    kept = ours["lag_max_ms"] <= LATEST_MS and not ours["errors"] and ours["polls_per_second"] > 0.98 * wanted
    print("kept" if kept else "NOT KEPT")
    return kept
