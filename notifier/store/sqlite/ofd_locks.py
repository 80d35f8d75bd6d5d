"""Locks of an open file description on a byte (fcntl(2)): unlike POSIX locks they outlast other descriptors."""

import fcntl
import os
import struct

_FLOCK = struct.Struct("hhqqi4x")
"""`struct flock` of 64-bit Linux."""


def lock(descriptor: int, byte: int) -> None:
    """Lock the byte exclusively, without waiting.

    Raises:
        OSError: another process holds it, or the file system has no such locks.
    """
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0))


def is_locked(descriptor: int, byte: int) -> bool:
    """Return whether another open file description, or a POSIX lock of another process, holds the byte.

    Raises:
        OSError: the file system has no such locks.
    """
    asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
    kind: int = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))[0]
    return kind != fcntl.F_UNLCK
