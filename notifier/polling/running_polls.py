"""The polls that run now: their number is bounded, and a failure of one ends the scheduler."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

MAX_CONCURRENT = 512
"""Concurrent polls: as many as may wait for answers, and as many again for their commits.

More would take the event loop from those commits, until all are late. While the database cannot be written, each of
them waits with its answer, and no others start.
"""

_CANCEL_GRACE = timedelta(seconds=1)
"""How long a cancelled poll may take to release the network and the store."""


class RunningPolls:
    """Tasks of polls."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MAX_CONCURRENT)
        self._failed: asyncio.Future[None] | None = None

    async def room(self) -> None:
        """Wait for room for one more poll, and take it; `start` or `give_back` follows."""
        await self._room.acquire()

    def give_back(self) -> None:
        """Give back the room for a poll that is not started."""
        self._room.release()

    def start(self, poll: Coroutine[Any, Any, None]) -> None:
        """Run a poll in a task of its own."""
        task = asyncio.create_task(poll)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def run(self, *loops: Coroutine[Any, Any, None]) -> None:
        """Run these, which start polls, until cancelled; raise what they or a poll raise."""
        self._failed = asyncio.get_running_loop().create_future()
        tasks = [asyncio.create_task(each) for each in loops]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            await asyncio.wait({self._failed})  # not the future itself: a cancellation would go on to it
            self._failed.result()
        finally:
            for task in tasks:
                task.cancel()

    async def drain(self, grace: timedelta) -> None:
        """Let the running polls end within `grace`, and cancel the rest; after `run` has ended.

        Raises:
            Exception: what one of these last polls raised.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace.total_seconds())
        await self.cancel()
        if self._failed is not None and self._failed.done():
            self._failed.result()

    async def cancel(self) -> None:
        """Cancel the running polls, and wait a moment for their end; what they raise then is not reported."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CANCEL_GRACE.total_seconds())

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Make room for another poll; what a task raises ends `run`: without the schedule there is no daemon."""
        if task in self._tasks:
            self._tasks.discard(task)
            self._room.release()
        if task.cancelled() or (error := task.exception()) is None:
            return
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)
