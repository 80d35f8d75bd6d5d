"""The far side of both: a simulated Bright Data whose snapshots all run, for longer than any measurement."""

import asyncio
import json
import signal
import sys

from notifier.brightdata.simulator import Simulator
from notifier.brightdata.simulator.life import slow


async def main(snapshots: int) -> None:
    """Serve until SIGTERM; the address and the ids go to standard output, as JSON."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ids = [f"sd_bench_{number:06}" for number in range(snapshots)]
    async with Simulator() as simulator:
        for snapshot_id in ids:
            simulator.add(snapshot_id, slow())
        json.dump({"url": simulator.url, "snapshots": ids}, sys.stdout)
        print(flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
