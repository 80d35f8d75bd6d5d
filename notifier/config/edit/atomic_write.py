"""Writes files whole or not at all, readable for whoever has to read them."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ACL = "system.posix_acl_access"
"""The extended attribute that holds a file's access control list (acl(5))."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileAccess:
    """Who may read and write a file: its owner, its group, its mode, and its access control list if it has one."""

    owner: int
    group: int
    mode: int
    acl: bytes | None = None

    @classmethod
    def of(cls, path: Path) -> "FileAccess":
        """The access to an existing file.

        Raises:
            OSError: it cannot be looked at.
        """
        found = path.stat()
        acl = None
        with contextlib.suppress(OSError):
            acl = os.getxattr(path, _ACL)
        return cls(owner=found.st_uid, group=found.st_gid, mode=stat.S_IMODE(found.st_mode) & 0o666, acl=acl)

    def apply(self, descriptor: int, *, folder: bool = False) -> None:
        """Give an open file or folder the same access.

        Only root may give a file away. Where the owner or the group stays another one, all others may read what
        that owner or group may read: a file that the service cannot read would stop every later reload.

        Raises:
            OSError: the mode cannot be set.
        """
        mode = self.mode | 0o600
        if not _given(descriptor, self.owner, -1):
            mode |= (mode & 0o400) >> 6
        if not _given(descriptor, -1, self.group):
            mode |= (mode & 0o040) >> 3
        if folder:
            mode |= (mode & 0o444) >> 2 | (os.fstat(descriptor).st_mode & stat.S_ISGID)
        os.fchmod(descriptor, mode)
        if self.acl is not None and not folder:
            with contextlib.suppress(OSError):
                os.setxattr(descriptor, _ACL, self.acl)


def _given(descriptor: int, owner: int, group: int) -> bool:
    """Whether the file has this owner (or this group; -1 is any) now."""
    with contextlib.suppress(OSError):
        os.fchown(descriptor, owner, group)
    found = os.fstat(descriptor)
    return owner in (-1, found.st_uid) and group in (-1, found.st_gid)


def make_folder(path: Path, access: FileAccess) -> None:
    """Make a folder, and those above it that are missing, each with this access.

    Raises:
        OSError: one cannot be made.
    """
    if path.is_dir():
        return
    make_folder(path.parent, access)
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        with _opened_folder(path) as descriptor:
            access.apply(descriptor, folder=True)


def write_new(path: Path, text: str, access: FileAccess) -> None:
    """Write a file that does not exist yet: a reader finds it whole or not at all.

    Raises:
        FileExistsError: it exists.
        OSError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(new, text.encode(), access)
        os.link(new, path)
    finally:
        new.unlink(missing_ok=True)
    _sync_folder(path.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, in the place of the one before.

    Raises:
        OSError: it cannot be written; the one before is still there.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        new.unlink(missing_ok=True)  # left behind by a process with the same number
        _write(new, content, None)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write(new: Path, content: bytes, access: FileAccess | None) -> None:
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        if access is not None:
            access.apply(descriptor)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    with _opened_folder(path) as folder:
        os.fsync(folder)


@contextlib.contextmanager
def _opened_folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
