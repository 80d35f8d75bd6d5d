"""Sees whether the files of the open database are still those that were opened, and as long as they were left.

SQLite itself looks for none of this: it goes on writing into a `-wal` file that was removed, and all of it is gone with
the process. Between two transactions nobody but this program writes the database, so whatever is shorter or other than
it was left is somebody else's work. The index of the WAL, which SQLite keeps in `-shm`, tells such work from that of
another SQLite, which may move what stands in the WAL into the database (sqlite.org/walformat.html).
"""

import fcntl
import os
import struct
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from notifier.core.errors import StoreError

_INDEX = struct.Struct("=14xHII8x8s56xI")
"""Of the index of the WAL: the page size (1 for 65536), `mxFrame`, `nPage`, both salts, and `nBackfill`."""

_BLOCK = 4096
_HASHED_WHOLE = 1024 * 1024
_SAMPLES = 64
"""What a database is known by: up to that length all of it, beyond it as many blocks at its beginning, and as many
spread over it. An older copy of the same length differs from it in few places."""

_MOVED_FROM = 1000
"""Frames in the WAL from which on SQLite moves them into the database by itself at a commit (`wal_autocheckpoint`)."""

_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_SALTS = slice(16, 24)
_CHECKPOINT_LOCK = 121
"""The byte of `-shm` that is locked by whoever moves what stands in the WAL into the database."""

_LOCK = struct.Struct("hhqqi4x")
"""`struct flock` of 64-bit Linux (fcntl(2))."""


class FilesChanged(StoreError):
    """Somebody else removed, replaced, cut or overwrote a file of the open database.

    `whole_wal` says that the WAL that is open is whole, so that what it holds can still be saved; `safe_to_close`
    that SQLite may do what it does when it closes the database: else it would make things worse.
    """

    def __init__(self, text: str, *, whole_wal: bool = False, safe_to_close: bool = True) -> None:
        super().__init__(text)
        self.whole_wal = whole_wal
        self.safe_to_close = safe_to_close


@dataclass(frozen=True, slots=True)
class _File:
    """Which file stands under a name, its length and the time of its last change."""

    device: int
    number: int
    size: int
    changed_ns: int

    def is_same(self, other: "_File | None") -> bool:
        return other is not None and (self.device, self.number) == (other.device, other.number)


@dataclass(frozen=True, slots=True)
class _WalIndex:
    """What the index of the WAL says: so many frames, of which so many stand in the database of so many pages."""

    page_size: int
    frames: int
    pages: int
    salts: bytes
    moved: int

    @property
    def all_moved(self) -> bool:
        """Whether the database holds all that the WAL does."""
        return self.moved >= self.frames

    @property
    def wal_size(self) -> int:
        """The least length of the WAL in bytes."""
        return _WAL_HEADER + self.frames * (self.page_size + _FRAME_HEADER) if self.frames else 0


