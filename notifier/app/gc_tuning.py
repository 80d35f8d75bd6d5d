"""Keeps garbage collection from blocking the loop: objects that stay for good are not traversed again and again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEVER = 2**31 - 1


def keep() -> None:
    """Exempt all present objects from garbage collection; reference counts still free them.

    Otherwise each full collection traverses the program and 10,000 watches, which blocks the loop for 150 ms. Collect
    garbage before: it would be kept, too.
    """
    gc.freeze()


@contextmanager
def tidy() -> Iterator[None]:
    """Collect garbage before the block, and during it only young objects: most of what the block makes stays."""
    gc.collect()
    young, middle, old = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    try:
        yield
        gc.collect(1)
    finally:
        gc.set_threshold(young, middle, old)


async def keep_what_stays() -> None:
    """Collect garbage and `keep` the rest. A job (`app.jobs`) does it a few times after the start."""
    gc.collect()
    keep()
