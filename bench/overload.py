"""Single polls at a rate that a plain script cannot keep, and at twice what the daemon itself can do.

Lists and the limiter are out of the way. At the first rate every poll is made in time. Overloaded, the daemon goes on
at its best rate and serves the most overdue first: then nobody is overtaken by what fell due later, and all have their
turn. (How late they are moves up and down meanwhile, as the rate does; so the latest tells nothing of the order.)
"""

from bench.processes.parent import SimulatedApi, measure, print_load, simulated_api

WATCHES = 5_000
RAMP = (1.0, 1.5, 2.0)
"""Times the first rate. The best rate is the most that was polled a second at any of them, but no more than was wanted:
what is polled beyond that was late from before, and is no rate to go on at."""

OVER = 2.0
LATEST_P99_MS = 250.0
LEAST_OF_BEST = 0.9
ROUNDS = 2.0
"""Overloaded, it is measured for so many times what polling each watch once takes: then each has had its turn."""

OVERTAKEN_MS = 250.0
"""A poll that began before another may have fallen due so much later: the order is exact, reading the clock is not."""


def compare(every: float, seconds: float) -> bool:
    """Measure and print; whether every poll was made in time, and overload cost a tenth of the rate and nobody more."""
    print(f"OVERLOAD single polls every {every:g} s, measured for {seconds:g} s a side")
    print(
        f"{'':26}{'wanted/s':>9}{'polls/s':>9}{'CPU':>7}{'ms/poll':>9}"
        f"{'p1 late':>9}{'p50':>8}{'p99':>8}{'max ms':>8}{'overtaken':>11}{'watches':>9}"
    )
    with simulated_api(int(WATCHES * max(RAMP) * OVER) + WATCHES) as api:
        plain = _row(api, "plain", "plain", WATCHES, every, seconds / 2)
        first = _row(api, "notifier", "notifier", WATCHES, every, seconds)
        best = min(first["polls_per_second"], WATCHES / every)
        for watches in (int(WATCHES * part) for part in RAMP[1:]):
            more = _row(api, "notifier", "notifier", watches, every, seconds / 2)
            best = max(best, min(more["polls_per_second"], watches / every))
        watches = int(OVER * best * every)
        over = _row(api, "notifier", "notifier, overloaded", watches, every, ROUNDS * watches / best)
    in_time = first["polls_per_second"] > 0.98 * WATCHES / every and first["lag_p99_ms"] <= LATEST_P99_MS
    of_best = over["polls_per_second"] / best
    print(f"polls per second of plain's: {first['polls_per_second'] / max(1.0, plain['polls_per_second']):.1f}")
    print(
        f"overloaded, of the best rate: {of_best:.2f}; overtaken by at most {over['overtaken_ms']:,.0f} ms;"
        f" watches polled: {over['polled']:,.0f} of {watches:,}"
    )
    print(
        f"wanted: every poll at {WATCHES / every:,.0f}/s, p99 late by at most {LATEST_P99_MS:g} ms;"
        f" overloaded at least {LEAST_OF_BEST:g} of the best rate, no poll overtaken by more than"
        f" {OVERTAKEN_MS:g} ms, every watch polled; no error"
    )
    errors = first["errors"] + over["errors"]
    fair = over["overtaken_ms"] <= OVERTAKEN_MS and over["polled"] == watches
    kept = in_time and of_best >= LEAST_OF_BEST and fair and not errors
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept


def _row(api: SimulatedApi, module: str, label: str, watches: int, every: float, seconds: float) -> dict[str, float]:
    # Once each has been polled and committed, a round is done, and the queue is as long as it gets.
    before: dict[str, object] = {"warm_up": 2 * every} if module == "plain" else {"settle": every}
    found = measure(module, api, watches=watches, every=every, seconds=seconds, ends=False, **before).figures
    print(
        f"{label:26}{watches / every:>9,.0f}{found['polls_per_second']:>9,.0f}{found['cpu_share']:>7.0%}"
        f"{found['cpu_ms_per_poll']:>9.3f}{found['lag_p1_ms']:>9,.0f}{found['lag_p50_ms']:>8,.0f}"
        f"{found['lag_p99_ms']:>8,.0f}{found['lag_max_ms']:>8,.0f}{found['overtaken_ms']:>11,.0f}"
        f"{found['polled']:>9,.0f}",
        flush=True,
    )
    return found
