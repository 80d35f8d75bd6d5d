"""Serves the simulated Bright Data until it is stopped, for `notifier simulate`."""

import asyncio
from collections.abc import Callable, Mapping

from notifier.brightdata.simulator.faults import Fault
from notifier.brightdata.simulator.notifications import NotifyFault
from notifier.brightdata.simulator.server import Simulator


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    seed: int = 0,
    speed: float = 1.0,
    snapshots: int = 0,
    dataset_id: str = "gd_simulated",
    faults: Mapping[Fault, float] | None = None,
    token: str | None = None,
    requests_per_second: float | None = None,
    notify: str | None = None,
    notify_faults: Mapping[NotifyFault, float] | None = None,
    ready: Callable[[Simulator, list[str]], None],
    stop: asyncio.Event,
) -> None:
    """Serves until `stop` is set, or the task is cancelled.

    Args:
        snapshots: the number of initial snapshots, all of `dataset_id`, with ids and lives that the seed determines.
        ready: called when it listens, with the simulator and the ids of those snapshots.
        stop: ends it.
        host, port, seed, speed, faults, token, requests_per_second, notify, notify_faults: as `Simulator` takes them.

    Raises:
        ValueError: the faults are no probabilities.
        OSError: it cannot listen there.
    """
    simulator = Simulator(
        host=host,
        port=port,
        seed=seed,
        speed=speed,
        faults=faults,
        token=token,
        requests_per_second=requests_per_second,
        notify=notify,
        notify_faults=notify_faults,
    )
    async with simulator:
        ready(simulator, simulator.populate(snapshots, dataset_id=dataset_id))
        await stop.wait()
