"""An enquiry for what may hang, such as a store on a disk that does not answer, without hanging oneself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Asks for something, and waits so long and no longer. Whoever asks meanwhile gets the same answer."""

    def __init__(self, ask: Callable[[], Awaitable[T]], longest: timedelta) -> None:
        self._ask = ask
        self._seconds = longest.total_seconds()
        self._asking: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """The answer.

        Raises:
            TimeoutError: it has not come. It is still waited for: nothing is asked twice at once.
            Exception: whatever asking raised.
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
    """Look at a failure for which nobody waits any more: asyncio complains of one that nobody has seen."""
    if not task.cancelled():
        task.exception()
