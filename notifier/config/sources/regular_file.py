"""Reads files that somebody named: regular ones only, of bounded size, without ever waiting for a writer.

Opening a FIFO waits until somebody writes to it, a device or `/dev/zero` never ends, and opening some devices does
something. So a path is looked at before it is opened, and once more after that.
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
    """Who reads files here, for an error: "the user notifier"."""
    number = os.geteuid()
    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user {number}"


class NotRegular(OSError):
    """The path leads to something that is no file with a content; `strerror` says to what."""


def read_regular(path: Path, limit: int) -> bytes:
    """The first bytes of a regular file, at most `limit`.

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
    """What the mode of a file (`st_mode`) says that it is, if it is neither a regular file nor a folder."""
    return _KINDS.get(stat.S_IFMT(mode))


def _check(path: Path, found: os.stat_result) -> None:
    if kind := kind_of(found.st_mode):
        raise NotRegular(0, f"this is {kind}, and only a regular file is read", str(path))
