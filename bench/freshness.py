"""From the change at the API to the receiver's request: snapshots end at known times, a signed webhook tells of them.

All processes share one monotonic clock. What lies before the detection is the schedule's, what lies after it the
daemon's work: the commit that makes it durable, the signature, and the request.
"""

import json
from urllib.request import urlopen

from bench.delivering import receiver
from bench.measure import HOOK_SECRET, free_port, print_machine, quantiles
from bench.processes.parent import measure, print_load, simulated_api

FEW = 200
ENDS_PER_SECOND = 5.0
LONGER = 3
"""As long is it measured at `watches`: the median of 100 changes at random times lies 0.05 to either side by chance."""

HINT_MIDDLE_MS, HINT_LATEST_MS = 150.0, 1_000.0
"""From the request at the end of a snapshot (`notify=`) to the webhook."""

MOST_OF_EVERY = 0.55
LATEST_MS = 10.0


def compare(watches: int, every: float, seconds: float) -> bool:
    """Measure and print; whether it was as fresh as promised."""
    print(
        f"FRESHNESS of snapshots polled individually every {every:g} s, {ENDS_PER_SECOND:g} ends a second"
        f" for {seconds:g} and {LONGER * seconds:g} s"
    )
    print(f"{'':26}{'change to webhook':>28}{'detection to':>16}{'to webhook':>26}{'':>10}")
    print(
        f"{'watches':26}{'p50, s':>9}{'of every':>9}{'p99, s':>10}"
        f"{'commit p50, ms':>16}{'p50, ms':>13}{'p99, ms':>13}{'told':>10}"
    )
    few = _row(FEW, every, seconds)
    many = _row(watches, every, LONGER * seconds)
    hinted = _hinted(watches, every, LONGER * seconds)
    print(
        f"wanted at {watches:,} watches: p50 at most {MOST_OF_EVERY:g} x every, from detection to the webhook p99 under"
        f" {LATEST_MS:g} ms, with hints from the POST to the webhook p50 under {HINT_MIDDLE_MS:g} ms and p99 under"
        f" {HINT_LATEST_MS:g} ms; every end told"
    )
    print_machine()
    kept = few[0] and many[0] and many[1] <= MOST_OF_EVERY and many[2] < LATEST_MS and hinted
    print("kept" if kept else "NOT KEPT")
    print_load()
    return kept


def _hinted(watches: int, every: float, seconds: float) -> bool:
    """Whether every end was told of in time by its hint. All else is as in the row before."""
    ends = min(int(ENDS_PER_SECOND * seconds), watches // 2)
    hooks = free_port()
    notify = f"http://127.0.0.1:{hooks}/hooks/brightdata/{HOOK_SECRET}"
    with receiver() as port, simulated_api(watches, ends=ends, over=seconds, notify=notify) as api:
        result = measure(
            "notifier",
            api,
            ends=True,
            watches=watches,
            every=every,
            warm_up=every,
            seconds=seconds,
            ends_expected=ends,
            tail=2 * every,
            port=port,
            hooks=hooks,
        )
        came, posted = _arrivals(port), api.notified()
    took = [1000 * (came[id_] - posted[id_]) for id_ in result.ends if id_ in came and id_ in posted]
    regular = sum(each < 0 for each in took)
    middle, late = quantiles(took, 0.5, 0.99)
    print(
        f"{f'{watches:,} with hints':<26}from the POST to the webhook p50 {middle:.1f} ms, p99 {late:.1f} ms,"
        f" at most {max(took, default=float('nan')):.1f} ms; {regular} found before it; told {len(took)}/{ends}",
        flush=True,
    )
    return len(took) == ends and middle < HINT_MIDDLE_MS and late < HINT_LATEST_MS


def _row(watches: int, every: float, seconds: float) -> tuple[bool, float, float]:
    """Whether every end was told; the median from the change on, in parts of `every`; p99 from the detection on, ms."""
    ends = min(int(ENDS_PER_SECOND * seconds), watches // 2)
    with receiver() as port, simulated_api(watches, ends=ends, over=seconds) as api:
        result = measure(
            "notifier",
            api,
            ends=True,
            watches=watches,
            every=every,
            warm_up=every,
            seconds=seconds,
            ends_expected=ends,
            tail=2 * every,
            port=port,
        )
        came = _arrivals(port)
    whole = [came[id_] - at for id_, at in result.ends.items() if id_ in came]
    own = [1000 * (came[id_] - at) for id_, at in result.found.items() if id_ in came]
    committed = [1000 * (at - result.found[id_]) for id_, at in result.committed.items()]
    middle, late = quantiles(whole, 0.5, 0.99)
    own_middle, own_late = quantiles(own, 0.5, 0.99)
    print(
        f"{watches:<26,}{middle:>9.2f}{middle / every:>9.2f}{late:>10.2f}{quantiles(committed, 0.5)[0]:>16.1f}"
        f"{own_middle:>13.1f}{own_late:>13.1f}{f'{len(whole)}/{ends}':>10}",
        flush=True,
    )
    return len(whole) == ends, middle / every, own_late


def _arrivals(port: int) -> dict[str, float]:
    """When the first webhook of each snapshot came."""
    with urlopen(f"http://127.0.0.1:{port}/hook?bodies") as answer:
        came: dict[str, float] = {}
        for at, body in json.load(answer):
            came.setdefault(json.loads(body)["data"]["snapshot_id"], at)
        return came
