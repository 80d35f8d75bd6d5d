"""Keeps garbage collection from holding up the loop: what stays for good is not visited time and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 2**31 - 1


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
    """Collect garbage and `keep` the rest. A job of the daemon (`app.jobs`) does it some times after the start."""
    gc.collect()
    keep()
