"""One daemon per database: an exclusive lock on a file beside it, freed by the kernel however the process ends."""

import contextlib
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from notifier.core.errors import StoreBusy, StoreError


class DatabaseLock:
    """Holds `<database>.lock` for as long as it is entered.

    Raises:
        StoreBusy: another process holds it; the text names that process.
        StoreError: the file cannot be made.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        file = database.resolve()  # one file has one lock, whatever it is called
        self._path = file.with_name(file.name + ".lock")
        self._descriptor = -1

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
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: removing it would let two processes lock two files of one name.
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)
