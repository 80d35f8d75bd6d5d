"""Downloads: throughput beside plain httpx, and what a record without an end costs in memory and in the loop's time.

Both write the same bytes to the same disk; the notifier counts the records as well and waits until the disk has them.
The lag is also that of others on a shared machine: what is held against the bound is the CPU time that the loop's
thread took between two of its rounds.
"""

from typing import Any

from bench.processes.parent import print_load, process
from bench.processes.results import LINE, LINES

BATCH = 10_000
LONGEST_MS = 20.0
MOST_GROWN_MIB = 64.0


def compare(mebibytes: int) -> bool:
    """Measure and print; whether memory and lag stayed within their bounds, and the long line was refused."""
    print(f"DOWNLOAD of {mebibytes:,} MiB")
    print(
        f"{'':34}{'took, s':>9}{'MiB/s':>8}{'CPU, s':>8}{'lag p99, ms':>13}{'max, ms':>9}{'work max, ms':>14}", end=""
    )
    print(f"{'memory, MiB':>13}")
    with process("results", blocks=mebibytes) as server:
        told = server.hear()
        batch = max(BATCH // told["records"], 1) * told["records"]
        plain = _side(told["url"], "plain httpx", LINES, plain=True)
        parts = _side(told["url"], f"in parts of {batch:,} records", LINES, batch=batch)
        whole = _side(told["url"], "in one piece", LINES, batch=2**40)
        line = _side(told["url"], "all in one line", LINE)
    print(f"the time of plain httpx: {plain['took_s'] / parts['took_s']:.0%} of that in parts, ", end="")
    print(f"{plain['took_s'] / whole['took_s']:.0%} of that in one piece; the line: {line['said']}")
    ours = (parts, whole, line)
    right = parts["size"] == whole["size"] == plain["size"] and "larger than 64 MiB" in line["said"]
    kept = (
        right
        and max(each["work_max_ms"] for each in ours) < LONGEST_MS
        and max(each["grown_mib"] for each in ours) < MOST_GROWN_MIB
    )
    print(
        f"wanted: no work of more than {LONGEST_MS:g} ms between two rounds of the loop, memory grown by less than ",
        end="",
    )
    print(f"{MOST_GROWN_MIB:g} MiB, and the line refused")
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept


def _side(url: str, name: str, snapshot: str, *, plain: bool = False, batch: int = BATCH) -> dict[str, Any]:
    """Print a row; its figures."""
    with process("download", url=url, snapshot=snapshot, plain=plain, batch=batch) as side:
        figures = side.hear()
    rate = figures["size"] / figures["took_s"] / 1024**2
    print(
        f"{name:34}{figures['took_s']:>9.2f}{rate:>8.0f}{figures['cpu_s']:>8.2f}{figures['lag_p99_ms']:>13.1f}"
        f"{figures['lag_max_ms']:>9.1f}{figures['work_max_ms']:>14.1f}{figures['grown_mib']:>13.1f}",
        flush=True,
    )
    return figures
