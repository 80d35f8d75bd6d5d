"""How much work a poll is: the daemon and a plain script poll the same simulated snapshots, one after the other.

Each side has a process of its own, and so has the simulated Bright Data. No poll may begin over 1 s late and none may
go wrong: if one does on the daemon's side, or a poll costs too much, the figures are not kept.
"""

from bench.processes.parent import SimulatedApi, measure, print_load, simulated_api

FEW = 10
LATEST_MS = 1000
MOST_OF_PLAIN = 0.4
"""What a poll may cost of what the plain script's does."""

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


def measured(module: str, api: SimulatedApi, watches: int, every: float, seconds: float) -> dict[str, float]:
    """A side's figures, with its memory in MiB, and in KiB for each watch."""
    few = measure(module, api, watches=FEW, every=every, warm_up=every, seconds=1.0).figures
    many = measure(module, api, watches=watches, every=every, warm_up=2 * every, seconds=seconds).figures
    many["memory_mib"] = many["memory_kib"] / 1024
    many["memory_per_watch_kib"] = (many["memory_kib"] - few["memory_kib"]) / (watches - FEW)
    return many


def compare(watches: int, every: float, seconds: float) -> bool:
    """Measure both sides and print them with their ratio; whether the daemon was in time and right."""
    print(f"POLLING {watches:,} watches every {every:g} s, measured for {seconds:g} s a side")
    with simulated_api(watches) as api:
        ours, plain = (measured(side, api, watches, every, seconds) for side in ("notifier", "plain"))
    print(f"{'':26}{'notifier':>12}{'plain':>12}{'ratio':>9}")
    for label, key, form in _ROWS:
        ratio = f"{ours[key] / plain[key]:.2f}" if plain[key] else "-"
        print(f"{label:26}{form.format(ours[key]):>12}{form.format(plain[key]):>12}{ratio:>9}")
    wanted = watches / every
    print(
        f"wanted: {wanted:.1f} polls per second, none late by over {LATEST_MS / 1000:g} s, no error,"
        f" CPU per poll at most {MOST_OF_PLAIN:g} of plain"
    )
    kept = (
        ours["lag_max_ms"] <= LATEST_MS
        and not ours["errors"]
        and ours["polls_per_second"] > 0.98 * wanted
        and ours["cpu_ms_per_poll"] <= MOST_OF_PLAIN * plain["cpu_ms_per_poll"]
    )
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept
