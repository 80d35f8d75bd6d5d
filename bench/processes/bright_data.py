"""A simulated Bright Data whose snapshots run, some until an end that begins on command.

It reads words from its input: `begin` moves its clock to where the ends come, and answers when each does; `count`
answers what it was asked so far, `notified` when it posted to the hook of each end. It ends when its input does.
"""

import asyncio
import gc
import json
import sys
import time
from datetime import UTC, datetime, timedelta

from bench.measure import ids, tell, told
from notifier.brightdata.simulator import Simulator
from notifier.brightdata.simulator.life import of, quiet

UNTIL_ENDS = 3_600.0
"""Seconds of life before the first end. Nobody waits for them: `begin` jumps there."""

_BLINK = 0.01

AGE = timedelta(hours=1)
"""All began so long ago: neither young, when a poll is due every 10 s, nor old."""


async def main(
    *, snapshots: int, datasets: int, ends: int, over: float, requests_per_second: float | None, notify: str | None
) -> None:
    """Serve.

    Args:
        snapshots, datasets: how many there are; the snapshots are spread evenly over the datasets.
        ends: how many of the snapshots end, spread evenly over the others.
        over: the seconds over which their ends are spread, evenly.
        requests_per_second: what is above is answered with 429; None for no limit.
        notify: the address that is notified of each end; None for no such thing.
    """
    ahead = 0.0

    def clock() -> float:
        return time.monotonic() + ahead

    simulator = Simulator(
        clock=clock,
        wall_clock=lambda: datetime.now(UTC) - AGE,
        requests_per_second=requests_per_second,
        notify=notify,
    )
    running = quiet()
    every = snapshots // ends if ends else 0
    ends_at: dict[str, float] = {}
    async with simulator:
        began = clock()
        for number, snapshot_id in enumerate(ids(snapshots)):
            life, dataset = running, number % datasets
            if every and number % every == every - 1 and len(ends_at) < ends:
                after = UNTIL_ENDS + over * ((len(ends_at) * 0.618034) % 1)  # even, and in no order
                dataset = len(ends_at) % datasets
                ends_at[snapshot_id] = began + after
                life = of("running", "ready", seconds=began + after - clock(), records=10, errors=0)
            simulator.add(snapshot_id, life, dataset_id=f"gd_bench_{dataset}")
        gc.collect()
        gc.freeze()  # to go through them all would stall every answer, and what waits then arrives as one burst
        tell({"url": simulator.url})
        stalls = _Stalls()
        watching = asyncio.create_task(stalls.watch())
        while word := await told():
            if word == "begin":
                ahead = began + UNTIL_ENDS - time.monotonic()
                simulator.notifications.wake()
                tell({snapshot_id: at - ahead for snapshot_id, at in ends_at.items()})
            elif word == "notified":
                tell({each.snapshot_id: each.at - ahead for each in simulator.notifications.sent})
            else:
                tell({"requests": simulator.requests.total(), "stalled_ms": stalls.longest_ms, **simulator.answers})
        watching.cancel()


class _Stalls:
    """For how long the API answered no request: requests that come evenly meanwhile are handled as a burst."""

    def __init__(self) -> None:
        self.longest_ms = 0

    async def watch(self) -> None:
        """Measure, until cancelled."""
        while True:
            began = time.monotonic()
            await asyncio.sleep(_BLINK)
            self.longest_ms = max(self.longest_ms, int(1000 * (time.monotonic() - began - _BLINK)))


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
