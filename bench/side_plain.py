"""The other side: the script that one would write first. APScheduler, one httpx client, no memory of anything."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bench.measure import Work, ids_of, measured, print_result


async def main(url: str, ids: Path, watches: int, every: float, warm_up: float, seconds: float) -> None:
    """Run and measure."""
    work = Work()
    async with httpx.AsyncClient(headers={"Authorization": "Bearer bench"}, timeout=10) as client:

        async def poll(snapshot_id: str, first: datetime) -> None:
            # Late is what lies beyond the last instant of this job's own grid.
            work.lags.append((datetime.now(UTC) - first).total_seconds() % every)
            try:
                answer = await client.get(f"{url}/datasets/v3/progress/{snapshot_id}")
                answer.json()["status"]
            except (httpx.HTTPError, ValueError, KeyError):
                work.errors += 1

        scheduler = AsyncIOScheduler(timezone=UTC)
        now = datetime.now(UTC)
        for index, snapshot_id in enumerate(ids_of(ids, watches)):
            first = now + timedelta(seconds=every * (index + 1) / watches)
            scheduler.add_job(
                poll, "interval", seconds=every, args=[snapshot_id, first], next_run_time=first, misfire_grace_time=None
            )
        scheduler.start()
        result = await measured(work, warm_up=warm_up, seconds=seconds)
        scheduler.shutdown(wait=False)
        await asyncio.sleep(0)
    print_result(result)


if __name__ == "__main__":
    asyncio.run(
        main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *(float(argument) for argument in sys.argv[4:7]))
    )
