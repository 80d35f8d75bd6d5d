"""Detects changes of a configuration's files, once they have settled, within 2 s.

The files are scanned. The notifications of the system (inotify) miss links in the middle of a path, network disks, and
folders that do not exist yet.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from notifier.config.sources.digests import ConfigFiles, Digests, FileScanner

SCAN_INTERVAL = timedelta(milliseconds=500)
"""The interval between two scans."""

SETTLE = timedelta(milliseconds=300)
"""The interval from the scan that saw a change to the one that finds the files settled: nobody writes any more."""

MOST_UNSETTLED = 10
"""After this many scans in a row that each saw something new, the change is reported all the same."""

_PAUSE_FACTOR = 4
"""The pause is at least this many times as long as the last scan took: a pattern may lead through many folders."""


@dataclass(frozen=True, slots=True)
class Settling:
    """The state of the detection: what was `reported` last, and what the last scan saw if that differs."""

    reported: Digests
    unsettled: Digests | None = None
    scans: int = 0


def settle(state: Settling, seen: Digests) -> tuple[Settling, frozenset[str]]:
    """Return the state after one scan, and the files that changed, if the change is to be reported now."""
    changed = _different(state.reported, seen)
    if not changed:
        return Settling(state.reported), frozenset()
    if seen == state.unsettled or state.scans + 1 >= MOST_UNSETTLED:
        return Settling(seen), changed
    return Settling(state.reported, seen, state.scans + 1), frozenset()


def _different(one: Digests, other: Digests) -> frozenset[str]:
    return frozenset(path for path in one.keys() | other.keys() if one.get(path) != other.get(path))


@dataclass(kw_only=True, slots=True)
class FileChanges:
    """Reports when files of a configuration have changed, appeared or gone.

    A change that is undone before it is reported is none. Scans run in a thread.
    """

    sources: ConfigFiles
    interval: timedelta = SCAN_INTERVAL
    settle: timedelta = SETTLE
    _state: Settling = field(default_factory=lambda: Settling({}))
    _scanner: FileScanner = field(default_factory=FileScanner)
    _took: float = 0.0

    def loaded(self, sources: ConfigFiles, digests: Mapping[Path, str]) -> None:
        """Set the files of the loaded configuration. What was loaded is no change any more."""
        self.sources = sources
        self._state = Settling({**self._state.reported, **{str(path): digest for path, digest in digests.items()}})

    def refused(self, include: tuple[str, ...]) -> None:
        """Scan the patterns of a refused configuration too: the files to fix may be among them."""
        both = dict.fromkeys((*self.sources.include, *include))
        self.sources = replace(self.sources, include=tuple(both))

    async def next(self) -> frozenset[Path]:
        """Wait for a change. Return the files that differ from what was last reported or loaded."""
        while True:
            pause = self.interval if self._state.unsettled is None else self.settle
            await asyncio.sleep(max(pause.total_seconds(), _PAUSE_FACTOR * self._took))
            began = time.monotonic()
            seen = await asyncio.to_thread(self._scanner.scan, self.sources, time.time_ns())
            self._took = time.monotonic() - began
            self._state, changed = settle(self._state, seen)
            if changed:
                return frozenset(map(Path, changed))
