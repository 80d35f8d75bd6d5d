"""A loop and a wall clock that move together, at once, to whatever is waited for: a day of polls in a blink.

While anything can run, time stands still; when all wait, it jumps to the next timer. `set_wall` moves the wall clock
alone, as an administrator or a suspended machine does. Where a thread works for the loop, `busy` has to say so.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import time_machine

from support.fakes import START

T = TypeVar("T")


class MovingClock:
    """The time of a test: `monotonic()` and, through the standard library, the wall clock."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self._traveller = traveller
        self._passed = 0.0
        self.busy: Callable[[], bool] = lambda: False

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self._passed

    def now(self) -> datetime:
        """The wall clock."""
        return datetime.now(UTC)

    def move(self, seconds: float) -> None:
        """Let time pass, on both clocks."""
        self._passed += seconds
        self._traveller.shift(timedelta(seconds=seconds))

    def set_wall(self, by: timedelta) -> None:
        """Move the wall clock alone."""
        self._traveller.shift(by)


class _Selector(selectors.DefaultSelector):
    clock: MovingClock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # What a thread does for the loop takes no time; it wakes the loop when it is done.
        ready = super().select(10 if timeout != 0 and self.clock.busy() else 0)
        if not ready and timeout is None:
            ready = super().select(10)  # only a thread can wake it now
        if not ready and timeout is None:
            raise AssertionError("everything waits, and no timer will wake anything")
        if not ready and timeout:
            self.clock.move(timeout)
        return ready


def run(test: Callable[[MovingClock], Coroutine[Any, Any, T]]) -> T:
    """Run the test from START on."""
    with time_machine.travel(START, tick=False) as traveller:
        clock = MovingClock(traveller)
        selector = _Selector()
        selector.clock = clock

        class Loop(asyncio.SelectorEventLoop):
            def time(self) -> float:
                return clock.monotonic()

        with asyncio.Runner(loop_factory=lambda: Loop(selector)) as runner:
            return runner.run(test(clock))
