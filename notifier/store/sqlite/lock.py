"""Lets one daemon use a database: exclusive locks, which the kernel frees however the process ends.

One lock is on a file beside the database, and covers its name. The other is on the database file itself, and covers all
its names: hard links, and mounts elsewhere, also in another container.
"""

import contextlib
import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from notifier.core.errors import StoreBusy, StoreError
from notifier.store.sqlite.ofd_locks import is_locked, lock

_FAR = 2**62
"""The locked byte, far beyond those that SQLite locks (with POSIX locks)."""

_NO_SUCH_LOCKS = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK})

_held: set[tuple[int, int]] = set()
"""The files that this process has locked, by device and inode. It must not open them a second time: closing any
descriptor of a file frees all POSIX locks of the process on it, and SQLite would lose its own."""


class DatabaseLock:
    """Locks `<database>.lock` and the database file while entered; creates both, for their owner only.

    SQLite gives its own files the mode of the database. Exit only after SQLite has closed the file (see `_held`).

    Raises:
        StoreBusy: another process holds one of them; the text names that process, if it is known.
        StoreError: the file beside the database cannot be made.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        file = database.resolve()  # one lock for a file, whatever link leads to it
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
        with contextlib.suppress(OSError):  # on a full disk; the content only says who has the lock
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
            return  # SQLite reports the error
        try:
            lock(descriptor, _FAR)
        except OSError as error:
            if error.errno not in _NO_SUCH_LOCKS:  # without them the lock on the name must do
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
    """Return the daemon that has the database open, as `process 123` if that is known; None if there is none.

    Takes no lock, and so blocks no daemon. On a file system without locks of open file descriptions it returns None.
    """
    file = database.resolve()
    known = ""
    with contextlib.suppress(OSError):
        known = file.with_name(file.name + ".lock").read_text(errors="replace").strip()[:32]
    who = f"process {known}" if known.isdigit() else "another process"
    try:
        found = database.stat()
        if (found.st_dev, found.st_ino) in _held:
            return who
        descriptor = os.open(database, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return who if is_locked(descriptor, _FAR) else None
    except OSError:
        return None
    finally:
        os.close(descriptor)
