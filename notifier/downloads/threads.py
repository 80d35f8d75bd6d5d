"""Runs calls that wait for the disk, or take long, in a thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

_POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="download")
"""Not the event loop's own pool: a disk that hangs under downloads must not hold up other work.

As many threads as the daemon has downloads at once (`worker.MOST_IN_ALL`); each uses one at a time.
"""


async def off_loop(function: Callable[[], T], stop: Callable[[], None] = lambda: None) -> T:
    """Calls the function in a thread, and returns its result.

    A cancellation is raised only after the function has returned, so that nobody closes a file that it still uses. A
    function that takes long has to return soon after `stop` is called.
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
