"""Limits the time and memory of a rendering, which cannot be interrupted: it checks itself at each step and filter."""

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
"""In all loops together."""

LONGEST_RENDERING = 0.1
"""Seconds of CPU time; a usual message takes less than a thousandth of that."""


class Meter:
    """The use of one rendering, and the escape of its values (`literal`)."""

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
        """Yields the items of a loop.

        Raises:
            ValueError: all loops together have too many, or the rendering takes too long.
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
    """Counts everything in the block as one rendering.

    Garbage collection is off meanwhile: in a large daemon it takes longer than a rendering may, and would count as its
    time.
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
    """Returns the meter of the current rendering."""
    return _current.get()


def fits(length: int) -> None:
    """
    Raises:
        ValueError: the length exceeds that of any message.
    """
    if length > LONGEST_RESULT:
        raise ValueError(f"a value grows longer than {LONGEST_RESULT:,} characters")
