"""One daemon per database: exclusive locks, which the kernel frees however the process ends.

Two of them: on a file beside the database, which holds for whoever stands under its name, and on the database's file
itself, which holds under any name: a hard link, or a file that is mounted elsewhere, also in another container.
"""

import contextlib
import errno
import fcntl
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

from notifier.core.errors import StoreBusy, StoreError

_FLOCK = struct.Struct("hhqqi4x")
"""`struct flock` of 64-bit Linux (fcntl(2))."""

_FAR = 2**62
"""The byte that is locked, far beyond any that SQLite has locks on, which are of another kind (POSIX)."""

_NO_SUCH_LOCKS = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK})

_held: set[tuple[int, int]] = set()
"""The files that this process has locked, by device and inode. They must not be opened here a second time: closing any
descriptor of a file frees all POSIX locks of the process on it, and SQLite would go on without its own."""


class DatabaseLock:
    """Holds `<database>.lock` and the database's file for as long as it is entered; makes both, for their owner only.

    SQLite gives its own files the mode of the database. Leave it only after SQLite has closed the file (see `_held`).

    Raises:
        StoreBusy: another process holds one of them; the text names that process, if it can be told.
        StoreError: the file beside the database cannot be made.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        file = database.resolve()  # one file has one lock, whatever it is called
        self._path = file.with_name(file.name + ".lock")
        self._descriptor = -1
        self._file: tuple[int, int] | None = None
        self.database_descriptor = -1

    def __enter__(self) -> Self:
        try:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"{self._path}: cannot be made ({error.strerror}); the notifier needs a folder it can write to: "
                "set `state:` to a file in one"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip()
            os.close(self._descriptor)
            who = f"another notifier (process {holder})" if holder.isdigit() else "another notifier"
            raise StoreBusy(
                f"{self._database}: {who} is running on this database; stop it first, "
                "or give this one a database of its own with `state:`"
            ) from error
        except OSError as error:
            os.close(self._descriptor)
            raise StoreError(
                f"{self._path}: cannot be locked ({error.strerror}); set `state:` to a file on a local disk"
            ) from error
        with contextlib.suppress(OSError):  # on a full disk: it only says who has it
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, str(os.getpid()).encode(), 0)
        try:
            self._lock_file()
        except StoreBusy:
            self._unlock_name()
            raise
        return self

    def _lock_file(self) -> None:
        with contextlib.suppress(OSError):
            found = self._database.stat()
            if (found.st_dev, found.st_ino) in _held:
                raise self._held_elsewhere()
        try:
            descriptor = os.open(self._database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return  # SQLite will say what is the matter with it
        lock = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _FAR, 1, 0)
        try:
            # A lock of the open file description: unlike a POSIX lock it outlasts other descriptors of the file.
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)
        except OSError as error:
            if error.errno not in _NO_SUCH_LOCKS:  # there the lock on the name has to do
                os.close(descriptor)
                raise self._held_elsewhere() from error
        found = os.fstat(descriptor)
        self._file = found.st_dev, found.st_ino
        _held.add(self._file)
        self.database_descriptor = descriptor

    def _held_elsewhere(self) -> StoreBusy:
        return StoreBusy(
            f"{self._database}: another notifier is running on this very file, under another name (a hard link, or a "
            "file or folder that is mounted twice); stop it first, or give this one a database of its own with `state:`"
        )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            _held.discard(self._file)
            os.close(self.database_descriptor)
        self._unlock_name()

    def _unlock_name(self) -> None:
        # The file stays: removing it would let two processes lock two files of one name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def holder(database: Path) -> str | None:
    """Who has the database open as its daemon, `process 123` where that is known; None if nobody has.

    It takes no lock, so it is in nobody's way. A file system without locks of open file descriptions tells nothing.
    """
    lock = database.resolve()
    known = ""
    with contextlib.suppress(OSError):
        known = lock.with_name(lock.name + ".lock").read_text(errors="replace").strip()[:32]
    who = f"process {known}" if known.isdigit() else "another process"
    try:
        found = database.stat()
        if (found.st_dev, found.st_ino) in _held:
            return who
        descriptor = os.open(database, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, _FAR, 1, 0)
    try:
        kind: int = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))[0]
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None if kind == fcntl.F_UNLCK else who
