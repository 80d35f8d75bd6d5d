"""Queries something that may hang, such as a store on a disk that does not answer, without hanging."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one query at a time, with a timeout. Callers that come meanwhile share its answer."""

    def __init__(self, ask: Callable[[], Awaitable[T]], longest: timedelta) -> None:
        self._ask = ask
        self._seconds = longest.total_seconds()
        self._asking: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Return the answer.

        Raises:
            TimeoutError: there is none in time. The query goes on, and the next caller waits for it.
            Exception: what the query raised.
        """
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked())
            self._asking.add_done_callback(_known)
        asking = self._asking
        await asyncio.wait({asking}, timeout=self._seconds)
        if not asking.done():
            raise TimeoutError(f"no answer within {self._seconds:g} s")
        return asking.result()

    async def _asked(self) -> T:
        return await self._ask()


def _known(task: asyncio.Task[T]) -> None:
    """Retrieve the exception of a query that nobody waits for any more: else asyncio logs it."""
    if not task.cancelled():
        task.exception()
