"""What is to be done and nobody waits for: one after the other, in the order in which it came up."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any


class Errands:
    """A queue of them. Have `run()` do them; `end()` does what is left, after `run()` was cancelled or without it."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()

    def later(self, errand: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        """Have this done."""
        self._waiting.put_nowait(partial(errand, *arguments))

    async def run(self) -> None:
        """Do them as they come, until cancelled. One that is under way then is left to `end()`, from its beginning.

        Raises:
            Exception: what an errand raised; it is not tried again.
        """
        while True:
            errand = await self._waiting.get()
            try:
                await errand()
            except asyncio.CancelledError:
                self._put_back(errand)
                raise

    async def end(self) -> None:
        """Do all that there are.

        Raises:
            Exception: what an errand raised; it is not tried again.
        """
        while not self._waiting.empty():
            await self._waiting.get_nowait()()

    def _put_back(self, errand: Callable[[], Awaitable[None]]) -> None:
        behind = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
        for each in (errand, *behind):
            self._waiting.put_nowait(each)
