"""A whole account on one token: 100,000 snapshots of 20 datasets, polled one by one, inside 10 requests a second.

The simulated Bright Data refuses what is above that with 429. Most snapshots run for ever; some end, at times that it
tells. The daemon has polled each once before it is measured. Beside it, the plain script with as many watches as it
can poll before it collapses: a request for each observation.
"""

from bench.measure import quantiles
from bench.processes.parent import Result, measure, print_load, simulated_api

DATASETS = 20
REQUESTS_PER_SECOND = 10.0
REFUSED_ABOVE = 11.0
"""The simulated account refuses a tenth above that: the network may push two requests together."""

EVERY = 30.0
ENDS_PER_SECOND = 4.5
FEW = 10

PLAIN_WATCHES = 500
PLAIN_EVERY = 5.0

LATEST_IN_EVERY = 1.5
MOST_CPU = 0.15
MOST_MIB = 400.0


def compare(watches: int, seconds: float) -> bool:
    """Measure and print; whether every transition was told, in time and within its bounds."""
    ends = min(int(ENDS_PER_SECOND * seconds), watches // 2)
    print(
        f"ACCOUNT {watches:,} snapshots of {DATASETS} datasets every {EVERY:g} s"
        f" inside {REQUESTS_PER_SECOND:g} requests/s; {ends} of them end within {seconds:g} s"
    )
    few, ours = _ours(FEW, 0, 1.0), _ours(watches, ends, seconds)
    with simulated_api(PLAIN_WATCHES) as api:
        tiny, plain = (
            measure("plain", api, watches=number, every=PLAIN_EVERY, warm_up=PLAIN_EVERY, seconds=for_s).figures
            for number, for_s in ((FEW, 1.0), (PLAIN_WATCHES, min(seconds, 3 * PLAIN_EVERY)))
        )
    figures = ours.figures
    print(f"first poll of all of them, seconds {figures['warm_up']:.1f}")
    per_observation = ours.counts["requests"] / max(1.0, figures["observations"])
    per_watch = (figures["memory_kib"] - few.figures["memory_kib"]) / (watches - FEW)
    plain_per_watch = (plain["memory_kib"] - tiny["memory_kib"]) / (PLAIN_WATCHES - FEW)
    print(f"{'':26}{'notifier':>12}{'plain':>12}{'ratio':>9}")
    for label, one, other, form in (
        ("watches", float(watches), float(PLAIN_WATCHES), "{:,.0f}"),
        (
            "observations per second",
            figures["observations"] / figures["seconds"],
            plain["observations"] / plain["seconds"],
            "{:,.0f}",
        ),
        ("requests per observation", per_observation, 1.0, "{:.4f}"),
        ("CPU per observation, us", figures["cpu_us_per_observation"], plain["cpu_us_per_observation"], "{:,.0f}"),
        ("memory per watch, KiB", per_watch, plain_per_watch, "{:.2f}"),
    ):
        print(f"{label:26}{form.format(one):>12}{form.format(other):>12}{one / other:>9.4f}")
    kept = _print_bounds(ours, ends)
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept


def _ours(watches: int, ends: int, seconds: float) -> Result:
    with simulated_api(watches, datasets=DATASETS, ends=ends, over=seconds, requests_per_second=REFUSED_ABOVE) as api:
        return measure(
            "notifier",
            api,
            ends=True,
            watches=watches,
            every=EVERY,
            seconds=seconds,
            batch="auto",
            requests_per_second=REQUESTS_PER_SECOND,
            ends_expected=ends,
            tail=2 * EVERY,
        )


def _print_bounds(ours: Result, ends: int) -> bool:
    took = [ours.committed[id_] - at for id_, at in ours.ends.items() if id_ in ours.committed]
    middle, late = quantiles(took, 0.5, 0.99)
    requests = ours.counts["requests"] / ours.figures["seconds"]
    refused = ours.total.get("429", 0)
    share, mib = ours.figures["cpu_share"], ours.figures["memory_kib"] / 1024
    kept = True
    for label, value, bound, fine in (
        ("ends told", f"{len(took)}", f"{ends}", len(took) == ends),
        ("end to commit, p50, s", f"{middle:.1f}", "-", True),
        ("end to commit, p99, s", f"{late:.1f}", f"<= {LATEST_IN_EVERY * EVERY:g}", late <= LATEST_IN_EVERY * EVERY),
        ("requests per second", f"{requests:.2f}", f"<= {REQUESTS_PER_SECOND:g}", requests <= REQUESTS_PER_SECOND),
        ("answers of 429, in all", f"{refused}", "0", not refused),
        ("API stalled, ms", f"{ours.total['stalled_ms']}", "-", True),
        ("CPU of one core", f"{share:.1%}", f"< {MOST_CPU:.0%}", share < MOST_CPU),
        ("memory, MiB", f"{mib:.0f}", f"< {MOST_MIB:.0f}", mib < MOST_MIB),
        ("memory at its most, MiB", f"{ours.figures['memory_peak_kib'] / 1024:.0f}", "-", True),
        ("errors", f"{ours.figures['errors']:.0f}", "0", not ours.figures["errors"]),
    ):
        print(f"{label:26}{value:>12}{bound:>12}{'' if fine else '  NOT KEPT'}")
        kept = kept and fine
    return kept
