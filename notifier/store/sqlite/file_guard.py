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
from pathlib import Path

from notifier.core.errors import StoreError

_INDEX = struct.Struct("=14xHII8x8s56xI")
"""Of the index of the WAL: the page size (1 for 65536), `mxFrame`, `nPage`, both salts, and `nBackfill`."""

_HEADER = 100
"""Bytes of the database's own header."""

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

    It holds a descriptor of `-shm` until `end()`, which must come after SQLite has closed the file: a process that
    closes any descriptor of a file loses all its POSIX locks on it, SQLite's too (fcntl(2)).
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
        self._shm_descriptor = -1
        self._files: dict[Path, _File | None] = {}
        self._index: _WalIndex | None = None
        self._header = b""

    def begin(self) -> None:
        """Remember the files as they are now."""
        try:
            self._shm_descriptor = os.open(self._shm, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # a database that is in no WAL: nothing can be told of it but whether it is there
        finally:
            self.note()

    def note(self) -> None:
        """Remember how the files were left by this program.

        This program never removes or replaces a file of the open database. A file that went away during a
        transaction therefore stays known as it was, so that the next `check()` reports it.
        """
        before = self._files.get(self._path)
        self._files = {path: self._left(path) for path in (self._path, self._wal, self._shm)}
        now = self._files[self._path]
        if before is None or now is None or before.changed_ns != now.changed_ns or not self._header:
            self._header = self._read_header()
        self._index = self._read_index()

    def check(self) -> None:
        """See that nobody else has changed the files since.

        Raises:
            FilesChanged: somebody has.
        """
        now = {path: _file(path) for path in self._files}
        if now == self._files or not self._files:
            return
        index = self._read_index()
        for path, found in now.items():  # the database first: a WAL may be saved into it only if it is as it was
            known = self._files[path]
            if known is not None and not known.is_same(found):
                raise self._gone(path)
            if path == self._path and index is not None:
                self._check_database(known, found, index)
        if index is not None:
            self._check_wal(self._files[self._wal], now[self._wal], index)

    def end(self) -> None:
        """Let go of the files, once SQLite has."""
        if self._shm_descriptor >= 0:
            os.close(self._shm_descriptor)
            self._shm_descriptor = -1
        self._files = {}

    @property
    def all_moved(self) -> bool:
        """Whether the database holds all that the WAL does, as far as can be seen."""
        index = self._read_index()
        return index is None or index.all_moved

    def _left(self, path: Path) -> _File | None:
        known, now = self._files.get(path), _file(path)
        return now if known is None or known.is_same(now) else known

    def _gone(self, path: Path) -> FilesChanged:
        if path == self._path:
            return FilesChanged(f"{path}: the file was taken away or replaced; what is written now would be lost")
        what = "which belongs to the database, was taken away or replaced while the notifier ran"
        return FilesChanged(f"{path}: this file, {what}", whole_wal=path == self._wal)

    def _check_wal(self, known: _File | None, now: _File | None, index: _WalIndex) -> None:
        if known is None or now is None or index.frames == 0:
            return
        cut = now.size < min(known.size, index.wal_size)
        strange = now.changed_ns != known.changed_ns and index == self._index and self._wal_salts() != index.salts
        if cut or strange:
            safe = index.all_moved
            lost = "it held nothing that the database does not" if safe else "what it held is lost"
            how = "cut short" if cut else "overwritten"
            raise FilesChanged(
                f"{self._wal}: this file, which belongs to the database, was {how} while the notifier ran; {lost}",
                safe_to_close=safe,
            )

    def _check_database(self, known: _File | None, now: _File | None, index: _WalIndex) -> None:
        if known is None or now is None or now.changed_ns == known.changed_ns:
            return
        if now.size < known.size and not (index.all_moved and now.size >= index.pages * index.page_size):
            raise FilesChanged(
                f"{self._path}: the file was cut short while the notifier ran; put a backup of it back",
                safe_to_close=False,
            )
        if index == self._index and not self._somebody_moves() and self._read_header() != self._header:
            raise FilesChanged(
                f"{self._path}: the file was overwritten while the notifier ran; put a backup of it back "
                "while no notifier runs, and remove the `-wal` and `-shm` beside it",
                safe_to_close=False,
            )

    def _read_header(self) -> bytes:
        return os.pread(self._database_descriptor, _HEADER, 0) if self._database_descriptor >= 0 else b""

    def _read_index(self) -> _WalIndex | None:
        if self._shm_descriptor < 0:
            return None
        found = os.pread(self._shm_descriptor, _INDEX.size, 0)
        if len(found) < _INDEX.size:
            return None
        page_size, frames, pages, salts, moved = _INDEX.unpack(found)
        size = 65536 if page_size == 1 else page_size
        return _WalIndex(page_size=size, frames=frames, pages=pages, salts=salts, moved=moved)

    def _wal_salts(self) -> bytes:
        with self._wal.open("rb", buffering=0) as file:  # SQLite has no locks on this one
            return file.read(_WAL_HEADER)[_WAL_SALTS]

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
