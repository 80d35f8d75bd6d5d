"""Opens a folder once, and works relative to it: nothing outside of it is read or written.

The path of the folder may lead through links, as its user chose it. A name in the folder may be somebody else's, so no
link is followed, and only a regular file with a single name is written to.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_MODE = 0o666
"""The mode of new files, before the umask."""

_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Do not follow a link, and do not wait for the other end of a FIFO."""

_TRIES = 3


class Folder:
    """An open folder.

    Raises:
        OSError: it cannot be opened; FileNotFoundError or NotADirectoryError if it is not a folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        opened = os.fstat(self._number)
        self._shared = bool(opened.st_mode & (stat.S_IWGRP | stat.S_IWOTH))

    def close(self) -> None:
        """Closes the folder."""
        os.close(self._number)

    def is_in_place(self) -> bool:
        """Returns whether its path still leads to it."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._number))
        except OSError:
            return False

    def stat(self, name: str) -> os.stat_result | None:
        """Returns the status of a name, of a link itself and not its target; None if there is none."""
        try:
            return os.stat(name, dir_fd=self._number, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_named(self, file: BinaryIO, name: str) -> bool:
        """Returns whether the open file has this name."""
        found = self.stat(name)
        return found is not None and os.path.samestat(found, os.fstat(file.fileno()))

    def open_own(self, name: str) -> BinaryIO:
        """Opens a file to append to, or creates it. Removes first what is not a file of ours.

        Raises:
            OSError: a folder has the name, or the system refuses.
        """
        for _ in range(_TRIES):
            if (found := self.stat(name)) is not None and not self._is_own(found):
                self.remove(name)
            with suppress(FileExistsError):
                return self._made(name) if self.stat(name) is None else self._opened(name)
        raise OSError(errno.EEXIST, f"another process keeps replacing {name}")

    def make(self, name: str) -> BinaryIO:
        """Creates a file, replacing what has the name.

        Raises:
            OSError: a folder has the name, or the system refuses.
        """
        self.remove(name)
        return self._made(name)

    def open_to_read(self, name: str, *, own: bool = False) -> BinaryIO:
        """Opens a regular file.

        Args:
            name: its name.
            own: accept only a file of ours.

        Raises:
            OSError: it is not such a file.
        """
        number = os.open(name, os.O_RDONLY | _SAFE, dir_fd=self._number)
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or (own and not self._is_own(found)):
            os.close(number)
            raise OSError(errno.EINVAL, f"{name} is no regular file")
        return os.fdopen(number, "rb")

    def rename(self, old: str, new: str) -> None:
        """Renames a file, replacing what has the new name; a link there is replaced, not followed.

        Raises:
            OSError: a folder has the name, or the system refuses.
        """
        if (found := self.stat(new)) is not None:
            self._refuse_folder(new, found)
        os.rename(old, new, src_dir_fd=self._number, dst_dir_fd=self._number)

    def remove(self, name: str) -> None:
        """Removes a name if it exists; refuses a folder's."""
        with suppress(FileNotFoundError):
            self._refuse_folder(name, os.stat(name, dir_fd=self._number, follow_symlinks=False))
            os.unlink(name, dir_fd=self._number)

    def sync(self) -> None:
        """Waits until its names are on the disk."""
        os.fsync(self._number)

    def _made(self, name: str) -> BinaryIO:
        number = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE, _MODE, dir_fd=self._number)
        return os.fdopen(number, "r+b")

    def _opened(self, name: str) -> BinaryIO:
        try:
            number = os.open(name, os.O_RDWR | _SAFE, dir_fd=self._number)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOENT):  # replaced since the check
                raise FileExistsError from error
            raise
        if not self._is_own(os.fstat(number)):
            os.close(number)
            raise FileExistsError
        return os.fdopen(number, "r+b")

    def _is_own(self, found: os.stat_result) -> bool:
        """Returns whether it is a regular file with one name, and ours if others may write to the folder."""
        mine = not self._shared or found.st_uid == os.geteuid()
        return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and mine

    @staticmethod
    def _refuse_folder(name: str, found: os.stat_result) -> None:
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, f"a folder has the name {name}, which is needed: remove it")
