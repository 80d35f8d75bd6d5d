"""Measures the lag of the event loop: how late it wakes a timer."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

TIMER = timedelta(milliseconds=100)
"""How long the timer runs."""


class LoopLag:
    """Measures the lag whenever `measure` is called, and reports it."""

    def __init__(self, *, wanted: Callable[[], bool], report: Callable[[float], None]) -> None:
        """
        Args:
            wanted: whether anybody may ask for the lag; if not, nothing is measured.
            report: called with the lag in seconds.
        """
        self._wanted = wanted
        self._report = report

    async def measure(self) -> None:
        """Let a timer run, and report how late the loop woke it."""
        if not self._wanted():
            return
        loop, pause = asyncio.get_running_loop(), TIMER.total_seconds()
        began = loop.time()
        await asyncio.sleep(pause)
        self._report(loop.time() - began - pause)
