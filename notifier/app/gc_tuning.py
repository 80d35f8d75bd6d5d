"""Keeps garbage collection from holding up the loop: what stays for good is not visited time and again."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

_NEVER = 2**31 - 1

KEEP_AFTER = (timedelta(0), timedelta(seconds=20), timedelta(minutes=2), timedelta(minutes=20))
"""After the start: what has been loaded by then, and what the first looks have found, stays."""


def keep() -> None:
    """Have garbage collection pass over what is there now: it is to stay, and is freed without it once it goes.

    Else the program and 10,000 watches are visited time and again, and nothing else runs for 150 ms. What has become
    garbage is to be collected before, for it would be kept too.
    """
    gc.freeze()


@contextmanager
def tidy() -> Iterator[None]:
    """Collect garbage before, and of what comes meanwhile only what is gone again soon: most of it stays."""
    gc.collect()
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    try:
        yield
        gc.collect(1)
    finally:
        gc.set_threshold(young, middle, old)


async def keep_what_stays() -> None:
    """Collect and `keep` at the times `KEEP_AFTER` the start."""
    began = asyncio.get_running_loop().time()
    for after in KEEP_AFTER:
        await asyncio.sleep(began + after.total_seconds() - asyncio.get_running_loop().time())
        gc.collect()
        keep()
