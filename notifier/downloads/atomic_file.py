"""Writes results into a hidden file, which is renamed when it is complete.

So at any moment the file with the final name is complete, or absent. A journal beside the hidden file says how much of
it is complete parts, from where the next download resumes. Everything here waits for the disk: call it in a thread.
"""

import contextlib
import errno
import fcntl
import gzip
import json
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from notifier.core.errors import DownloadError, DownloadTrouble
from notifier.downloads.folder import Folder

_GZIP = 31
"""The `wbits` by which zlib writes gzip's header and trailer."""

_SYNCED_EVERY = 64 * 1024 * 1024
"""Bytes between two syncs, so that the sync at the end of a part is short."""

_COMPARED_AT_ONCE = 1024 * 1024
_LARGEST_JOURNAL = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """What is complete in the hidden file: its parts, their bytes and records.

    `plan` identifies what the parts belong to: under another plan nothing can be resumed. `header` is a CSV's first
    row.
    """

    plan: str = ""
    parts: int = 0
    size: int = 0
    records: int = 0
    header: str = ""


class AtomicFile:
    """A file that is being written. If it is closed before it is published, its parts are kept for the next time.

    Args:
        folder: an existing folder.
        name: the final name of the file.
        compress: whether to pack it with gzip.

    Raises:
        DownloadError: the folder does not exist, the disk is full, another process writes the file, …
    """

    def __init__(self, folder: Path, name: str, *, compress: bool) -> None:
        self.path = folder / name
        self.journal = Journal()
        self._name = name
        self._hidden = f".{name}.part"
        self._journal_name = f".{name}.part.json"
        self._compress = compress
        self._packer = zlib.compressobj(wbits=_GZIP)
        self._folder: Folder | None = None
        self._file: BinaryIO | None = None
        self._unsynced = 0
        self._stopped = False

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Opens the folder and the hidden file."""
        try:
            self._folder = Folder(self.path.parent)
        except (FileNotFoundError, NotADirectoryError) as error:
            text = f"{self.path.parent}: the folder does not exist; create it first"
            raise DownloadError(DownloadTrouble.FOLDER, text) from error
        except OSError as error:
            raise self._trouble(error) from error
        try:
            with self._troubles():
                file = self._folder.open_own(self._hidden)
                if not self._is_ours(file):
                    file.close()
                    text = f"{self.path}: another download of it is under way; wait for it"
                    raise DownloadError(DownloadTrouble.BUSY, text)
                self._file = file
                self.journal = self._read_journal()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file; removes it if it has no complete part."""
        file, self._file = self._file, None
        if file is not None:
            if self.journal.parts == 0 and self._here.is_named(file, self._hidden):
                self._remove()
            with contextlib.suppress(OSError):
                file.close()
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.close()

    def stop(self) -> None:
        """Makes a long call in another thread end early: nobody waits for its result."""
        self._stopped = True

    def resume(self, plan: str) -> Journal:
        """Continues after the last complete part; starts over if the parts are of another plan."""
        if self.journal.plan != plan:
            self.restart()
            self.journal = Journal(plan=plan)
        self.rewind()
        return self.journal

    def restart(self) -> None:
        """Discards all parts."""
        self.journal = Journal()
        with self._troubles():
            self._here.remove(self._journal_name)

    def rewind(self) -> None:
        """Discards what was written after the last complete part."""
        assert self._file is not None
        with self._troubles():
            self._file.seek(self.journal.size)
            self._file.truncate()
        self._packer = zlib.compressobj(wbits=_GZIP)

    def write(self, data: bytes) -> None:
        """Appends to the current part."""
        assert self._file is not None
        if not data:
            return
        with self._troubles():
            packed = self._packer.compress(data) if self._compress else data
            self._file.write(packed)
            self._unsynced += len(packed)
            if self._unsynced >= _SYNCED_EVERY:
                self._file.flush()
                os.fdatasync(self._file.fileno())
                self._unsynced = 0

    def complete_part(self, *, records: int, header: str = "") -> None:
        """Records in the journal that the current part is complete."""
        with self._troubles():
            size = self._flush()
        journal = self.journal
        self.journal = Journal(
            plan=journal.plan,
            parts=journal.parts + 1,
            size=size,
            records=journal.records + records,
            header=journal.header or header,
        )
        with self._troubles():
            self._write_journal()

    def publish(self, *, end: bytes, force: bool) -> bool:
        """Renames the file to its final name. Returns False if a file of that name has the same content already.

        Args:
            end: written after the last part.
            force: replace a file with another content, or a link.

        Raises:
            DownloadError: there is such a file, without `force`; or the system refuses.
        """
        with self._troubles():
            self.write(end)
            self._flush()
            found = self._here.stat(self._name)
            if found is not None and stat.S_ISDIR(found.st_mode):
                raise DownloadError(DownloadTrouble.EXISTS, f"{self.path}: a folder has that name; remove it")
            if found is not None and not force:
                regular = stat.S_ISREG(found.st_mode)
                same = regular and self._same_content()
                self.discard()
                if not same:
                    what = "with another content" if regular else "and is no regular file"
                    text = f"{self.path} exists already, {what}"
                    raise DownloadError(DownloadTrouble.EXISTS, text, in_the_way=True)
                return False
            self._take_the_name()
        return True

    def discard(self) -> None:
        """Removes the hidden file and its journal."""
        self.journal = Journal()
        self._remove()

    @property
    def _here(self) -> Folder:
        assert self._folder is not None
        return self._folder

    def _take_the_name(self) -> None:
        assert self._file is not None
        if not self._here.is_in_place() or not self._here.is_named(self._file, self._hidden):
            text = f"{self.path.parent}: the folder was replaced during the download; try again"
            raise DownloadError(DownloadTrouble.FOLDER, text)
        self._here.rename(self._hidden, self._name)
        self._here.sync()
        self._here.remove(self._journal_name)

    def _remove(self) -> None:
        for name in (self._hidden, self._journal_name):
            with contextlib.suppress(OSError):
                self._here.remove(name)

    def _is_ours(self, file: BinaryIO) -> bool:
        """Returns whether no other process writes the file, or has renamed it since it was opened."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return self._here.is_named(file, self._hidden)

    def _flush(self) -> int:
        assert self._file is not None
        if self._compress:
            self._file.write(self._packer.flush())
            self._packer = zlib.compressobj(wbits=_GZIP)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsynced = 0
        return self._file.tell()

    def _same_content(self) -> bool:
        with contextlib.ExitStack() as opened:
            new: BinaryIO = opened.enter_context(self._here.open_to_read(self._hidden))
            old: BinaryIO = opened.enter_context(self._here.open_to_read(self._name))
            if self._compress:
                new = opened.enter_context(gzip.GzipFile(fileobj=new))  # type: ignore[assignment]
                old = opened.enter_context(gzip.GzipFile(fileobj=old))  # type: ignore[assignment]
            elif os.fstat(new.fileno()).st_size != os.fstat(old.fileno()).st_size:
                return False
            try:
                while (piece := new.read(_COMPARED_AT_ONCE)) == old.read(_COMPARED_AT_ONCE):
                    if not piece:
                        return True
                    if self._stopped:
                        raise InterruptedError(errno.EINTR, "stopped")
            except (gzip.BadGzipFile, EOFError, zlib.error):
                return False  # the present file is not a gzip
        return False

    def _read_journal(self) -> Journal:
        assert self._file is not None
        try:
            with self._here.open_to_read(self._journal_name, own=True) as file:
                journal = Journal(**json.loads(file.read(_LARGEST_JOURNAL)))
            is_valid = 0 < journal.size <= os.fstat(self._file.fileno()).st_size and journal.parts > 0
        except (OSError, ValueError, TypeError, RecursionError):
            return Journal()
        return journal if is_valid else Journal()

    def _write_journal(self) -> None:
        new = f"{self._journal_name}.new"
        with self._here.make(new) as file:
            file.write(json.dumps(asdict(self.journal)).encode())
            file.flush()
            os.fsync(file.fileno())
        self._here.rename(new, self._journal_name)

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._trouble(error) from error

    def _trouble(self, error: OSError) -> DownloadError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            text = f"{self.path.parent}: no space left; free some and try again: complete parts are kept"
            return DownloadError(DownloadTrouble.NO_SPACE, text)
        text = f"{self.path.parent}: cannot be written to: {error.strerror or error}"
        return DownloadError(DownloadTrouble.FOLDER, text)
