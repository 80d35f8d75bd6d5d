"""How much one rendering may use up. It cannot be interrupted, so it asks by itself, at every step and every filter."""

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Any

LONGEST_SOURCE = 10 * 1024

LONGEST_RESULT = 64 * 1024
"""Characters of a text, or elements of a list."""

LONGEST_RANGE = 1_000

MOST_STEPS = 10_000
"""Of all loops together."""

LONGEST_RENDERING = 0.1
"""Seconds of the processor's time; a usual message takes less than a thousandth."""


class Meter:
    """What one rendering has used up, and what becomes of a value in a hole (`literal`)."""

    def __init__(self, literal: Callable[[str], str]) -> None:
        self.literal = literal
        self._steps_left = MOST_STEPS
        self._ends = time.thread_time() + LONGEST_RENDERING

    def check(self) -> None:
        """
        Raises:
            ValueError: it takes too long.
        """
        if time.thread_time() > self._ends:
            raise ValueError(f"it takes longer than {LONGEST_RENDERING} s")

    def steps(self, items: Iterable[Any]) -> Iterator[Any]:
        """The items of a loop.

        Raises:
            ValueError: there are more than all loops together may have, or it takes too long.
        """
        found = list(islice(items, self._steps_left + 1))
        if len(found) > self._steps_left:
            raise ValueError(f"more than {MOST_STEPS:,} steps in all loops together")
        self._steps_left -= len(found)
        for item in found:
            self.check()
            yield item


_current: ContextVar[Meter] = ContextVar("meter")


@contextmanager
def metered(literal: Callable[[str], str] = str) -> Iterator[Meter]:
    """Count what is done inside this block as one rendering.

    Garbage is not collected in it: of a large daemon that takes longer than the rendering may, and is not its work.
    """
    collects = gc.isenabled()
    gc.disable()
    meter = Meter(literal)
    token = _current.set(meter)
    try:
        yield meter
    finally:
        _current.reset(token)
        if collects:
            gc.enable()


def current() -> Meter:
    """The meter of the rendering that goes on."""
    return _current.get()


def fits(length: int) -> None:
    """
    Raises:
        ValueError: a value of this length is more than a whole message may have.
    """
    if length > LONGEST_RESULT:
        raise ValueError(f"a value grows longer than {LONGEST_RESULT:,} characters")
