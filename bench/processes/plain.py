"""The script that one would write first: APScheduler and one httpx client, without any memory."""

import asyncio
import json
import logging
import os
import sys
from datetime import UTC, datetime, timedelta
from threading import Thread

import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bench.measure import Work, ids, measured, tell, told


async def main(*, url: str, watches: int, every: float, warm_up: float, seconds: float) -> None:
    """Run and measure; the arguments are those of the other side."""
    logging.disable()  # when it collapses it says so thousands of times
    work = Work()
    async with httpx.AsyncClient(headers={"Authorization": "Bearer bench"}, timeout=10) as client:

        async def poll(snapshot_id: str, first: datetime) -> None:
            # Late is what lies beyond the last instant of this job's own grid.
            late = (datetime.now(UTC) - first).total_seconds() % every
            try:
                answer = await client.get(f"{url}/datasets/v3/progress/{snapshot_id}")
                answer.json()["status"]
            except (httpx.HTTPError, ValueError, KeyError):
                work.errors += 1
            else:
                work.lags.append(late)
                work.watches.add(snapshot_id)

        scheduler = AsyncIOScheduler(timezone=UTC)
        now = datetime.now(UTC)
        for index, snapshot_id in enumerate(ids(watches)):
            first = now + timedelta(seconds=every * (index + 1) / watches)
            scheduler.add_job(
                poll, "interval", seconds=every, args=[snapshot_id, first], next_run_time=first, misfire_grace_time=None
            )
        scheduler.start()
        # In a thread: when the script collapses, one turn of its loop takes minutes.
        Thread(target=asyncio.run, args=(_measure(work, warm_up, seconds),)).start()
        await asyncio.Event().wait()


async def _measure(work: Work, warm_up: float, seconds: float) -> None:
    await asyncio.sleep(warm_up)
    tell({"warm_up": warm_up})
    await told()
    tell(await measured(work, seconds=seconds))
    tell({"found": {}, "committed": {}})
    os._exit(0)  # what still waits for a connection need not come to its end


if __name__ == "__main__":
    asyncio.run(main(**json.loads(sys.argv[1])))