class Guard:
    """The files of one open database. `begin()` it once they are there, `note()` how they are left, and `check()`.

    It holds descriptors until `end()`, which must come after SQLite has closed the files: a process that closes any
    descriptor of a file loses all its POSIX locks on it, SQLite's too (fcntl(2)).
    """

    def __init__(self, database: Path, descriptor: int) -> None:
        """
        Args:
            database: the file.
            descriptor: an open one of it.
        """
        self._path = database
        self._wal, self._shm = (Path(f"{database}{end}") for end in ("-wal", "-shm"))
        self._database_descriptor = descriptor
        self._shm_descriptor = self._wal_descriptor = -1
        self._files: dict[Path, _File | None] = {}
        self._index: _WalIndex | None = None
        self._digest = self._last_frame = b""
        self._changed: FilesChanged | None = None

    def begin(self) -> None:
        """Remember the files as they are now."""
        try:
            self._shm_descriptor = os.open(self._shm, os.O_RDONLY | os.O_CLOEXEC)
            self._wal_descriptor = os.open(self._wal, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # a database that is in no WAL: nothing can be told of it but whether it is there
        finally:
            self.note()

    def note(self, *, moving: bool = False) -> None:
        """Remember how the files were left by this program.

        What somebody else did to them meanwhile, as during a transaction, does not become the known state, as far as it
        can be told from this program's own work: the next `check()` raises it.

        Args:
            moving: it has tried to move what stands in the WAL into the database, which may have failed half-way.
        """
        index = self._read_index()
        now = self._found()
        moving = moving or (index is not None and index.frames >= _MOVED_FROM)
        try:
            self._judge(now, index, moving=moving)
        except FilesChanged as error:
            self._changed = self._changed or error
            return
        if self._files.get(self._path) != now[self._path] or not self._digest:
            self._digest = self._read_digest(now[self._path])
        if index is not None and self._wal_descriptor >= 0:
            _, self._last_frame = self._read_wal(index)
        self._files, self._index = now, index

    def check(self) -> None:
        """See that nobody else has changed the files since.

        Raises:
            FilesChanged: somebody has.
        """
        if self._changed is not None:
            raise self._changed
        index = self._read_index()
        self._judge(self._found(), index, moving=False)

    def end(self) -> None:
        """Let go of the files, once SQLite has."""
        for descriptor in (self._shm_descriptor, self._wal_descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self._shm_descriptor = self._wal_descriptor = -1
        self._files = {}

    @property
    def all_moved(self) -> bool:
        """Whether the database holds all that the WAL does, as far as can be seen."""
        index = self._read_index()
        return index is None or index.all_moved

    def _found(self) -> dict[Path, _File | None]:
        return {path: _file(path) for path in (self._path, self._wal, self._shm)}

    def _judge(self, now: dict[Path, _File | None], index: _WalIndex | None, *, moving: bool) -> None:
        if now == self._files or not self._files:
            return
        for path, found in now.items():  # the database first: a WAL may be saved into it only if it is as it was
            known = self._files[path]
            if known is not None and not known.is_same(found):
                raise self._gone(path)
            if path == self._path and index is not None:
                self._check_database(known, found, index, moving=moving)
        if index is not None:
            self._check_wal(now[self._wal], index)

    def _gone(self, path: Path) -> FilesChanged:
        if path == self._path:
            return FilesChanged(f"{path}: the file was taken away or replaced; what is written now would be lost")
        what = "which belongs to the database, was taken away or replaced while the notifier ran"
        return FilesChanged(f"{path}: this file, {what}", whole_wal=path == self._wal)

    def _check_wal(self, now: _File | None, index: _WalIndex) -> None:
        if now is None or index.frames == 0:
            return
        cut = self._is_wal_cut(now, index)
        if cut or self._is_wal_strange(index):
            safe = index.all_moved
            lost = "it held nothing that the database does not" if safe else "what it held is lost"
            how = "cut short" if cut else "overwritten"
            raise FilesChanged(
                f"{self._wal}: this file, which belongs to the database, was {how} while the notifier ran; {lost}",
                safe_to_close=safe,
            )

    def _is_wal_cut(self, now: _File, index: _WalIndex) -> bool:
        """Whether the WAL is shorter than its index says.

        SQLite writes frames before it counts them, and sets the index back before it cuts the file. So the length is
        read between two readings of the index, which have to be the same.
        """
        return now.size < index.wal_size and index == self._read_index()

    def _is_wal_strange(self, index: _WalIndex) -> bool:
        """Whether the WAL is not the one of which the index speaks.

        Its header is looked at, and the last frame that was known: what was cut off before a transaction added to the
        file reads as zeros after it.
        """
        if self._wal_descriptor < 0:
            return False
        before = self._index
        goes_on = before is not None and before.salts == index.salts and before.frames > 0
        salts, last = self._read_wal(before if goes_on else None)
        return (salts != index.salts or (goes_on and last != self._last_frame)) and index == self._read_index()

    def _read_wal(self, index: _WalIndex | None) -> tuple[bytes, bytes]:
        """The salts of the WAL, and the last frame of which the index speaks; nothing if there is none."""
        salts = os.pread(self._wal_descriptor, _WAL_HEADER, 0)[_WAL_SALTS]
        if index is None or index.frames == 0:
            return salts, b""
        length = _FRAME_HEADER + index.page_size
        return salts, os.pread(self._wal_descriptor, length, index.wal_size - length)

    def _check_database(self, known: _File | None, now: _File | None, index: _WalIndex, *, moving: bool) -> None:
        if known is None or now is None or now.changed_ns == known.changed_ns:
            return
        if self._is_cut(known, now, index):
            raise FilesChanged(
                f"{self._path}: the file was cut short while the notifier ran; put a backup of it back",
                safe_to_close=False,
            )
        if not moving and self._is_overwritten(known, now, index):
            raise FilesChanged(
                f"{self._path}: the file was overwritten while the notifier ran; put a backup of it back "
                "while no notifier runs, and remove the `-wal` and `-shm` beside it",
                safe_to_close=False,
            )

    def _is_cut(self, known: _File, now: _File, index: _WalIndex) -> bool:
        return now.size < known.size and not (index.all_moved and now.size >= index.pages * index.page_size)

    def _is_overwritten(self, known: _File, now: _File, index: _WalIndex) -> bool:
        """Whether the database is another one, though nobody has moved anything from the WAL into it."""
        before = self._index
        if before is None or (before.salts, before.moved) != (index.salts, index.moved):
            return False
        changed = now.changed_ns != known.changed_ns and self._read_digest(now) != self._digest
        return changed and not self._somebody_moves() and index == self._read_index()

    def _read_digest(self, now: _File | None) -> bytes:
        """What the database is known by."""
        if self._database_descriptor < 0 or now is None:
            return b""
        digest = blake2b(now.size.to_bytes(8), digest_size=16)
        if now.size <= _HASHED_WHOLE:
            digest.update(os.pread(self._database_descriptor, _HASHED_WHOLE, 0))
            return digest.digest()
        digest.update(os.pread(self._database_descriptor, _SAMPLES * _BLOCK, 0))
        for number in range(1, _SAMPLES + 1):
            at = (now.size - _BLOCK) * number // _SAMPLES
            digest.update(os.pread(self._database_descriptor, _BLOCK, at))
        return digest.digest()

    def _read_index(self) -> _WalIndex | None:
        if self._shm_descriptor < 0:
            return None
        found = os.pread(self._shm_descriptor, _INDEX.size, 0)
        if len(found) < _INDEX.size:
            return None
        page_size, frames, pages, salts, moved = _INDEX.unpack(found)
        size = 65536 if page_size == 1 else page_size
        return _WalIndex(page_size=size, frames=frames, pages=pages, salts=salts, moved=moved)

    def _somebody_moves(self) -> bool:
        """Whether another SQLite is moving what stands in the WAL just now."""
        asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _CHECKPOINT_LOCK, 1, 0)
        kind: int = _LOCK.unpack(fcntl.fcntl(self._shm_descriptor, fcntl.F_OFD_GETLK, asked))[0]
        return kind != fcntl.F_UNLCK


def _file(path: Path) -> _File | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _File(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def refuse_cut(database: Path) -> None:
    """Refuse a database that was cut to nothing or taken away: SQLite would begin a new one, and all be told again.

    Raises:
        StoreError: it is empty or not there, and the WAL beside it is not empty.
    """
    found, wal = _file(database), _file(Path(f"{database}-wal"))
    if (found is None or found.size == 0) and wal is not None and wal.size > 0:
        what = "is not there" if found is None else "is empty"
        raise StoreError(
            f"{database}: the file {what}, though its `-wal` is: somebody took it away or cut it while it was in use; "
            "put a backup of it back, or remove its `-wal` and `-shm` too to start afresh"
        )
