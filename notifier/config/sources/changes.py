"""When a configuration's files changed: told once they have settled, within 2 s.

The files are looked at and not waited for: the system's notices (inotify) say nothing of where a link in the middle of
a path leads to, of network disks, nor of a folder that is not there yet.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from notifier.config.sources.digests import ConfigFiles, Digests, FileScanner

SCAN_INTERVAL = timedelta(milliseconds=500)
"""From one look to the next."""

SETTLE = timedelta(milliseconds=300)
"""From the look that saw a change to the one that finds it whole: nobody is writing any more."""

MOST_UNSETTLED = 10
"""After so many looks in a row that all saw something new, it is told all the same."""


_CALMER = 4
"""The pause is at least so many times as long as the look before took: a pattern may lead through many folders."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What is known of the files: what was `told` last, and what the last look saw if that is something else."""

    told: Digests
    unsettled: Digests | None = None
    looks: int = 0


def settle(state: Settling, seen: Digests) -> tuple[Settling, frozenset[str]]:
    """Take one look's result in: what is known then, and which files changed, if that is to be told now."""
    changed = _different(state.told, seen)
    if not changed:
        return Settling(state.told), frozenset()
    if seen == state.unsettled or state.looks + 1 >= MOST_UNSETTLED:
        return Settling(seen), changed
    return Settling(state.told, seen, state.looks + 1), frozenset()


def _different(one: Digests, other: Digests) -> frozenset[str]:
    return frozenset(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


@dataclass(kw_only=True, slots=True)
class FileChanges:
    """Tells when files of a configuration have changed, appeared or gone.

    A change that is undone before it was told is none. The looks are made in a thread.
    """

    sources: ConfigFiles
    interval: timedelta = SCAN_INTERVAL
    settle: timedelta = SETTLE
    _state: Settling = field(default_factory=lambda: Settling({}))
    _scanner: FileScanner = field(default_factory=FileScanner)
    _took: float = 0.0

    def loaded(self, sources: ConfigFiles, digests: Mapping[Path, str]) -> None:
        """A configuration was read: from now on these are its files, and what it read is no change any more."""
        self.sources = sources
        self._state = Settling({**self._state.told, **{str(path): digest for path, digest in digests.items()}})

    def refused(self, include: tuple[str, ...]) -> None:
        """One was refused that includes these: the files to mend are perhaps among them."""
        both = dict.fromkeys((*self.sources.include, *include))
        self.sources = replace(self.sources, include=tuple(both))

    async def next(self) -> frozenset[Path]:
        """Wait for a change: the files that are others now than when this was told last, or loaded."""
        while True:
            pause = self.interval if self._state.unsettled is None else self.settle
            await asyncio.sleep(max(pause.total_seconds(), _CALMER * self._took))
            began = time.monotonic()
            seen = await asyncio.to_thread(self._scanner.scan, self.sources, time.time_ns())
            self._took = time.monotonic() - began
            self._state, changed = settle(self._state, seen)
            if changed:
                return frozenset(map(Path, changed))
