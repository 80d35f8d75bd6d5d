"""Detects changes that others make to the files of the open database: removed, replaced, cut or overwritten.

SQLite does not check for them: it goes on writing into a `-wal` file that was removed, and all of it is lost with the
process. Between two transactions only this program writes the database, so that any other content or a shorter file is
another program's work. The index of the WAL tells such work from that of another SQLite, which may checkpoint the WAL.
"""

import os
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from notifier.core.errors import StoreError
from notifier.store.sqlite.wal_index import WalIndex, checkpoint_runs, read_index, read_wal

_BLOCK = 4096
_HASHED_WHOLE = 1024 * 1024
_SAMPLES = 64
"""A database up to that length is hashed as a whole; of a longer one so many blocks at its beginning, and as many
spread over it: an older copy of the same length may differ in few places."""

_AUTO_CHECKPOINT = 1000
"""Frames in the WAL from which on SQLite checkpoints by itself at a commit (`wal_autocheckpoint`)."""


class FilesChanged(StoreError):
    """Another program removed, replaced, cut or overwrote a file of the open database.

    `whole_wal` says that the open WAL is undamaged, so that its content can still be saved; `safe_to_close` that SQLite
    may close the database in its usual way, which would otherwise damage it further.
    """

    def __init__(self, text: str, *, whole_wal: bool = False, safe_to_close: bool = True) -> None:
        super().__init__(text)
        self.whole_wal = whole_wal
        self.safe_to_close = safe_to_close


@dataclass(frozen=True, slots=True)
class _File:
    """The identity of a file, its length and the time of its last change."""

    device: int
    number: int
    size: int
    changed_ns: int

    def is_same(self, other: "_File | None") -> bool:
        return other is not None and (self.device, self.number) == (other.device, other.number)


