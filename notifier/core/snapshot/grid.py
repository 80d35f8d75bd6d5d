"""The instants at which a poll is due: a grid of its own for each, with a phase that comes from its key. Pure.

The grid ignores when the last poll was. So nothing drifts, polls do not gather in one instant, and a clock that jumps
ahead costs one poll and not one for every instant it passed over.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(moment: datetime) -> int:
    """A time as whole microseconds since 1970: floating seconds round away just what decides "before or after"."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(instant: int) -> datetime:
    """The time again."""
    return _EPOCH + instant * _MICROSECOND


@dataclass(frozen=True, slots=True)
class Grid:
    """Every `interval` microseconds, shifted by `phase`."""

    interval: int
    phase: int

    @classmethod
    def of(cls, key: str, interval: timedelta) -> Self:
        """The grid of a key."""
        size = interval // _MICROSECOND
        return cls(size, size * int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 64)

    @property
    def span(self) -> timedelta:
        """The interval."""
        return timedelta(microseconds=self.interval)

    def after(self, now: int) -> int:
        """The first instant of the grid after `now`."""
        return self.phase + ((now - self.phase) // self.interval + 1) * self.interval
