"""Writes files atomically, with the access rights of another file."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

_ACL = "system.posix_acl_access"
"""The extended attribute that holds a file's access control list (acl(5))."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileAccess:
    """The access rights of a file: owner, group, mode, and the access control list if it has one."""

    owner: int
    group: int
    mode: int
    acl: bytes | None = None

    @classmethod
    def of(cls, path: Path) -> "FileAccess":
        """Return the access rights of an existing file.

        Raises:
            OSError: the file cannot be inspected.
        """
        found = path.stat()
        acl = None
        with contextlib.suppress(OSError):
            acl = os.getxattr(path, _ACL)
        return cls(owner=found.st_uid, group=found.st_gid, mode=stat.S_IMODE(found.st_mode) & 0o666, acl=acl)

    def apply(self, descriptor: int, *, folder: bool = False) -> None:
        """Apply the access rights to an open file or folder.

        Only root can change the owner. If the owner or the group stays different, others get their read permission:
        a file that the service cannot read would block every later reload.

        Raises:
            OSError: the mode cannot be set.
        """
        mode = self.mode | 0o600
        if not _chown(descriptor, self.owner, -1):
            mode |= (mode & 0o400) >> 6
        if not _chown(descriptor, -1, self.group):
            mode |= (mode & 0o040) >> 3
        if folder:
            mode |= (mode & 0o444) >> 2 | (os.fstat(descriptor).st_mode & stat.S_ISGID)
        os.fchmod(descriptor, mode)
        if self.acl is not None and not folder:
            with contextlib.suppress(OSError):
                os.setxattr(descriptor, _ACL, self.acl)


def _chown(descriptor: int, owner: int, group: int) -> bool:
    """Try to set the owner or the group (-1: keep it). Return whether the file has it now."""
    with contextlib.suppress(OSError):
        os.fchown(descriptor, owner, group)
    found = os.fstat(descriptor)
    return owner in (-1, found.st_uid) and group in (-1, found.st_gid)


def make_folder(path: Path, access: FileAccess) -> None:
    """Create a folder and its missing parents, each with these access rights.

    Raises:
        OSError: one cannot be created.
    """
    if path.is_dir():
        return
    make_folder(path.parent, access)
    with contextlib.suppress(FileExistsError):
        path.mkdir()
        with _opened_folder(path) as descriptor:
            access.apply(descriptor, folder=True)


def write_new(path: Path, text: str, access: FileAccess) -> datetime:
    """Write a new file atomically: readers see all of it or nothing.

    Returns:
        The time just before it could be seen.

    Raises:
        FileExistsError: it exists.
        OSError: it cannot be written.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(new, text.encode(), access)
        appeared = datetime.now(UTC)
        os.link(new, path)
    finally:
        new.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return appeared


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically by one that only its owner may read.

    Raises:
        OSError: it cannot be written; the old file is still there.
    """
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        new.unlink(missing_ok=True)  # left behind by a killed process with the same id
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
