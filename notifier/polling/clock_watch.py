"""Detects that the wall clock was set, or that the machine slept."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

CLOCK_SHIFT = timedelta(seconds=2)
"""The least shift against the event loop's clock, which is never set, that counts."""


class ClockWatch:
    """Compares the wall clock with the event loop's clock."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """
        Args:
            clock: the wall clock, UTC.
        """
        self._clock = clock
        self._offset: float | None = None

    def shift(self) -> timedelta | None:
        """Return by how much the wall clock was moved since the last call; None if it was not."""
        offset = self._clock().timestamp() - asyncio.get_running_loop().time()
        if self._offset is None:
            self._offset = offset
            return None
        shift = timedelta(seconds=offset - self._offset)
        if abs(shift) <= CLOCK_SHIFT:
            return None
        self._offset = offset
        return shift
