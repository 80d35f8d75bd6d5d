"""Where results land: a hidden file in the folder, that gets its name when it is whole. Killed at any instant, no file
with that name is there, or it is whole.

Beside the hidden file stands its journal: how much of it are parts that came whole. A download that begins again goes
on from there.
"""

import contextlib
import errno
import fcntl
import filecmp
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from notifier.brightdata.records import count_csv
from notifier.core.errors import DownloadError, DownloadTrouble

_GZIP = 31
"""What zlib calls a stream with gzip's header and trailer (its `wbits`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Journal:
    """What of the hidden file is whole: so many bytes, of so many parts and records.

    `plan` says of what they are parts: with another one nothing can be gone on with. `header` is a CSV's first row.
    """

    plan: str = ""
    parts: int = 0
    size: int = 0
    records: int = 0
    header: str = ""


class Landing:
    """One file on its way. Enter it as a context manager; what was not published by then is kept for the next time.

    Args:
        folder: where; it must be there.
        name: the name of the whole file, one that a folder can hold.
        compress: write it packed with gzip.

    Raises:
        DownloadError: the folder is not there, the disk is full, another process is at it, …
    """

    def __init__(self, folder: Path, name: str, *, compress: bool) -> None:
        self.path = folder / name
        self.journal = Journal()
        self._hidden = folder / f".{name}.part"
        self._journal_path = folder / f".{name}.part.json"
        self._compress = compress
        self._packer = zlib.compressobj(wbits=_GZIP)
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        with self._troubles():
            if not self.path.parent.is_dir():
                raise DownloadError(
                    DownloadTrouble.FOLDER, f"{self.path.parent}: there is no such folder; make it first"
                )
            number = os.open(self._hidden, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            self._file = os.fdopen(number, "r+b")
            if not self._is_ours(number):
                self._file.close()
                text = f"{self.path}: another download of it is under way; wait for it"
                raise DownloadError(DownloadTrouble.BUSY, text)
            self.journal = self._read_journal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            if self.journal.parts == 0:
                self.discard()

    def resume(self, plan: str) -> Journal:
        """Go on after the last whole part, or, if those are parts of something else, begin anew."""
        if self.journal.plan != plan:
            self.restart()
            self.journal = Journal(plan=plan)
        self.rewind()
        return self.journal

    def restart(self) -> None:
        """What came so far is worth nothing."""
        self.journal = Journal()
        with self._troubles():
            self._journal_path.unlink(missing_ok=True)

    def rewind(self) -> None:
        """Take back what was written after the last whole part."""
        assert self._file is not None
        with self._troubles():
            self._file.seek(self.journal.size)
            self._file.truncate()
        self._packer = zlib.compressobj(wbits=_GZIP)

    def write(self, data: bytes) -> None:
        """Go on with the part."""
        assert self._file is not None
        if data:
            with self._troubles():
                self._file.write(self._packer.compress(data) if self._compress else data)

    def part_is_whole(self, *, records: int, header: str = "") -> None:
        """What was written since the last time is a whole part. May take a while: it waits for the disk."""
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
            _write_whole(self._journal_path, json.dumps(asdict(self.journal)).encode())

    def csv_records(self) -> int:
        """The records of a CSV that is written so far, read back from the file."""
        with self._troubles():
            self._flush()
            opened = gzip.open if self._compress else open
            with opened(self._hidden, "rt", encoding="utf-8", errors="replace", newline="") as file:
                return count_csv(file)

    def publish(self, *, end: bytes, force: bool) -> bool:
        """Give the file its name. False if a file with the same content has it already.

        Args:
            end: what comes after the last part.
            force: take the place of a file with another content.

        Raises:
            DownloadError: there is such a file, and no `force`; or the system refuses.
        """
        with self._troubles():
            self.write(end)
            self._flush()
            if self.path.exists() and not force:
                same = self._same_content()
                self.discard()
                if not same:
                    text = f"{self.path} is there already, with another content; --force puts this one in its place"
                    raise DownloadError(DownloadTrouble.EXISTS, text)
                return False
            self._hidden.replace(self.path)
            _sync_folder(self.path.parent)
            self._journal_path.unlink(missing_ok=True)
        return True

    def discard(self) -> None:
        """Leave nothing."""
        self.journal = Journal()
        for path in (self._hidden, self._journal_path):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def _is_ours(self, number: int) -> bool:
        """Whether nobody else writes to the file, nor has given it its name since it was opened."""
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return os.path.samestat(os.fstat(number), self._hidden.stat())
        except (BlockingIOError, FileNotFoundError):
            return False

    def _flush(self) -> int:
        assert self._file is not None
        if self._compress:
            self._file.write(self._packer.flush())
            self._packer = zlib.compressobj(wbits=_GZIP)
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def _same_content(self) -> bool:
        if not self._compress:
            return filecmp.cmp(self._hidden, self.path, shallow=False)
        try:
            with gzip.open(self._hidden) as new, gzip.open(self.path) as old:
                while (piece := new.read(1 << 20)) == old.read(1 << 20):
                    if not piece:
                        return True
        except (OSError, EOFError, zlib.error):
            return False  # what stands there is no gzip
        return False

    def _read_journal(self) -> Journal:
        assert self._file is not None
        try:
            journal = Journal(**json.loads(self._journal_path.read_bytes()))
            whole = 0 < journal.size <= os.fstat(self._file.fileno()).st_size and journal.parts > 0
        except (OSError, ValueError, TypeError):
            return Journal()
        return journal if whole else Journal()

    @contextmanager
    def _troubles(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                text = f"{self.path.parent}: no space left; make some and ask again, what came whole is kept"
                raise DownloadError(DownloadTrouble.NO_SPACE, text) from error
            raise DownloadError(
                DownloadTrouble.FOLDER, f"{self.path.parent}: cannot be written to: {error.strerror or error}"
            ) from error


def _write_whole(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _sync_folder(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
