"""Waiting for a condition that has no event."""

import asyncio
from collections.abc import Callable

DEADLINE_S = 60
_AGAIN_S = 0.01


async def until(met: Callable[[], bool]) -> None:
    """Wait until the condition is met.

    Raises:
        TimeoutError: it is not within the deadline, which only a failing test ever comes to.
    """
    async with asyncio.timeout(DEADLINE_S):
        while not met():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(_AGAIN_S)
