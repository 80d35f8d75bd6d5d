"""Opens a folder once, and does everything in it relative to that: nothing outside of it is read or written.

The folder itself may be reached through links: its user named it. What has a name in it may have been put there by
somebody else, so no link is followed, and only a regular file with one name is written to.
"""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_MODE = 0o666
"""Of what is made; the umask of the process takes from it."""

_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Neither follow a link nor wait for the other end of a FIFO."""

_TRIES = 3


class Folder:
    """An opened folder.

    Raises:
        OSError: it cannot be opened; FileNotFoundError and NotADirectoryError if it is none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        opened = os.fstat(self._number)
        self._shared = bool(opened.st_mode & (stat.S_IWGRP | stat.S_IWOTH))

    def close(self) -> None:
        """Close it."""
        os.close(self._number)

    def is_in_place(self) -> bool:
        """Return whether its path still leads to it."""
        try:
            return os.path.samestat(self._path.stat(), os.fstat(self._number))
        except OSError:
            return False

    def look(self, name: str) -> os.stat_result | None:
        """Return what has this name, a link itself and not its target; None if nothing has."""
        try:
            return os.stat(name, dir_fd=self._number, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_named(self, file: BinaryIO, name: str) -> bool:
        """Return whether the opened file has this name."""
        found = self.look(name)
        return found is not None and os.path.samestat(found, os.fstat(file.fileno()))

    def open_own(self, name: str) -> BinaryIO:
        """Open a file to go on with, or make it. What is no file of ours is taken away first.

        Raises:
            OSError: a folder has the name, or the system refuses.
        """
        for _ in range(_TRIES):
            if (found := self.look(name)) is not None and not self._is_own(found):
                self.remove(name)
            with suppress(FileExistsError):
                return self._made(name) if self.look(name) is None else self._opened(name)
        raise OSError(errno.EEXIST, f"somebody keeps putting something else in the place of {name}")

    def make(self, name: str) -> BinaryIO:
        """Make a new file, in the place of whatever has the name.

        Raises:
            OSError: a folder has the name, or the system refuses.
        """
        self.remove(name)
        return self._made(name)

    def open_to_read(self, name: str, *, own: bool = False) -> BinaryIO:
        """Open a regular file.

        Args:
            name: its name.
            own: refuse one that is not of our making, too.

        Raises:
            OSError: it is none.
        """
        number = os.open(name, os.O_RDONLY | _SAFE, dir_fd=self._number)
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode) or (own and not self._is_own(found)):
            os.close(number)
            raise OSError(errno.EINVAL, f"{name} is no regular file")
        return os.fdopen(number, "rb")

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, in the place of what has that; a link there is replaced, not followed.

        Raises:
            OSError: a folder has the name, or the system refuses.
        """
        if (found := self.look(new)) is not None:
            self._refuse_folder(new, found)
        os.rename(old, new, src_dir_fd=self._number, dst_dir_fd=self._number)

    def remove(self, name: str) -> None:
        """Remove a name, if it is there; a folder's is refused."""
        with suppress(FileNotFoundError):
            self._refuse_folder(name, os.stat(name, dir_fd=self._number, follow_symlinks=False))
            os.unlink(name, dir_fd=self._number)

    def sync(self) -> None:
        """Wait until the names in it are on the disk."""
        os.fsync(self._number)

    def _made(self, name: str) -> BinaryIO:
        number = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _SAFE, _MODE, dir_fd=self._number)
        return os.fdopen(number, "r+b")

    def _opened(self, name: str) -> BinaryIO:
        try:
            number = os.open(name, os.O_RDWR | _SAFE, dir_fd=self._number)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOENT):  # exchanged since it was looked at
                raise FileExistsError from error
            raise
        if not self._is_own(os.fstat(number)):
            os.close(number)
            raise FileExistsError
        return os.fdopen(number, "r+b")

    def _is_own(self, found: os.stat_result) -> bool:
        """Return whether it is a regular file with one name; where others may write to the folder, it must be ours."""
        mine = not self._shared or found.st_uid == os.geteuid()
        return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and mine

    @staticmethod
    def _refuse_folder(name: str, found: os.stat_result) -> None:
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, f"a folder has the name {name}, which is needed: remove it")