class FileGuard:
    """Guards the files of one open database: `begin()` once they exist, `note()` after each write, `check()` before it.

    It holds descriptors until `end()`, which must come after SQLite has closed the files: a process that closes any
    descriptor of a file loses all its POSIX locks on it, those of SQLite too (fcntl(2)).
    """

    def __init__(self, database: Path, descriptor: int) -> None:
        """
        Args:
            database: the path of the file.
            descriptor: an open descriptor of it.
        """
        self._path = database
        self._wal, self._shm = (Path(f"{database}{end}") for end in ("-wal", "-shm"))
        self._database_descriptor = descriptor
        self._shm_descriptor = self._wal_descriptor = -1
        self._files: dict[Path, _File | None] = {}
        self._index: WalIndex | None = None
        self._digest = self._last_frame = b""
        self._changed: FilesChanged | None = None

    def begin(self) -> None:
        """Remember the files as they are now."""
        try:
            self._shm_descriptor = os.open(self._shm, os.O_RDONLY | os.O_CLOEXEC)
            self._wal_descriptor = os.open(self._wal, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return  # no WAL mode: only the existence of the file can be checked
        finally:
            self.note()

    def note(self, *, checkpointing: bool = False) -> None:
        """Remember the files as this program leaves them.

        Changes that another program made meanwhile, as during a transaction, do not become the known state, as far as
        they can be told from this program's own: the next `check()` raises them.

        Args:
            checkpointing: a checkpoint was tried, and may have failed half-way.
        """
        index = read_index(self._shm_descriptor)
        now = self._found()
        checkpointing = checkpointing or (index is not None and index.frames >= _AUTO_CHECKPOINT)
        try:
            self._judge(now, index, checkpointing=checkpointing)
        except FilesChanged as error:
            self._changed = self._changed or error
            return
        if self._files.get(self._path) != now[self._path] or not self._digest:
            self._digest = self._read_digest(now[self._path])
        if index is not None and self._wal_descriptor >= 0:
            _, self._last_frame = read_wal(self._wal_descriptor, index)
        self._files, self._index = now, index

    def check(self) -> None:
        """Check that no other program has changed the files since.

        Raises:
            FilesChanged: another program has.
        """
        if self._changed is not None:
            raise self._changed
        index = read_index(self._shm_descriptor)
        self._judge(self._found(), index, checkpointing=False)

    def end(self) -> None:
        """Close the descriptors, after SQLite has closed its own."""
        for descriptor in (self._shm_descriptor, self._wal_descriptor):
            if descriptor >= 0:
                os.close(descriptor)
        self._shm_descriptor = self._wal_descriptor = -1
        self._files = {}

    @property
    def all_checkpointed(self) -> bool:
        """Whether the database holds all that the WAL does, as far as is known."""
        index = read_index(self._shm_descriptor)
        return index is None or index.all_checkpointed

    def _found(self) -> dict[Path, _File | None]:
        return {path: _file(path) for path in (self._path, self._wal, self._shm)}

    def _judge(self, now: dict[Path, _File | None], index: WalIndex | None, *, checkpointing: bool) -> None:
        if now == self._files or not self._files:
            return
        for path, found in now.items():  # the database first: the WAL may be saved into it only if it is unchanged
            known = self._files[path]
            if known is not None and not known.is_same(found):
                raise self._gone(path)
            if path == self._path and index is not None:
                self._check_database(known, found, index, checkpointing=checkpointing)
        if index is not None:
            self._check_wal(now[self._wal], index)

    def _gone(self, path: Path) -> FilesChanged:
        if path == self._path:
            return FilesChanged(f"{path}: the file was taken away or replaced; what is written now would be lost")
        what = "which belongs to the database, was taken away or replaced while the notifier ran"
        return FilesChanged(f"{path}: this file, {what}", whole_wal=path == self._wal)

    def _check_wal(self, now: _File | None, index: WalIndex) -> None:
        if now is None or index.frames == 0:
            return
        cut = self._is_wal_cut(now, index)
        if cut or self._is_wal_overwritten(index):
            safe = index.all_checkpointed
            lost = "it held nothing that the database does not" if safe else "what it held is lost"
            how = "cut short" if cut else "overwritten"
            raise FilesChanged(
                f"{self._wal}: this file, which belongs to the database, was {how} while the notifier ran; {lost}",
                safe_to_close=safe,
            )

    def _is_wal_cut(self, now: _File, index: WalIndex) -> bool:
        """Whether the WAL is shorter than its index says.

        SQLite writes frames before it counts them, and sets the index back before it cuts the file. So the length is
        read between two readings of the index, which have to be the same.
        """
        return now.size < index.wal_size and index == read_index(self._shm_descriptor)

    def _is_wal_overwritten(self, index: WalIndex) -> bool:
        """Whether the WAL is not the one that its index describes.

        Compares the header and the last known frame: what was cut off before a transaction added to the file reads as
        zeros after it.
        """
        if self._wal_descriptor < 0:
            return False
        before = self._index
        goes_on = before is not None and before.salts == index.salts and before.frames > 0
        salts, last = read_wal(self._wal_descriptor, before if goes_on else None)
        return (salts != index.salts or (goes_on and last != self._last_frame)) and index == read_index(
            self._shm_descriptor
        )

    def _check_database(self, known: _File | None, now: _File | None, index: WalIndex, *, checkpointing: bool) -> None:
        if known is None or now is None or now.changed_ns == known.changed_ns:
            return
        if self._is_cut(known, now, index):
            raise FilesChanged(
                f"{self._path}: the file was cut short while the notifier ran; put a backup of it back",
                safe_to_close=False,
            )
        if not checkpointing and self._is_overwritten(known, now, index):
            raise FilesChanged(
                f"{self._path}: the file was overwritten while the notifier ran; put a backup of it back "
                "while no notifier runs, and remove the `-wal` and `-shm` beside it",
                safe_to_close=False,
            )

    def _is_cut(self, known: _File, now: _File, index: WalIndex) -> bool:
        return now.size < known.size and not (index.all_checkpointed and now.size >= index.pages * index.page_size)

    def _is_overwritten(self, known: _File, now: _File, index: WalIndex) -> bool:
        """Whether the database has another content, though no checkpoint has changed it."""
        before = self._index
        if before is None or (before.salts, before.checkpointed) != (index.salts, index.checkpointed):
            return False
        changed = now.changed_ns != known.changed_ns and self._read_digest(now) != self._digest
        return changed and not checkpoint_runs(self._shm_descriptor) and index == read_index(self._shm_descriptor)

    def _read_digest(self, now: _File | None) -> bytes:
        """Hash the database, or samples of it."""
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


def _file(path: Path) -> _File | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return _File(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def refuse_cut(database: Path) -> None:
    """Refuse a database that was emptied or removed: SQLite would begin a new one, and all would be sent again.

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
