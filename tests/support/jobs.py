"""Parts of the daemon with the jobs that the daemon runs for them."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

from notifier.app.components import POLLS
from notifier.app.job_runner import Every, Job, JobRunner, WhenDue
from notifier.app.jobs import CLOCK_CHECK
from notifier.polling.scheduler import PollScheduler


def polls(schedule: PollScheduler) -> list[Job]:
    """The jobs of a scheduler of polls."""
    return [
        Job(name=POLLS, trigger=WhenDue(schedule.earliest), function=schedule.collect),
        Job(name="clock", trigger=Every(CLOCK_CHECK), function=schedule.check_clock),
    ]


@asynccontextmanager
async def running(runner: JobRunner, jobs: Iterable[Job]) -> AsyncIterator[None]:
    """Run the jobs for as long as this is entered, and raise what they raised."""
    runner.add(jobs)
    async with in_background(runner.run()):
        yield


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run this for as long as the block lasts, and raise what it raised."""
    task = asyncio.create_task(work)
    try:
        yield
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
