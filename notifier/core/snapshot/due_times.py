"""The instants at which polls are due: one grid for each key, with a phase from the key's hash. Pure.

A grid ignores when the last poll was. So nothing drifts, polls do not gather in one instant, and a clock that jumps
ahead costs one poll instead of one for every instant that it skipped.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(moment: datetime) -> int:
    """Return a time as whole microseconds since 1970; seconds as floats are too coarse to compare instants."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(instant: int) -> datetime:
    """Return the time of an instant."""
    return _EPOCH + instant * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Grid:
    """Every `interval` microseconds, shifted by `phase`."""

    interval: int
    phase: int

    @classmethod
    def of(cls, key: str, interval: timedelta) -> Self:
        """Return the grid of a key."""
        size = interval // _MICROSECOND
        return cls(size, size * int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 64)

    @property
    def span(self) -> timedelta:
        """The interval."""
        return timedelta(microseconds=self.interval)

    def after(self, now: int) -> int:
        """Return the first instant of the grid after `now`."""
        return self.phase + ((now - self.phase) // self.interval + 1) * self.interval
