"""A reload under load: how late the event loop is while the daemon takes up another configuration of thousands.

An edit exchanges a part of the watches and gives all others another `every`. Beside it, what a program does that reads
its YAML where it stands, on its event loop or in a thread. On a shared machine the lag is also that of others: what is
held against the bound is the CPU time that the loop's thread took between two of its rounds.
"""

from bench.processes.parent import print_load, process, simulated_api
from bench.processes.reload import DATASETS

EDITS = ("every + 30 s", "every - 45 s", "a tenth removed")
LONGEST_MS = 50.0
EACH_S = 25.0
"""Seconds in which all watches are polled once individually, so that the daemon is at work during the reload."""

LISTED_RATE = 50.0


def compare(watches: int) -> bool:
    """Measure and print; whether the loop was never held for longer than promised."""
    print(f"RELOAD of {watches:,} watches, a tenth of them exchanged and all others changed")
    print(f"{'':34}{'took, s':>9}{'lag p50, ms':>13}{'p99, ms':>9}{'max, ms':>9}{'work max, ms':>14}{'garbage':>9}")
    longest = max(_side(watches, "individually", "never", None), _side(watches, "in lists", "auto", None))
    for plain in ("loop", "thread"):
        _side(watches, f"plain, in the {plain}", "never", plain)
    kept = longest < LONGEST_MS
    print(f"wanted: no work of more than {LONGEST_MS:g} ms between two rounds of the loop")
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept


def _side(watches: int, name: str, batch: str, plain: str | None) -> float:
    """Print a row for each edit; the most work between two rounds in any, in milliseconds."""
    longest = 0.0
    with simulated_api(watches + watches // 10, datasets=DATASETS) as api:
        with process(
            "reload",
            url=api.url,
            watches=watches,
            exchanged=watches // 10,
            requests_per_second=LISTED_RATE if batch == "auto" else watches / EACH_S,
            batch=batch,
            plain=plain,
        ) as side:
            _print(f"{name}: no edit", side.hear())
            for edit in EDITS:
                figures = side.ask("edit")
                _print(f"{name}: {edit}", figures)
                longest = max(longest, figures["work_max_ms"])
    return longest


def _print(name: str, figures: dict[str, float]) -> None:
    print(
        f"{name:34}{figures['took_s']:>9.2f}{figures['lag_p50_ms']:>13.2f}{figures['lag_p99_ms']:>9.1f}"
        f"{figures['lag_max_ms']:>9.1f}{figures['work_max_ms']:>14.1f}{figures['gc_max_ms']:>9.1f}",
        flush=True,
    )
