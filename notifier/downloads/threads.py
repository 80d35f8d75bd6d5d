"""Runs what waits for the disk, or takes long, in a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="download")
"""Not the event loop's own: a disk that hangs under downloads keeps no other work waiting. As many threads as the
daemon has downloads under way (`fetcher.MOST_IN_ALL`), each of which uses one at a time."""


async def off_loop(function: Callable[[], T], stop: Callable[[], None] = lambda: None) -> T:
    """Call the function in a thread, and return what it returns.

    A cancellation is raised after the function has returned, so that nothing changes a file behind the back of whoever
    closes it. A function that takes long has to return soon after `stop` was called.
    """
    running = asyncio.get_running_loop().run_in_executor(_POOL, function)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop()
        while not running.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([running])
        raise
