"""Reads what SQLite knows about its WAL: the index in `-shm`, the salts, the last frame (sqlite.org/walformat.html)."""

import os
import struct
from dataclasses import dataclass

from notifier.store.sqlite.ofd_locks import is_locked

_INDEX = struct.Struct("=14xHII8x8s56xI")
"""Of the index: the page size (1 for 65536), `mxFrame`, `nPage`, both salts, and `nBackfill`."""

_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_SALTS = slice(16, 24)

_CHECKPOINT_LOCK = 121
"""The byte of `-shm` that is locked during a checkpoint."""


@dataclass(frozen=True, slots=True)
class WalIndex:
    """The index of the WAL: its number of frames, how many are checkpointed, and the database's size in pages then."""

    page_size: int
    frames: int
    pages: int
    salts: bytes
    checkpointed: int

    @property
    def all_checkpointed(self) -> bool:
        """Whether the database holds all that the WAL does."""
        return self.checkpointed >= self.frames

    @property
    def wal_size(self) -> int:
        """The least length of the WAL in bytes."""
        return _WAL_HEADER + self.frames * (self.page_size + _FRAME_HEADER) if self.frames else 0


def read_index(shm_descriptor: int) -> WalIndex | None:
    """Return the index in an open `-shm`; None if it is not open (negative) or too short."""
    if shm_descriptor < 0:
        return None
    found = os.pread(shm_descriptor, _INDEX.size, 0)
    if len(found) < _INDEX.size:
        return None
    page_size, frames, pages, salts, checkpointed = _INDEX.unpack(found)
    size = 65536 if page_size == 1 else page_size
    return WalIndex(page_size=size, frames=frames, pages=pages, salts=salts, checkpointed=checkpointed)


def read_wal(wal_descriptor: int, index: WalIndex | None) -> tuple[bytes, bytes]:
    """Return the salts of an open WAL, and the last frame that the index counts; empty if there is none."""
    salts = os.pread(wal_descriptor, _WAL_HEADER, 0)[_WAL_SALTS]
    if index is None or index.frames == 0:
        return salts, b""
    length = _FRAME_HEADER + index.page_size
    return salts, os.pread(wal_descriptor, length, index.wal_size - length)


def checkpoint_runs(shm_descriptor: int) -> bool:
    """Return whether another SQLite is in a checkpoint just now."""
    return is_locked(shm_descriptor, _CHECKPOINT_LOCK)
