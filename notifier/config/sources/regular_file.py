"""Reads regular files only, of bounded size, and never waits for a writer.

Opening a FIFO waits for a writer, reading `/dev/zero` never ends, and opening some devices has side effects. So the
type of a file is checked before it is opened, and again after.
"""

import os
import pwd
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFIFO: "a FIFO (a named pipe)",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_PIECE = 1024 * 1024


def this_user() -> str:
    """Return who reads files here, as an error names it: "the user notifier"."""
    number = os.geteuid()
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user {number}"


class NotRegular(OSError):
    """The path leads to something that is not a regular file; `strerror` says what."""


def read_regular(path: Path, limit: int) -> bytes:
    """Read a regular file, at most its first `limit` bytes.

    Raises:
        NotRegular: it is a FIFO, a socket or a device.
        OSError, ValueError: it cannot be read.
    """
    _check(path, os.stat(path))  # noqa: PTH116 - of a thousand files twice a second
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        found = os.fstat(descriptor)
        _check(path, found)
        pieces = []
        left = limit
        while left and (piece := os.read(descriptor, min(left, max(_PIECE, found.st_size + 1)))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def kind_of(mode: int) -> str | None:
    """Return what a file is by its mode (`st_mode`), if it is neither a regular file nor a folder."""
    return _KINDS.get(stat.S_IFMT(mode))


def _check(path: Path, found: os.stat_result) -> None:
    if kind := kind_of(found.st_mode):
        raise NotRegular(0, f"this is {kind}, and only a regular file is read", str(path))
