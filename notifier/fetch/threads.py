"""Runs what waits for the disk, or takes long, in a thread."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def off_loop(function: Callable[[], T], stop: Callable[[], None] = lambda: None) -> T:
    """Call the function in a thread of the event loop's executor, and return what it returns.

    A cancellation is raised after the function has returned, so that nothing changes a file behind the back of whoever
    closes it. A function that takes long has to return soon after `stop` was called.
    """
    running = asyncio.get_running_loop().run_in_executor(None, function)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop()
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise
